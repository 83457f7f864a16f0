import Attestation
import Enrollment
import MusterModel
import MusterTesting
import Testing

@testable import muster

/// What a policy wants to know of a machine's start, of boards with swtpm into which a firmware's log was measured.
@Suite(.enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"), .serialized)
struct MeasuredBootTests {
  typealias Board = TPMEnrollmentTests.Board

  private struct Case {
    let test: TestInstance
    let board: Board
    let log: MadeEventLog

    func challenge() async throws -> DeviceAttestation.Given {
      try await DeviceAttestation(test.instance)
        .challenge(board.evidence, source: "192.0.2.7", network: "192.0.2.7").get()
    }

    func enroll(_ given: DeviceAttestation.Given, _ quote: Quote?) async throws -> Outcome<Enrolled> {
      try await test.enrollment.enroll(
        EnrollmentRequest(
          evidence: .tpm(challenge: given.record, try board.answer(given, quote: quote)),
          csr: try board.tpm.request(commonName: "any"), label: nil, source: "192.0.2.7"))
    }

    func quote(_ given: DeviceAttestation.Given) throws -> Quote {
      let (info, signature) = try board.tpm.quote(nonce: given.challenge.nonce)
      return Quote(
        info: info, signature: signature, pcrValues: try board.tpm.values(of: [0, 7]), eventLog: log.bytes)
    }
  }

  private func withBoard(
    _ wanted: String, secureBoot: [UInt8] = [1], _ body: (Case) async throws -> Void
  ) async throws {
    let board = try Board()
    let log = MadeEventLog.start(secureBoot: secureBoot)
    try board.tpm.extend(log)
    let rules = """
      version: 1
      profiles: {device: device, operator: operator, hub: hub, server: server, ocsp-responder: ocsp-responder}
      rules:
        - {name: measured, verdict: permit, evidence: [tpm], \(wanted)}
      """
    try await TestInstance.with(enrollment: rules) { test in
      let administrator = try await test.caller(.administrator, name: "root")
      _ = try await test.administration.addGroup(
        GroupInput(name: "pumps", profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: administrator
      ).get()
      _ = try await test.administration.importHardware(
        [HardwareInput(hardware: board.hardware, group: "pumps", reason: nil)], by: administrator
      ).get()
      try await body(Case(test: test, board: board, log: log))
      try test.expectWholeLedger()
    }
  }

  private static let register7 = Digest(bytes: MadeEventLog.start().value(of: 7))?.hex ?? ""

  @Test(arguments: [
    "secure-boot: required", "pcrs: {7: ['\(register7)']}", "secure-boot: required, pcrs: {7: ['\(register7)']}",
  ])
  func `what a rule wants is asked for, shown, and on record`(wanted: String) async throws {
    try await withBoard(wanted) { known in
      let given = try await known.challenge()
      #expect(given.registers == [7])
      let enrolled = try await known.enroll(given, known.quote(given)).get()
      let shown = try await known.test.instance.listings.device(enrolled.deviceID)?.attestation
      #expect(shown?.secureBoot == true)
      #expect(shown?.registers?.map(\.pcr) == [0, 7] && shown?.registers?.last?.value == Self.register7)
      // Once more, as after a lost answer.
      let second = try await known.challenge()
      #expect(try await known.enroll(second, known.quote(second)).get().chain == enrolled.chain)
    }
  }

  @Test(arguments: [("secure-boot: required", "secure-boot-required"), ("pcrs: {7: ['\(register7)']}", "pcr-other")])
  func `a machine that was started otherwise, and one that shows nothing, are refused`(
    wanted: String, code: String
  ) async throws {
    try await withBoard(wanted, secureBoot: [0]) { known in
      let honest = try await known.challenge()
      #expect(try await known.enroll(honest, known.quote(honest)).refusalCode == code)
      let silent = try await known.challenge()
      #expect(try await known.enroll(silent, nil).refusalCode == code)
      let bare = try await known.challenge()
      var quote = try known.quote(bare)
      (quote.pcrValues, quote.eventLog) = (nil, nil)
      #expect(try await known.enroll(bare, quote).refusalCode == code)
    }
  }

  /// What is done to an honest quote of another start than the rule wants.
  struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    let spoil: @Sendable (Board, inout Quote) throws -> Void
  }

  @Test func `a quote that does not hold is refused, though a rule could do without it`() async throws {
    let attacks = [
      Attack(testDescription: "the log of a start with Secure Boot", code: "event-log-wrong") { _, quote in
        quote.eventLog = MadeEventLog.start().bytes
      },
      Attack(testDescription: "the values too", code: "pcr-values-wrong") { _, quote in
        quote.eventLog = MadeEventLog.start().bytes
        quote.pcrValues = MadeEventLog.start().value(of: 0) + MadeEventLog.start().value(of: 7)
      },
      Attack(testDescription: "an old quote", code: "nonce-wrong") { board, quote in
        (quote.info, quote.signature) = try board.tpm.quote(nonce: Array(repeating: 7, count: 32))
      },
      Attack(testDescription: "a certification in its place", code: "nonce-wrong") { board, quote in
        (quote.info, quote.signature) = try board.tpm.certify(nonce: Array(repeating: 7, count: 32))
      },
    ]
    try await withBoard("standing: [allowed]", secureBoot: [0]) { known in
      for attack in attacks {
        known.test.clock.advance(.seconds(60))
        let given = try await known.challenge()
        #expect(given.registers == [])
        var quote = try known.quote(given)
        try attack.spoil(known.board, &quote)
        #expect(try await known.enroll(given, quote).refusalCode == attack.code, "\(attack.testDescription)")
      }
      let given = try await known.challenge()
      let enrolled = try await known.enroll(given, known.quote(given)).get()
      #expect(try await known.test.instance.listings.device(enrolled.deviceID)?.attestation?.secureBoot == false)
    }
  }
}
