import Foundation
import MusterModel
import PKCS11Commands

/// The token that holds the device's key, with its PIN from a file. A PIN that it refused is not shown to it again before the
/// file is written anew, by no later run either: tokens count wrong ones and lock themselves.
struct DeviceToken: Sendable {
  let uri: PKCS11URI
  private let token: PKCS11Token
  private let folder: StateFolder

  init(_ uri: PKCS11URI, _ folder: StateFolder) {
    self.uri = uri
    self.folder = folder
    token = PKCS11Token(uri) { () throws(KeyKeeperFailure) in try DeviceToken.pin(uri, folder) }
  }

  private static func pin(_ uri: PKCS11URI, _ folder: StateFolder) throws(KeyKeeperFailure) -> SecretBytes {
    let refused: [UInt8]?
    do { refused = try folder.read(.refusedPIN) } catch { throw KeyKeeperFailure(.noPIN, error.description) }
    guard refused == nil || refused != state(ofFile: uri.pinFile) else { throw .wrongPIN(of: uri) }
    return try PINFile.read(uri.pinFile)
  }

  /// Blocks. Throws what was expected and found, and what to do about it.
  func ask<Value>(_ body: (PKCS11Token) throws(KeyKeeperFailure) -> Value) throws(DeviceFailure) -> Value {
    do { return try body(token) } catch {
      if error.reason == .wrongPIN, let state = DeviceToken.state(ofFile: uri.pinFile) {
        try folder.write(.refusedPIN, state)
      }
      throw DeviceFailure(
        error.description + (advice(error.reason).map { "\n  \($0)" } ?? ""), isPassing: error.reason == .away)
    }
  }

  /// For who stands at the device.
  private func advice(_ reason: KeyKeeperFailure.Reason) -> String? {
    switch reason {
    case .away: "plug the token in, and see that it shows under that module"
    case .wrongPIN: "the PIN is shown to the token again once \(uri.pinFile) is written anew"
    case .lost: "bring the token that the device enrolled with; where it is gone, unenroll and enroll anew"
    default: nil
    }
  }

  /// What changes when it is written: says nothing of the PIN in it. nil where there is none.
  private static func state(ofFile path: String) -> [UInt8]? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Array("\(status.st_ino) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\n".utf8)
  }
}
