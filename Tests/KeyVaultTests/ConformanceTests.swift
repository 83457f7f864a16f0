import KeyVault
import MusterModel
import MusterTesting
import Testing

/// One after another: stretching a secret keeps a thread for its time, and other tests wait for an answer.
@Suite(.serialized) struct ConformanceTests {
  static let protectors: [KeyProtectorConformance.Subject] = {
    guard let passphrase = try? PassphraseProtector(secret("correct horse battery")),
      let rival = try? PassphraseProtector(secret("correct horse batterz")), let quorum = try? Quorum(2, of: 3),
      let shares = try? NewShares(quorum).protector, let others = try? NewShares(quorum).protector
    else { return [] }
    let file = FileProtector.random()
    return [
      .init(own: file, rival: FileProtector.random(), other: passphrase),
      .init(own: passphrase, rival: rival, other: file),
      .init(own: RecoveryCodeProtector(.random()), rival: RecoveryCodeProtector(.random()), other: file),
      .init(own: shares, rival: others, other: file),
    ]
  }()

  /// A TPM's and a token's are held to it where they are.
  @Test func `every kind of slot that needs nothing else has its protector here`() {
    let kinds = Set(ConformanceTests.protectors.map(\.own.kind))
    #expect(kinds == Set(SlotKind.allCases).subtracting([.tpm, .pkcs11]))
  }

  @Test(arguments: KeyProtectorConformance.all, protectors)
  func `a protector is a KeyProtector`(
    _ requirement: Requirement<KeyProtectorConformance.Subject>, protector: KeyProtectorConformance.Subject
  ) async throws {
    try await requirement.check(protector)
  }
}
