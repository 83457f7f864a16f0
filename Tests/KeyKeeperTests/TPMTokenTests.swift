import CertificateAuthority
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import PKCS11Commands
import PKCS11Keys
import Testing

/// PKCS #11 over a TPM, where apt has tpm2-pkcs11.
@Suite(.serialized, .enabled(if: TPMToken.isThere, "needs tpm2-pkcs11"), .timeLimit(.minutes(10)))
struct TPMTokenTests {
  private func opened() throws -> PKCS11Token {
    let token = try TPMToken.shared.get()
    let file = token.pinFile
    return PKCS11Token(try PKCS11URI(token.uri)) { () throws(KeyKeeperFailure) in
      guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
        throw KeyKeeperFailure(.noPIN, "expected \(file)")
      }
      return SecretBytes(copying: text.utf8.dropLast())
    }
  }

  @Test(arguments: SignerConformance.all)
  func `a CA's key in a TPM behind PKCS #11 is a Signer`(_ requirement: Requirement<any Signer>) async throws {
    try await requirement.check(try opened().makeSigningKey().signer)
  }

  /// It makes no AES keys: what is said is that, and no slot is made.
  @Test func `a token without AES keys takes no slot, and says so`() throws {
    let protector = PKCS11Protector(try opened())
    #expect(throws: VaultError.self) { try protector.wrap(.random(), slot: 1) }
  }
}
