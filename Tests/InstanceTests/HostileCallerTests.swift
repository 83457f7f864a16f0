import CertificateAuthority
import DeviceRegistry
import Enrollment
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"
private let other = "cpu-serial:00000000e4b1c9d3"

/// Callers who were let in and should no longer be, or ask for more than is theirs.
@Suite struct HostileCallerTests {
  @Test func `an operator who is removed between authentication and commit does nothing`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let administrator = try await test.caller(.administrator, name: "root")
      _ = try await test.administration.removeOperator("field-engineer", by: administrator).get()
      let input = TicketInput(hardware: board, deviceID: "pump-7", swap: nil, validSeconds: nil, group: nil)
      #expect(try await test.administration.issueTicket(input, by: engineer).refusalCode == "identity-changed")
      #expect(try await test.instance.listings.tickets(try #require(PageRequest()), at: test.clock.now()).rows.isEmpty)
    }
  }

  @Test func `an operator whose certificate is revoked between authentication and commit does nothing`() async throws {
    try await TestInstance.with { test in
      let officer = try await test.caller(.securityOfficer)
      let administrator = try await test.caller(.administrator, name: "root")
      guard case .operator(_, _, _, _, let certificate) = officer.principal else { throw TestFailure("no operator") }
      _ = try await test.administration.revoke(
        certificate.description, RevocationInput(reason: "key-compromise"), by: administrator
      ).get()
      let block = HardwareInput(hardware: board, group: nil, reason: nil)
      #expect(try await test.administration.list(block, .block, by: officer).refusalCode == "identity-changed")
    }
  }

  @Test func `a removed operator unseals nothing`() async throws {
    try await TestInstance.with { test in
      let officer = try await test.caller(.securityOfficer)
      let administrator = try await test.caller(.administrator, name: "root")
      _ = try await test.opened.vault.seal(by: administrator).get()
      _ = try await test.administration.removeOperator("security-officer", by: administrator).get()
      let refused = try await test.opened.vault.unseal(.recoveryCode(test.code.text), by: officer)
      #expect(refused.refusalCode == "identity-changed")
      #expect(test.instance.vault.isSealed && test.instance.authorities.issuer(for: .devices) == nil)
    }
  }

  @Test func `a wrong passphrase is recorded with who tried it`() async throws {
    try await TestInstance.with(passphrase: "correct horse battery") { test in
      let size = try await test.size()
      let wrong = try await test.opened.vault.unseal(
        .passphrase(SecretBytes(copying: "wrong horse".utf8)), by: .folder())
      #expect(wrong.refusalCode == "vault-not-opened")
      #expect(try await test.size() == size + 1)
      let event = try #require(try await test.instance.ledger.event(at: size))
      #expect(try EventEnvelope(event).kind == "request-refused")
    }
  }

  @Test func `sixty-four with one Idempotency-Key at once get one ticket`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer, key: "k1")
      let input = TicketInput(hardware: board, deviceID: "pump-7", swap: nil, validSeconds: nil, group: nil)
      let answers = try await withThrowingTaskGroup(of: IssuedTicket.self) { group in
        for _ in 0..<64 { group.addTask { try await test.administration.issueTicket(input, by: engineer).get() } }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(answers.count == 1)
      let tickets = try await test.instance.listings.tickets(try #require(PageRequest()), at: test.clock.now())
      #expect(tickets.rows.count == 1)
    }
  }

  @Test func `a device that renews in a loop is stopped, and can still be disabled`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      let first = try await test.enroll("pump-7", code, PeerKey()).get()
      var codes: [String?] = []
      for _ in 0..<64 { codes.append(try await test.renew(first, PeerKey()).refusalCode) }
      #expect(codes.prefix(63).allSatisfy { $0 == nil } && codes.last == "too-many-certificates")
      _ = try await test.administration.change("pump-7", .disable, reason: "stolen", by: administrator).get()
      let shown = try #require(try await test.instance.listings.device(first.deviceID))
      #expect(shown.certificates.allSatisfy { $0.status == .held })
      try test.expectWholeLedger()
    }
  }

  @Test func `renewing again does not lengthen the overlap of the old certificate`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board, "pump-7", by: try await test.caller(.fieldEngineer))
      let first = try await test.enroll("pump-7", code, PeerKey()).get()
      _ = try await test.renew(first, PeerKey()).get()
      test.clock.advance(.seconds(29 * 86_400))
      _ = try await test.renew(first, PeerKey()).get()
      test.clock.advance(.seconds(2 * 86_400))
      #expect(try await test.renew(first, PeerKey()).refusalCode == "certificate-expired")
    }
  }

  @Test func `disabling races renewing: nothing good is left`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      let first = try await test.enroll("pump-7", code, PeerKey()).get()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<16 { group.addTask { _ = try await test.renew(first, PeerKey()) } }
        group.addTask {
          var refusal: String? = "contended"
          while refusal == "contended" {
            refusal = try await test.administration.change("pump-7", .disable, reason: nil, by: administrator)
              .refusalCode
          }
          #expect(refusal == nil)
        }
        try await group.waitForAll()
      }
      let shown = try #require(try await test.instance.listings.device(first.deviceID))
      #expect(shown.certificates.allSatisfy { $0.status == .held })
      #expect(try await test.renew(first, PeerKey()).refusalCode == "certificate-held")
      try test.expectWholeLedger()
    }
  }

  @Test func `of two swaps at once one board becomes the device, and the other says why not`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let code = try await test.ticket(board, "pump-7", by: engineer)
      let first = try await test.enroll("pump-7", code, PeerKey()).get()
      let swaps = [
        try await test.ticket(other, "pump-7", swap: true, by: engineer),
        try await test.ticket("mac:0a1b2c3d4e5f", "pump-7", swap: true, by: engineer),
      ]
      let outcomes = try await withThrowingTaskGroup(of: Outcome<Enrolled>.self) { group in
        for swap in swaps { group.addTask { try await test.enroll("pump-7", swap, PeerKey()) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let good = try #require(try await test.instance.listings.device(first.deviceID)).certificates
        .filter { $0.status == .good }
      #expect(good.count == 1)
      #expect(outcomes.contains { $0.refusalCode == nil })
      try test.expectWholeLedger()
    }
  }

  @Test func `enabling a device does not lift the hold that an officer put on a certificate`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let officer = try await test.caller(.securityOfficer)
      let first = try await test.enroll("pump-7", try await test.ticket(board, "pump-7", by: administrator), PeerKey())
        .get()
      let second = try await test.renew(first, PeerKey()).get()
      let hold = RevocationInput(reason: "certificate-hold")
      _ = try await test.administration.revoke(first.serial, hold, by: officer).get()
      _ = try await test.administration.change("pump-7", .disable, reason: nil, by: administrator).get()
      #expect(try await test.administration.release(first.serial, by: officer).refusalCode == "device-disabled")
      _ = try await test.administration.change("pump-7", .enable, reason: nil, by: administrator).get()
      #expect(try await test.status(of: first) == .held)
      #expect(try await test.status(of: second) == .good)
      _ = try await test.administration.release(first.serial, by: officer).get()
      #expect(try await test.status(of: first) == .good)
      try test.expectWholeLedger()
    }
  }

  @Test func `a hold by name on a disabled device's certificate outlives the device's`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let first = try await test.enroll("pump-7", try await test.ticket(board, "pump-7", by: administrator), PeerKey())
        .get()
      _ = try await test.administration.change("pump-7", .disable, reason: nil, by: administrator).get()
      _ = try await test.administration.revoke(
        first.serial, RevocationInput(reason: "certificate-hold"), by: administrator
      ).get()
      _ = try await test.administration.change("pump-7", .enable, reason: nil, by: administrator).get()
      #expect(try await test.status(of: first) == .held)
      _ = try await test.administration.revoke(
        first.serial, RevocationInput(reason: "key-compromise"), by: administrator
      ).get()
      #expect(
        try await test.administration.release(first.serial, by: administrator).refusalCode == "certificate-revoked")
    }
  }
}

extension TestInstance {
  func status(of enrolled: Enrolled) async throws -> CertificateSummary.Status? {
    try await instance.listings.certificate(.record(try #require(enrolled.certificate).record))?.status
  }

  func renew(_ enrolled: Enrolled, _ key: PeerKey) async throws -> Outcome<Enrolled> {
    try await renewal.renew(
      leaf: enrolled.chain[0], csr: try key.request(commonName: enrolled.deviceID.text), source: "192.0.2.7")
  }

  /// How many events the ledger has.
  func size() async throws -> UInt64 {
    var size: UInt64 = 0
    while try await instance.ledger.event(at: size) != nil { size += 1 }
    return size
  }
}
