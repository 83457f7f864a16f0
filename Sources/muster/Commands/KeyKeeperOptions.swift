import ArgumentParser
import PKCS11Keys

/// What keeps keys outside of the folder.
struct KeyKeeperOptions: ParsableArguments {
  @Option(
    help:
      "The token, pkcs11:token=LABEL?module-path=FILE&pin-source=file:FILE (RFC 7512). Its PIN is never an argument.")
  var pkcs11: String?

  func keepers() throws -> KeyKeepers {
    do {
      return KeyKeepers(pkcs11: try pkcs11.map(PKCS11URI.init))
    } catch {
      throw CommandFailure("--pkcs11: \(error)", status: 2)
    }
  }
}
