import Enrollment
import Foundation
import Ledger
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@testable import muster

private let board1 = "cpu-serial:00000000e4b1c9d2"
private let board2 = "cpu-serial:00000000e4b1c9d3"

@Suite struct EnrollmentStoryTests {
  @Test func `a ticket makes hardware a device, and the ledger proves it`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let code = try await test.ticket(board1, "pump-7", by: engineer)
      let enrolled = try await test.enroll("pump-7", code, PeerKey()).get()
      let shown = try #require(try await test.instance.listings.device(enrolled.deviceID))
      #expect(shown.summary.generation == 1 && shown.hardware.map(\.hardware.description) == [board1])
      #expect(shown.certificates.map(\.serial) == [enrolled.serial])
      let event = try #require(try await test.instance.ledger.event(at: enrolled.position))
      #expect(try EventEnvelope(event).kind == "certificate-issued")
      try test.expectWholeLedger()
    }
  }

  @Test func `the same key gets the identical certificate again, another key is refused`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board1, "pump-7", by: try await test.caller(.fieldEngineer))
      let key = PeerKey()
      let first = try await test.enroll("pump-7", code, key).get()
      #expect(try await test.enroll("pump-7", code, key).get() == first)
      #expect(try await test.enroll("pump-7", code, PeerKey()).refusalCode == "ticket-spent")
      let tickets = try await test.instance.listings.tickets(try #require(PageRequest()), at: test.clock.now())
      #expect(tickets.rows.first?.lastRefusal?.code == "ticket-spent")
      test.clock.advance(.seconds(90_000))
      #expect(try await test.enroll("pump-7", code, key).refusalCode == "ticket-expired")
    }
  }

  @Test func `a code with another device ID, or another case of it, is refused`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board1, "pump-7", by: try await test.caller(.fieldEngineer))
      for name in ["pump-8", "Pump-7"] {
        #expect(try await test.enroll(name, code, PeerKey()).refusalCode == "ticket-wrong")
      }
    }
  }

  @Test func `a swap ends the old board and keeps the device`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let old = PeerKey()
      let before = try await test.enroll(
        "pump-7", try await test.ticket(board1, "pump-7", by: engineer), old
      ).get()
      let plain = TicketInput(hardware: board2, deviceID: "pump-7", swap: nil, validSeconds: nil, group: nil)
      #expect(try await test.administration.issueTicket(plain, by: engineer).refusalCode == "device-bound")
      let code = try await test.ticket(board2, "pump-7", swap: true, by: engineer)
      let after = try await test.enroll("pump-7", code, PeerKey()).get()
      #expect(after.device == before.device)
      let shown = try #require(try await test.instance.listings.device(after.deviceID))
      #expect(shown.summary.generation == 2 && shown.hardware.map(\.hardware.description) == [board2])
      let refused = try await test.renewal.renew(
        leaf: before.chain[0], csr: try old.request(commonName: "pump-7"), source: "192.0.2.7")
      #expect(refused.refusalCode == "certificate-revoked")
      try test.expectWholeLedger()
    }
  }

  @Test func `a device renews with its certificate, and the same request gets the same answer`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board1, "pump-7", by: try await test.caller(.fieldEngineer))
      let first = try await test.enroll("pump-7", code, PeerKey()).get()
      let next = PeerKey()
      let csr = try next.request(commonName: "pump-7")
      let renewed = try await test.renewal.renew(leaf: first.chain[0], csr: csr, source: "192.0.2.7").get()
      #expect(renewed.serial != first.serial && renewed.device == first.device)
      #expect(try await test.renewal.renew(leaf: first.chain[0], csr: csr, source: "192.0.2.7").get() == renewed)
      let other = try next.request(commonName: "pump-8")
      #expect(
        try await test.renewal.renew(leaf: first.chain[0], csr: other, source: "192.0.2.7").refusalCode
          == "renewal-subject")
    }
  }

  @Test func `a disabled device is shut out and comes back`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board1, "pump-7", by: administrator)
      let enrolled = try await test.enroll("pump-7", code, PeerKey()).get()
      _ = try await test.administration.change("pump-7", .disable, reason: "stolen", by: administrator).get()
      let finding = try await Authentication(test.instance).identify(leaf: enrolled.chain[0])
      guard case .refused(let refusal) = finding else {
        Issue.record("expected a disabled device to be refused")
        return
      }
      #expect(refusal.code == "certificate-held")
      _ = try await test.administration.change("pump-7", .enable, reason: nil, by: administrator).get()
      guard case .known = try await Authentication(test.instance).identify(leaf: enrolled.chain[0]) else {
        Issue.record("expected an enabled device to be known")
        return
      }
      try test.expectWholeLedger()
    }
  }

  @Test func `hardware on the blocklist neither gets a ticket nor redeems one`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board1, "pump-7", by: administrator)
      let block = HardwareInput(hardware: board1, group: nil, reason: "lost")
      _ = try await test.administration.list(block, .block, by: administrator).get()
      #expect(try await test.enroll("pump-7", code, PeerKey()).refusalCode == "hardware-blocked")
      let input = TicketInput(hardware: board1, deviceID: "pump-8", swap: nil, validSeconds: nil, group: nil)
      #expect(try await test.administration.issueTicket(input, by: administrator).refusalCode == "hardware-blocked")
    }
  }

  @Test func `64 who redeem one ticket with keys of their own get one certificate`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board1, "pump-7", by: try await test.caller(.fieldEngineer))
      let outcomes = try await withThrowingTaskGroup(of: Outcome<Enrolled>.self) { group in
        for _ in 0..<64 { group.addTask { try await test.enroll("pump-7", code, PeerKey()) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let done = outcomes.filter { $0.refusalCode == nil }
      #expect(done.count == 1)
      #expect(Set(outcomes.compactMap(\.refusalCode)).isSubset(of: ["ticket-spent", "contended"]))
      try test.expectWholeLedger()
    }
  }

  @Test func `an operator named like a device is never that device`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board1, "pump-7", by: try await test.caller(.fieldEngineer))
      _ = try await test.enroll("pump-7", code, PeerKey()).get()
      let key = PeerKey()
      let added = try await test.administration.addOperator(
        OperatorInput(name: "pump-7", role: "auditor", groups: [], csr: ""), csr: try key.request(commonName: "pump-7"),
        by: .folder()
      ).get()
      let refused = try await test.renewal.renew(
        leaf: added.chain[0], csr: try PeerKey().request(commonName: "pump-7"), source: "192.0.2.7")
      #expect(refused.refusalCode == "certificate-unknown")
    }
  }

  @Test func `while the vault is sealed nothing is issued, and disabling goes on`() async throws {
    try await TestInstance.with(passphrase: "correct horse battery") { test in
      #expect(test.instance.vault.isSealed)
      let folder = Caller.folder()
      let wrong = try await test.opened.vault.unseal(.passphrase(SecretBytes(copying: "wrong horse".utf8)), by: folder)
      #expect(wrong.refusalCode == "vault-not-opened")
      let right = SecretBytes(copying: "correct horse battery".utf8)
      _ = try await test.opened.vault.unseal(.passphrase(right), by: folder).get()
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board1, "pump-7", by: administrator)
      _ = try await test.enroll("pump-7", code, PeerKey()).get()
      let second = try await test.ticket(board2, "pump-8", by: administrator)
      _ = try await test.opened.vault.seal(by: administrator).get()
      #expect(try await test.enroll("pump-8", second, PeerKey()).refusalCode == "vault-sealed")
      _ = try await test.administration.change("pump-7", .disable, reason: nil, by: administrator).get()
      _ = try await test.opened.vault.unseal(.recoveryCode(test.code.text), by: administrator).get()
      _ = try await test.enroll("pump-8", second, PeerKey()).get()
    }
  }

  @Test func `an Idempotency-Key gets the same ticket again, and no other request`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer, key: "k1")
      let input = TicketInput(hardware: board1, deviceID: "pump-7", swap: nil, validSeconds: nil, group: nil)
      let first = try await test.administration.issueTicket(input, by: engineer).get()
      #expect(try await test.administration.issueTicket(input, by: engineer).get() == first)
      let other = Caller(
        principal: engineer.principal, reads: engineer.reads, source: "192.0.2.1",
        idempotency: .init(key: "k1", request: .sha256("another".utf8)))
      #expect(try await test.administration.issueTicket(input, by: other).refusalCode == "idempotency-key-reused")
    }
  }
}

extension TestInstance {
  /// The ledger verifies from disk, and every view follows from it.
  func expectWholeLedger() throws {
    let verifier = try OpenInstance.verifier(opened.folder)
    let report = try LedgerVerification(verifier: verifier).verify(try LedgerArchive(opened.folder.data).records)
    #expect(report.isSound, "\(report.findings)")
    let replay = try LedgerReplay.check(opened.folder.data)
    #expect(replay.agrees, "\(replay.differences)")
  }
}
