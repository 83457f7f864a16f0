import Attestation
import Enrollment
import Foundation
import MusterModel
import MusterTesting
import Policy
import Testing

@testable import muster

/// Endorsement keys that are trusted by their makers' certificates.
@Suite(.enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"), .serialized)
struct TPMMakerTests {
  typealias Board = TPMEnrollmentTests.Board

  private struct Case {
    let test: TestInstance
    let administrator: Caller
    let board: Board
    let maker: TPMMaker

    /// A time at which the maker's root was there.
    var start: Timestamp { test.clock.now() - .seconds(86_400) }

    func challenge(_ evidence: TPMEvidence) async throws -> Outcome<DeviceAttestation.Given> {
      try await DeviceAttestation(test.instance).challenge(evidence, source: "192.0.2.7", network: "192.0.2.7")
    }

    func enroll(_ given: DeviceAttestation.Given, _ evidence: TPMEvidence) async throws -> Outcome<Enrolled> {
      try await test.enrollment.enroll(
        EnrollmentRequest(
          evidence: .tpm(challenge: given.record, try board.answer(given, evidence)),
          csr: try board.tpm.request(commonName: "any"), label: RecordName("meters"), source: "192.0.2.7"))
    }

    func trust(_ maker: TPMMaker) async throws -> [MakerResult] {
      try await test.administration.importMakers([maker.root], by: administrator).get()
    }
  }

  private func withBoard(
    rules: String? = nil, endorsement: String = "ecc", _ body: (Case) async throws -> Void
  ) async throws {
    let board = try Board(endorsement: endorsement)
    try await TestInstance.with(enrollment: rules) { test in
      let maker = try TPMMaker(from: test.clock.now() - .seconds(86_400))
      let administrator = try await test.caller(.administrator, name: "root")
      let group = GroupInput(name: "meters", profile: nil, hub: nil, trustAnchors: nil)
      _ = try await test.administration.addGroup(group, anchors: [], by: administrator).get()
      try await body(Case(test: test, administrator: administrator, board: board, maker: maker))
      try test.expectWholeLedger()
    }
  }

  @Test(arguments: ["ecc", "rsa"])
  func `a TPM enrolls by its maker's certificate alone, once that maker is trusted`(kind: String) async throws {
    try await withBoard(endorsement: kind) { known in
      let evidence = try known.board.evidence(by: known.maker, from: known.start)
      #expect(try await known.challenge(evidence).refusalCode == "certificate-untrusted")
      let imported = try await known.trust(known.maker)
      #expect(imported.map(\.certificate?.use) == [.anchor] && imported[0].code == nil)
      let given = try await known.challenge(evidence).get()
      let enrolled = try await known.enroll(given, evidence).get()
      let attestation = try #require(try await known.test.instance.listings.device(enrolled.deviceID)?.attestation)
      #expect(attestation.endorsement == .certificate && attestation.isExpired == false && attestation.weakness == nil)
      #expect(attestation.anchor == Digest.sha256(known.maker.root))
      #expect(attestation.make == "manufacturer id:4D555354, model MADE-UP, version id:00010002")
      let listed = try await known.test.instance.listings.tpmMakers(try #require(PageRequest())).rows
      #expect(listed.map(\.name) == ["Made-up TPM Root"] && listed[0].sha256 == imported[0].sha256)
    }
  }

  @Test func `what does not hold gets no challenge, whoever else is trusted`() async throws {
    try await withBoard { known in
      let other = try TPMMaker("Made-up TPM Root", from: known.start)
      _ = try await known.trust(known.maker)
      let (now, tomorrow) = (known.start, known.test.clock.now() + .seconds(3600))
      let rows: [(TPMEvidence, String)] = [
        (try known.board.evidence(by: other, from: now), "certificate-untrusted"),
        (try known.board.evidence(by: known.maker, from: tomorrow), "certificate-not-yet-valid"),
        (
          known.board.evidence.with(
            certificate: try known.maker.certify(try Board().tpm.endorsementPublicKey(), from: now)),
          "ek-other-key"
        ),
        (known.board.evidence.with(certificate: known.maker.root), "certificate-is-ca"),
        (known.board.evidence.with(certificate: [0x30, 0]), "evidence-unreadable"),
        (known.board.evidence, "ek-untrusted"),
      ]
      for (evidence, code) in rows { #expect(try await known.challenge(evidence).refusalCode == code) }
    }
  }

  @Test func `a maker that is trusted no more lets nobody in, not even with a challenge it was given before`()
    async throws
  {
    try await withBoard { known in
      let evidence = try known.board.evidence(by: known.maker, from: known.start)
      let imported = try await known.trust(known.maker)
      let given = try await known.challenge(evidence).get()
      _ = try await known.test.administration.removeMaker(imported[0].sha256, by: known.administrator).get()
      #expect(try await known.enroll(given, evidence).refusalCode == "certificate-untrusted")
      #expect(try await known.challenge(evidence).refusalCode == "certificate-untrusted")
      let again = try await known.test.administration.removeMaker(imported[0].sha256, by: known.administrator)
      #expect(again.refusalCode == "maker-unknown")
      // Imported again it is trusted again: the event of this import has the certificate.
      _ = try await known.trust(known.maker)
      #expect(try await known.enroll(known.challenge(evidence).get(), evidence).refusalCode == nil)
    }
  }

  @Test(arguments: [("", "certificate-expired"), ("    expired: accept\n", nil)])
  func `a certificate whose time is over is what the policy says, and on record`(
    rule: String, code: String?
  ) async throws {
    try await withBoard(rules: Self.rules(rule)) { known in
      _ = try await known.trust(known.maker)
      let evidence = try known.board.evidence(by: known.maker, from: known.start - .seconds(10 * 86_400), days: 5)
      let given = try await known.challenge(evidence).get()
      let found = try await known.enroll(given, evidence)
      #expect(found.refusalCode == code)
      guard case .done(let enrolled) = found else { return }
      let device = try await known.test.instance.listings.device(enrolled.deviceID)
      #expect(device?.attestation?.isExpired == true)
    }
  }

  /// swtpm calls itself IBM's; its firmware is in the list where that says all of IBM's is weak.
  @Test(arguments: [("", "tpm-weak"), ("    weak-firmware: accept\n", nil)])
  func `a TPM of weak firmware is named and refused unless the policy says otherwise`(
    rule: String, code: String?
  ) async throws {
    try await withBoard(rules: Self.rules(rule)) { known in
      _ = try await known.trust(known.maker)
      try known.test.folder.write(.weakFirmware, Array("WEAK 0.0 65535.65535 CVE-2099-1\n".utf8))
      try await known.test.reopened { again in
        let evidence = try known.board.evidence(by: known.maker, from: known.start, manufacturer: "id:5745414B")
        let known = Case(
          test: again, administrator: known.administrator, board: known.board, maker: known.maker)
        let found = try await known.enroll(known.challenge(evidence).get(), evidence)
        #expect(found.refusalCode == code)
        guard case .done(let enrolled) = found else { return }
        #expect(try await again.instance.listings.device(enrolled.deviceID)?.attestation?.weakness == "CVE-2099-1")
      }
    }
  }

  @Test func `what a device brings along helps to build the path, and is trusted for nothing`() async throws {
    try await withBoard { known in
      let (start, issuer) = (known.start, try TPMMaker(under: known.maker, from: known.start))
      let certificate = try issuer.certify(try known.board.tpm.endorsementPublicKey(), from: start)
      func bringing(_ issuers: [[UInt8]], _ certificate: [UInt8]? = certificate) -> TPMEvidence {
        TPMEvidence(
          ekPublic: known.board.evidence.ekPublic, akPublic: known.board.evidence.akPublic,
          keyPublic: known.board.evidence.keyPublic, ekCertificate: certificate, ekIssuers: issuers)
      }
      let whole = bringing([[0x30, 0], issuer.root])
      // Its root came along too: that is no anchor.
      #expect(
        try await known.challenge(bringing([issuer.root, known.maker.root])).refusalCode == "certificate-untrusted")
      _ = try await known.trust(known.maker)
      let rows: [(TPMEvidence, String)] = [
        (bringing([]), "certificate-untrusted"),
        (bringing([try TPMMaker(under: known.maker, from: start).root]), "certificate-untrusted"),
        (bringing(Array(repeating: issuer.root, count: 5)), "evidence-unreadable"),
        (bringing([issuer.root], nil), "evidence-unreadable"),
      ]
      for (evidence, code) in rows { #expect(try await known.challenge(evidence).refusalCode == code) }
      let swapped = try await known.challenge(whole).get()
      #expect(try await known.enroll(swapped, bringing([issuer.root])).refusalCode == "attestation-other-evidence")
      let enrolled = try await known.enroll(known.challenge(whole).get(), whole).get()
      let attestation = try await known.test.instance.listings.device(enrolled.deviceID)?.attestation
      #expect(attestation?.anchor == Digest.sha256(known.maker.root))
    }
  }

  @Test func `the allowlist lets in what no maker's certificate does`() async throws {
    try await withBoard { known in
      let other = try TPMMaker("Another", from: known.start)
      let evidence = try known.board.evidence(by: other, from: known.start)
      _ = try await known.test.administration.importHardware(
        [HardwareInput(hardware: known.board.hardware, group: nil, reason: nil)], by: known.administrator
      ).get()
      let enrolled = try await known.enroll(known.challenge(evidence).get(), evidence).get()
      let device = try await known.test.instance.listings.device(enrolled.deviceID)
      #expect(device?.attestation?.endorsement == .allowlist && device?.attestation?.anchor == nil)
    }
  }

  @Test func `only a maker's CA is imported, each once, and each refusal says why`() async throws {
    try await withBoard { known in
      let administration = known.test.administration
      let leaf = try known.maker.certify(try known.board.tpm.endorsementPublicKey(), from: known.start)
      let own = known.test.instance.authorities.root
      let results = try await administration.importMakers(
        [known.maker.root, known.maker.root, leaf, own, [1, 2, 3]], by: known.administrator
      ).get()
      #expect(
        results.map(\.code) == [nil, nil, "certificate-not-ca", "trust-anchor-own", "certificate-unreadable"])
      let before = try await known.test.instance.ledger.checkpoint()
      _ = try await known.trust(known.maker)
      #expect(try await known.test.instance.ledger.checkpoint() == before)
      let page = try #require(PageRequest())
      #expect(try await known.test.instance.listings.tpmMakers(page).rows.count == 1)
      let none = try await administration.importMakers([], by: known.administrator)
      #expect(none.refusalCode == "certificates-malformed")
      let stranger = try await known.test.caller(.fieldEngineer)
      #expect(try await administration.importMakers([known.maker.root], by: stranger).refusalCode == "not-allowed")
    }
  }

  private static func rules(_ more: String) -> String {
    """
    version: 1
    profiles: {device: device, operator: operator, hub: hub, server: server, ocsp-responder: ocsp-responder}
    rules:
      - name: tpm
        verdict: permit
        evidence: [tpm]
    \(more)
    """
  }
}

extension TPMEvidence {
  fileprivate func with(certificate: [UInt8]) -> TPMEvidence {
    TPMEvidence(ekPublic: ekPublic, akPublic: akPublic, keyPublic: keyPublic, ekCertificate: certificate)
  }
}
