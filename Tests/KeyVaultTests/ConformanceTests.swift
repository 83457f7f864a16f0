import KeyVault
import MusterModel
import MusterTesting
import Testing

/// One after another: stretching a secret keeps a thread for its time, and other tests wait for an answer.
@Suite(.serialized) struct ConformanceTests {
  static let protectors: [KeyProtectorConformance.Subject] = {
    guard let passphrase = try? PassphraseProtector(secret("correct horse battery")),
      let rival = try? PassphraseProtector(secret("correct horse batterz"))
    else { return [] }
    let file = FileProtector.random()
    return [
      .init(own: file, rival: FileProtector.random(), other: passphrase),
      .init(own: passphrase, rival: rival, other: file),
      .init(own: RecoveryCodeProtector(.random()), rival: RecoveryCodeProtector(.random()), other: file),
    ]
  }()

  /// A TPM's and a token's are held to it where they are.
  @Test func `every kind of slot that needs nothing else has its protector here`() {
    #expect(ConformanceTests.protectors.map(\.own.kind) + [.tpm, .pkcs11] == SlotKind.allCases)
  }

  @Test(arguments: KeyProtectorConformance.all, protectors)
  func `a protector is a KeyProtector`(
    _ requirement: Requirement<KeyProtectorConformance.Subject>, protector: KeyProtectorConformance.Subject
  ) async throws {
    try await requirement.check(protector)
  }
}
