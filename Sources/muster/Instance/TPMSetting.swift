import Foundation
import MusterModel
import PKCS11Commands
import TPMCommands
import TPMKeys

/// Where the service's TPM is, and the file of its PIN.
struct TPMSetting: Sendable, Hashable {
  let place: TPMPlace
  /// An absolute path.
  let pinFile: String?

  /// nil for a place that is none, and for a path that is not absolute.
  init?(place: String, pinFile: String?) {
    guard let place = TPMPlace(place), pinFile?.hasPrefix("/") ?? true else { return nil }
    (self.place, self.pinFile) = (place, pinFile)
  }

  /// As `service/tpm` has it: one line or two.
  init?(_ text: String) {
    let lines = text.split(separator: "\n").map(String.init)
    guard (1...2).contains(lines.count) else { return nil }
    self.init(place: lines[0], pinFile: lines.count > 1 ? lines[1] : nil)
  }

  var text: String { ([place.description] + [pinFile].compactMap(\.self)).map { $0 + "\n" }.joined() }

  func keeper() -> TPMKeeper {
    guard let pinFile else { return TPMKeeper(place, pin: nil) }
    return TPMKeeper(place) { () throws(KeyKeeperFailure) in try PINFile.read(pinFile) }
  }
}
