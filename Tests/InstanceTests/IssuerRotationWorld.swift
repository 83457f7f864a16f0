import CertificateAuthority
import Enrollment
import HTTPService
import Logging
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension TestInstance {
  /// Another issuing CA takes over, whose key is kept as that of the one before is; both go on signing, over a restart.
  func expectRotation(of use: IssuerUse, keptBy isKept: (any Signer) -> Bool) async throws {
    let administrator = try await caller(.administrator, name: "root")
    let before = try #require(instance.authorities.issuer(for: use))
    #expect(isKept(before.signer))
    let counts = try await keptKeys()
    let sealedKey = try opened.folder.read(.offlineRoot)
    await #expect(throws: CommandFailure.self) {
      _ = try await IssuerRotation(opened: opened, use: use).rotate(sealedKey: sealedKey, code: .random())
    }
    #expect(try await keptKeys() == counts)
    let new = try await IssuerRotation(opened: opened, use: use).rotate(sealedKey: sealedKey, code: code)
    #expect(try await keptKeys() == counts.map { $0 == 0 ? 0 : $0 + 1 }, "it is where the others are")
    try await reopened { test in
      let issuer = try #require(test.instance.authorities.issuer(for: use))
      #expect(issuer.keyID == new.keyID && issuer.keyID != before.keyID && isKept(issuer.signer))
      // Each signs a responder's certificate, which is read back and checked; the new one the service's own too.
      try await CertificateUpkeep(
        opened: test.opened, credential: CurrentCredential(try ServerIdentity.read(test.opened.folder).credential),
        logger: Logger(label: "muster") { _ in SwiftLogNoOpLogHandler() }
      ).renewWhatIsDue()
      let signing = UnsealedAuthorities(authorities: test.instance.authorities)
      #expect(signing.responders.count == 3)
      let ticket = try await test.ticket("cpu-serial:00000000e4b1c9d2", "pump-7", by: administrator)
      let enrolled = try await test.enroll("pump-7", ticket, PeerKey()).get()
      #expect((enrolled.chain.last == new.certificate) == (use == .devices))
      let old = try #require(test.instance.authorities.issuers.first { $0.keyID == before.keyID })
      #expect(isKept(old.signer))
      #expect(try await !old.signer.sign(Array("the one before signs on".utf8)).isEmpty)
      try test.expectWholeLedger()
    }
  }

  /// How many CAs' keys are sealed, in a TPM, in a token.
  private func keptKeys() async throws -> [Int] {
    var counts: [Int] = []
    for purpose in [VaultSecret.signingKey, VaultSecret.tpmSigningKey, VaultSecret.pkcs11SigningKey] {
      counts.append(try await opened.readers.secrets(purpose: purpose).count)
    }
    return counts
  }
}
