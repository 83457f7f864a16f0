import Foundation
import Synchronization

/// A token in software (SoftHSM2), with a PIN in a file. It can be taken away and put back as a card can. All tests' tokens are
/// in one folder, which this process and those that it starts have by SOFTHSM2_CONF.
package final class SoftwareToken: Sendable {
  package static let module = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"]
    .first { FileManager.default.fileExists(atPath: $0) }
  package static let isThere = module != nil

  package let label: String
  package let pinFile: String
  private let files: TemporaryFolder
  /// SoftHSM2's own of this token.
  private let folder: URL

  package static let pin = "correct-horse"

  package init(pin: String = pin) throws {
    label = "test-" + UUID().uuidString.prefix(8)
    files = try TemporaryFolder()
    pinFile = files.path("pin")
    let label = label
    folder = try Self.store.withLock { store in
      let place = try store ?? Self.makeStore()
      store = place
      let before = try Self.folders(in: place)
      let made = try runBlocking(
        "softhsm2-util", ["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "security-officer"])
      guard made.status == 0, let name = try Self.folders(in: place).subtracting(before).first else {
        throw Unmet(description: "expected a token: \(made.output)\(made.errors)")
      }
      return place.appending(path: name)
    }
    try write(pin: pin)
  }

  /// As `--pkcs11` takes it.
  package var uri: String { "pkcs11:token=\(label)?module-path=\(Self.module ?? "")&pin-source=file:\(pinFile)" }

  package func write(pin: String, mode: Int = 0o600) throws {
    try files.write(Array((pin + "\n").utf8), "pin")
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: pinFile)
  }

  /// The token does not change; it is only not there.
  package func takeAway() throws {
    try FileManager.default.moveItem(at: folder, to: files.url.appending(path: "token"))
  }
  package func putBack() throws { try FileManager.default.moveItem(at: files.url.appending(path: "token"), to: folder) }

  /// A foreign tool's view of it.
  package func tool(_ arguments: String...) throws -> Ran {
    try runBlocking(
      "pkcs11-tool", ["--module", Self.module ?? "", "--token-label", label, "--login", "--pin", Self.pin] + arguments)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static let store = Mutex<URL?>(nil)

  private static func makeStore() throws -> URL {
    let store = FileManager.default.temporaryDirectory.appending(path: "muster-tokens-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: store, withIntermediateDirectories: true)
    SharedFolders.removeAtExit(store.path)
    let configuration = store.appending(path: "softhsm2.conf")
    try Data("directories.tokendir = \(store.path)\nobjectstore.backend = file\nlog.level = ERROR\n".utf8)
      .write(to: configuration)
    setenv("SOFTHSM2_CONF", configuration.path, 1)
    return store
  }

  private static func folders(in store: URL) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: store.path).filter { !$0.hasSuffix(".conf") })
  }
}
