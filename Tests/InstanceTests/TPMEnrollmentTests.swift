import Attestation
import Enrollment
import Foundation
import MusterModel
import MusterTesting
import Policy
import Testing

@testable import muster

/// Boards that enroll by their TPM: by swtpm, with tpm2-tools as the device's own program.
@Suite(.enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"), .serialized)
struct TPMEnrollmentTests {
  /// What a device makes of its TPM.
  struct Board: Sendable {
    let tpm: SoftwareTPM
    let evidence: TPMEvidence
    let hardware: String

    init(endorsement: String = "ecc") throws {
      tpm = try SoftwareTPM()
      try tpm.makeKeys(endorsement: endorsement, attestationKey: "ecc -g sha256 -s ecdsa", deviceKey: "ecc256")
      evidence = TPMEvidence(
        ekPublic: try tpm.folder.read("ek.pub"), akPublic: try tpm.folder.read("ak.pub"),
        keyPublic: try tpm.folder.read("key.pub"))
      hardware = try evidence.appraise().get().hardware.description
    }

    /// The evidence with a certificate of its endorsement key.
    func evidence(
      by maker: TPMMaker, from start: Timestamp, days: Int = 365, manufacturer: String = "id:4D555354"
    ) throws -> TPMEvidence {
      let certificate = try maker.certify(
        try tpm.endorsementPublicKey(), from: start, days: days, manufacturer: manufacturer)
      return TPMEvidence(
        ekPublic: evidence.ekPublic, akPublic: evidence.akPublic, keyPublic: evidence.keyPublic,
        ekCertificate: certificate)
    }

    /// What an honest device answers.
    func answer(
      _ given: DeviceAttestation.Given, _ evidence: TPMEvidence? = nil, quote: Quote? = nil
    ) throws -> TPMAnswer {
      let credential = given.challenge.credential
      let secret = try tpm.activate(identity: credential.identity, encryptedSeed: credential.encryptedSeed)
      let (info, signature) = try tpm.certify(nonce: given.challenge.nonce)
      return TPMAnswer(
        evidence: evidence ?? self.evidence, secret: SecretBytes(copying: secret), certifyInfo: info,
        certifySignature: signature, quote: quote)
    }
  }

  private func withBoard(
    allowed: Bool = true, _ body: (TestInstance, Caller, Board) async throws -> Void
  ) async throws {
    let board = try Board()
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      _ = try await test.administration.addGroup(
        GroupInput(name: "pumps", profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: administrator
      ).get()
      if allowed { try await allow(board, test, administrator) }
      try await body(test, administrator, board)
    }
  }

  private func allow(_ board: Board, _ test: TestInstance, _ administrator: Caller) async throws {
    _ = try await test.administration.importHardware(
      [HardwareInput(hardware: board.hardware, group: "pumps", reason: nil)], by: administrator
    ).get()
  }

  private func challenge(
    _ test: TestInstance, _ evidence: TPMEvidence, from network: String = "192.0.2.7"
  ) async throws -> Outcome<DeviceAttestation.Given> {
    try await DeviceAttestation(test.instance).challenge(evidence, source: network, network: network)
  }

  private func enroll(
    _ test: TestInstance, _ given: RecordID, _ answer: TPMAnswer, csr: [UInt8]
  ) async throws -> Outcome<Enrolled> {
    try await test.enrollment.enroll(
      EnrollmentRequest(evidence: .tpm(challenge: given, answer), csr: csr, label: nil, source: "192.0.2.7"))
  }

  @Test func `a TPM on the allowlist becomes a device with a key that it holds`() async throws {
    try await withBoard { test, _, board in
      let given = try await challenge(test, board.evidence).get()
      let csr = try board.tpm.request(commonName: "whoever")
      let enrolled = try await enroll(test, given.record, board.answer(given), csr: csr).get()
      let digits = board.hardware.split(separator: ":")[1].prefix(40)
      #expect(enrolled.deviceID == DeviceID("tpm-\(digits)"))
      let shown = try #require(try await test.instance.listings.device(enrolled.deviceID))
      #expect(shown.evidence == .tpm && shown.keyResidence == .tpm && shown.summary.group == RecordName("pumps"))
      #expect(shown.hardware.map(\.assurance) == [.proved])
      let attestation = try #require(shown.attestation)
      #expect(attestation.hardware?.description == board.hardware && attestation.endorsement == .allowlist)
      #expect(attestation.attestationKey == Hex.encode(try board.tpm.folder.read("ak.name")))
      let record = try #require(enrolled.certificate?.record)
      #expect(try await test.instance.listings.certificate(.record(record))?.attestation == attestation)
      try test.expectWholeLedger()
    }
  }

  @Test func `a lost answer costs a new exchange: the same key gets the identical certificate`() async throws {
    try await withBoard { test, _, board in
      let csr = try board.tpm.request(commonName: "any")
      let first = try await challenge(test, board.evidence).get()
      let enrolled = try await enroll(test, first.record, board.answer(first), csr: csr).get()
      let second = try await challenge(test, board.evidence).get()
      #expect(try await enroll(test, second.record, board.answer(second), csr: csr).get().chain == enrolled.chain)
      // Each of the two challenges was for one answer.
      #expect(try await enroll(test, second.record, board.answer(second), csr: csr).refusalCode == "attestation-over")
    }
  }

  @Test func `a challenge lives in the database, through a restart of the service and a reset of the TPM`() async throws
  {
    try await withBoard { test, _, board in
      let given = try await challenge(test, board.evidence).get()
      try board.tpm.reset()
      await test.opened.store.close()
      let again = try await OpenInstance.open(test.path, clock: test.clock)
      let request = EnrollmentRequest(
        evidence: .tpm(challenge: given.record, try board.answer(given)), csr: try board.tpm.request(commonName: "any"),
        label: nil, source: "192.0.2.7")
      #expect(try await DeviceEnrollment(again.instance).enroll(request).refusalCode == nil)
      await again.store.close()
    }
  }

  @Test func `of two hundred answers at once one is committed`() async throws {
    try await withBoard { test, _, board in
      let given = try await challenge(test, board.evidence).get()
      let (answer, csr) = (try board.answer(given), try board.tpm.request(commonName: "any"))
      let codes = try await withThrowingTaskGroup(of: String?.self) { group in
        for _ in 0..<200 { group.addTask { try await enroll(test, given.record, answer, csr: csr).refusalCode } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(codes.count { $0 == nil } == 1)
      #expect(Set(codes.compactMap(\.self)) == ["attestation-over"])
      try test.expectWholeLedger()
    }
  }

  @Test func `an answer after its time is refused, and what is over goes with the next challenge`() async throws {
    try await withBoard { test, _, board in
      let given = try await challenge(test, board.evidence).get()
      let (answer, csr) = (try board.answer(given), try board.tpm.request(commonName: "any"))
      test.clock.advance(TPMChallenge.lifetime)
      #expect(try await enroll(test, given.record, answer, csr: csr).refusalCode == "attestation-over")
      let next = try await challenge(test, board.evidence).get()
      #expect(try await enroll(test, given.record, answer, csr: csr).refusalCode == "attestation-over")
      #expect(try await enroll(test, next.record, board.answer(next), csr: csr).refusalCode == nil)
      try test.expectWholeLedger()
    }
  }

  /// What is done to an honest answer, and by what it is refused. The challenge is over then.
  struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    let spoil: @Sendable (Board, TPMAnswer, [UInt8]) throws -> (TPMAnswer, csr: [UInt8])
  }

  @Test func `an answer that does not hold is refused and ends the challenge`() async throws {
    let other = try Board()
    let attacks = [
      Attack(testDescription: "a soft key posing as the TPM's", code: "request-other-key") { _, answer, _ in
        (answer, try PeerKey().request(commonName: "any"))
      },
      Attack(testDescription: "a secret that was guessed", code: "activation-wrong") { _, answer, csr in
        (answer.with(secret: SecretBytes.random(count: 32)), csr)
      },
      Attack(testDescription: "no secret", code: "activation-wrong") { _, answer, csr in
        (answer.with(secret: SecretBytes(copying: [])), csr)
      },
      Attack(testDescription: "a certification over another nonce", code: "nonce-wrong") { board, answer, csr in
        let (info, signature) = try board.tpm.certify(nonce: Array(repeating: 7, count: 32))
        return (answer.with(info: info, signature: signature), csr)
      },
      Attack(testDescription: "another TPM's certification", code: "tpm-signature") { _, answer, csr in
        let (info, signature) = try other.tpm.certify(nonce: Array(repeating: 7, count: 32))
        return (answer.with(info: info, signature: signature), csr)
      },
      Attack(testDescription: "another TPM's attestation key", code: "attestation-other-evidence") { _, answer, csr in
        let evidence = TPMEvidence(
          ekPublic: answer.evidence.ekPublic, akPublic: other.evidence.akPublic, keyPublic: answer.evidence.keyPublic)
        return (answer.with(evidence: evidence), csr)
      },
      Attack(testDescription: "another TPM's device key", code: "attestation-other-evidence") { _, answer, _ in
        let evidence = TPMEvidence(
          ekPublic: answer.evidence.ekPublic, akPublic: answer.evidence.akPublic, keyPublic: other.evidence.keyPublic)
        return (answer.with(evidence: evidence), try other.tpm.request(commonName: "any"))
      },
      Attack(testDescription: "another TPM's evidence", code: "attestation-other-evidence") { _, answer, csr in
        (answer.with(evidence: other.evidence), csr)
      },
      Attack(testDescription: "a request that is none", code: "request-malformed") { _, answer, _ in (answer, [1]) },
    ]
    try await withBoard { test, _, board in
      for attack in attacks {
        test.clock.advance(.seconds(60))
        let given = try await challenge(test, board.evidence).get()
        let (honest, csr) = (try board.answer(given), try board.tpm.request(commonName: "any"))
        let (spoiled, spoiledCSR) = try attack.spoil(board, honest, csr)
        let found = try await enroll(test, given.record, spoiled, csr: spoiledCSR).refusalCode
        #expect(found == attack.code, "\(attack.testDescription)")
        let after = try await enroll(test, given.record, honest, csr: csr).refusalCode
        #expect(after == "attestation-over", "\(attack.testDescription)")
      }
      #expect(try await test.instance.listings.devices(try #require(PageRequest()), DeviceFilter()).rows.isEmpty)
      try test.expectWholeLedger()
    }
  }

  @Test func `the keys of one TPM under the endorsement key of another open nothing`() async throws {
    try await withBoard { test, _, board in
      let thief = try Board()
      let posed = TPMEvidence(
        ekPublic: board.evidence.ekPublic, akPublic: thief.evidence.akPublic, keyPublic: thief.evidence.keyPublic)
      let given = try await challenge(test, posed).get()
      let credential = given.challenge.credential
      for tpm in [thief.tpm, board.tpm] {
        #expect(throws: Unmet.self) {
          try tpm.activate(identity: credential.identity, encryptedSeed: credential.encryptedSeed)
        }
      }
      let (info, signature) = try thief.tpm.certify(nonce: given.challenge.nonce)
      let answer = TPMAnswer(
        evidence: posed, secret: SecretBytes.random(count: 32), certifyInfo: info, certifySignature: signature)
      let csr = try thief.tpm.request(commonName: "any")
      #expect(try await enroll(test, given.record, answer, csr: csr).refusalCode == "activation-wrong")
    }
  }

  @Test func `a challenge swapped between two devices is refused to both`() async throws {
    try await withBoard { test, administrator, board in
      let second = try Board()
      try await allow(second, test, administrator)
      let ours = try await challenge(test, board.evidence).get()
      let theirs = try await challenge(test, second.evidence).get()
      let (answer, csr) = (try board.answer(ours), try board.tpm.request(commonName: "any"))
      #expect(try await enroll(test, theirs.record, answer, csr: csr).refusalCode == "attestation-other-evidence")
      let (other, otherCSR) = (try second.answer(theirs), try second.tpm.request(commonName: "any"))
      #expect(try await enroll(test, ours.record, other, csr: otherCSR).refusalCode == "attestation-other-evidence")
      #expect(try await enroll(test, ours.record, answer, csr: csr).refusalCode == "attestation-over")
    }
  }

  @Test func `a TPM that nobody allowed, one that a pattern would allow, and a blocked one get no challenge`()
    async throws
  {
    try await withBoard(allowed: false) { test, administrator, board in
      let before = try #require(try await test.instance.ledger.checkpoint())
      #expect(try await challenge(test, board.evidence).refusalCode == "ek-untrusted")
      #expect(try await test.instance.ledger.checkpoint() == before)
      let pattern = HardwareInput(hardware: String(board.hardware.prefix(12)) + "*", group: "pumps", reason: nil)
      _ = try await test.administration.list(pattern, .allow, by: administrator).get()
      #expect(try await challenge(test, board.evidence).refusalCode == "ek-untrusted")
      try await allow(board, test, administrator)
      let given = try await challenge(test, board.evidence).get()
      let blocked = HardwareInput(hardware: board.hardware, group: nil, reason: nil)
      _ = try await test.administration.list(blocked, .block, by: administrator).get()
      #expect(try await challenge(test, board.evidence).refusalCode == "hardware-blocked")
      let csr = try board.tpm.request(commonName: "any")
      #expect(try await enroll(test, given.record, board.answer(given), csr: csr).refusalCode == "ek-untrusted")
    }
  }

  @Test func `who asks for challenges in a loop is told to wait, and others with the same TPM's name are not`()
    async throws
  {
    try await withBoard { test, _, board in
      for _ in 0..<4 { _ = try await challenge(test, board.evidence).get() }
      #expect(try await challenge(test, board.evidence).refusalCode == "too-many-challenges")
      #expect(try await challenge(test, board.evidence, from: "192.0.2.8").refusalCode == nil)
      test.clock.advance(.seconds(60))
      #expect(try await challenge(test, board.evidence).refusalCode == nil)
    }
  }

  @Test func `a device whose key a TPM holds does not renew with another`() async throws {
    try await withBoard { test, _, board in
      let given = try await challenge(test, board.evidence).get()
      let csr = try board.tpm.request(commonName: "any")
      let enrolled = try await enroll(test, given.record, board.answer(given), csr: csr).get()
      let soft = try PeerKey().request(commonName: enrolled.deviceID.text)
      let leaf = try #require(enrolled.chain.first)
      #expect(try await test.renewal.renew(leaf: leaf, csr: soft, source: "192.0.2.7").refusalCode == "evidence-weaker")
      let own = try board.tpm.request(commonName: enrolled.deviceID.text)
      let renewed = try await test.renewal.renew(leaf: leaf, csr: own, source: "192.0.2.7").get()
      #expect(renewed.serial != enrolled.serial)
      #expect(try await test.instance.listings.device(enrolled.deviceID)?.keyResidence == .tpm)
    }
  }
}

extension TPMAnswer {
  fileprivate func with(
    evidence: TPMEvidence? = nil, secret: SecretBytes? = nil, info: [UInt8]? = nil, signature: [UInt8]? = nil
  ) -> TPMAnswer {
    TPMAnswer(
      evidence: evidence ?? self.evidence, secret: secret ?? self.secret, certifyInfo: info ?? certifyInfo,
      certifySignature: signature ?? certifySignature)
  }
}
