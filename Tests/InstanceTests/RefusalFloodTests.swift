@testable import Enrollment
import Ledger
import MusterModel
import MusterTesting
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

/// Callers who are known and are refused in a loop: they make us write a few events a minute, and their reasons are seen.
@Suite struct RefusalFloodTests {
  @Test func `a device that is refused in a loop writes four events a minute`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let device = try await test.enroll("pump-7", try await test.ticket(board, "pump-7", by: administrator), PeerKey())
        .get()
      _ = try await test.administration.change("pump-7", .disable, reason: "stolen", by: administrator).get()
      let size = try await test.size()
      for minute in 1...2 {
        var recorded: [Bool] = []
        for _ in 0..<50 { recorded.append(try #require(try await test.renew(device, PeerKey()).refusal).isRecorded) }
        #expect(recorded == Array(repeating: true, count: 4) + Array(repeating: false, count: 46))
        #expect(try await test.size() == size + UInt64(4 * minute))
        test.clock.advance(.seconds(60))
      }
      let shown = try #require(try await test.instance.listings.device(device.deviceID))
      #expect(shown.lastRefusal?.code == "certificate-held" && shown.lastRefusal?.reason != nil)
      try test.expectWholeLedger()
    }
  }

  @Test func `a loop of one refusal does not hide another's reason`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let device = try await test.enroll("pump-7", try await test.ticket(board, "pump-7", by: administrator), PeerKey())
        .get()
      let other = try PeerKey().request(commonName: "pump-8")
      for _ in 0..<50 {
        let refused = try await test.renewal.renew(leaf: device.chain[0], csr: other, source: "192.0.2.7")
        #expect(refused.refusalCode == "renewal-subject")
      }
      _ = try await test.administration.change("pump-7", .disable, reason: "stolen", by: administrator).get()
      #expect(try await test.renew(device, PeerKey()).refusal?.isRecorded == true)
      let first = try #require(PageRequest())
      let page = try #require(try await test.instance.listings.history(of: device.deviceID, first))
      let refusals = page.rows.filter { $0.kind == "request-refused" }.map(\.what)
      #expect(refusals.count == 5 && refusals.last?.hasPrefix("renew refused: certificate-held, ") == true)
    }
  }

  @Test func `an operator and a ticket's holder are bounded alike`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let code = try await test.ticket(board, "pump-7", by: engineer)
      _ = try await test.enroll("pump-7", code, PeerKey()).get()
      let size = try await test.size()
      for _ in 0..<20 {
        #expect(try await test.enroll("pump-7", code, PeerKey()).refusalCode == "ticket-spent")
        #expect(try await test.administration.removeOperator("nobody", by: engineer).refusalCode == "not-allowed")
      }
      #expect(try await test.size() == size + 8)
      let tickets = try await test.instance.listings.tickets(try #require(PageRequest()), at: test.clock.now())
      #expect(tickets.rows.first?.lastRefusal?.code == "ticket-spent")
    }
  }

  @Test func `guesses of the passphrase are bounded alike`() async throws {
    try await TestInstance.with(passphrase: "correct horse battery") { test in
      let size = try await test.size()
      for _ in 0..<6 {
        let wrong = SecretBytes(copying: "wrong horse".utf8)
        #expect(try await test.opened.vault.unseal(.passphrase(wrong), by: .folder()).refusalCode == "vault-not-opened")
      }
      #expect(try await test.size() == size + 4)
    }
  }

  @Test func `a caller has sixteen events a minute, whatever the codes`() throws {
    let budget = RefusalBudget()
    let actor = Actor(RecordID(.device, UUIDv7(at: FixedClock().now())), by: .certificate)
    func isRecorded(_ code: String, _ actor: Actor) throws -> Bool {
      let event = try Event(
        at: FixedClock().now(), by: actor, on: [], RequestRefused(operation: "renew", code: code),
        details: .init(reason: "no", source: nil))
      return budget.weigh(Refusal(.forbidden, code, "no"), event).1 != nil
    }
    let recorded = try (0..<100).count { try isRecorded("code-\($0)", actor) }
    #expect(recorded == 16)
    #expect(try isRecorded("code-1", Actor(RecordID(.device, UUIDv7(at: FixedClock().now())), by: .certificate)))
  }
}

extension Outcome {
  var refusal: Refusal? {
    if case .refused(let refusal) = self { return refusal }
    return nil
  }
}

extension Sequence {
  fileprivate func count(_ isCounted: (Element) throws -> Bool) rethrows -> Int {
    try reduce(0) { try $0 + (isCounted($1) ? 1 : 0) }
  }
}
