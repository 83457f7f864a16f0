import CertificateAuthority
import Enrollment
import Foundation
import GRDB
import Logging
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

/// What is kept for a while only goes when its while is over, and the ledger stays whole.
@Suite struct HousekeepingTests {
  @Test func `an answer is given again for a day, and its key is free after`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer, key: "k1")
      let input = TicketInput(hardware: board, deviceID: "pump-7", swap: nil, validSeconds: nil, group: nil)
      let first = try await test.administration.issueTicket(input, by: engineer).get()
      test.clock.advance(Housekeeping.answersKept)
      _ = try await test.housekeeping.round(from: 0)
      #expect(try await test.administration.issueTicket(input, by: engineer).get() == first, "on its last instant")
      test.clock.advance(.milliseconds(1))
      let size = try await test.size()
      _ = try await test.housekeeping.round(from: 0)
      #expect(try await test.size() == size, "clearing away is no event")
      let record = try #require(engineer.principal.actor?.record)
      #expect(try await test.instance.facts.answer(to: record, key: "k1") == nil)
      #expect(try await test.administration.issueTicket(input, by: engineer).get().record != first.record)
      try test.expectWholeLedger()
    }
  }

  @Test func `a thousand old answers go, and the young ones stay`() async throws {
    try await TestInstance.with { test in
      let officer = try await test.caller(.administrator, name: "root")
      func block(_ number: Int) async throws {
        let caller = Caller(
          principal: officer.principal, reads: officer.reads, source: officer.source,
          idempotency: .init(key: "k\(number)", request: .sha256("\(number)".utf8)))
        let hardware = HardwareInput(hardware: "cpu-serial:board-\(number)", group: nil, reason: nil)
        _ = try await test.administration.list(hardware, .block, by: caller).get()
      }
      for number in 0..<1001 { try await block(number) }
      test.clock.advance(Housekeeping.answersKept + .seconds(1))
      for number in 1001..<1004 { try await block(number) }
      _ = try await test.housekeeping.round(from: 0)
      let record = try #require(officer.principal.actor?.record)
      for (number, isKept) in [(0, false), (500, false), (1000, false), (1001, true), (1003, true)] {
        #expect((try await test.instance.facts.answer(to: record, key: "k\(number)") != nil) == isKept, "\(number)")
      }
    }
  }

  @Test func `a CRL goes when it is over and followed, and replay says so`() async throws {
    try await TestInstance.with { test in
      func list(_ number: UInt64, lasting life: Duration) async throws -> UInt64 {
        let der = Array("crl \(number)".utf8)
        let now = test.clock.now()
        let published = CRLPublished(
          issuerKeyID: String(repeating: "0", count: 40), shard: nil, number: number, thisUpdate: now,
          nextUpdate: now + life, entries: 0, der: .sha256(der))
        let event = try Event(
          at: now, by: .service, on: [.instance], published, attachments: [Attachment(der)])
        guard case .committed(let position) = try await test.opened.store.commit(UnitOfWork(events: [event])) else {
          throw TestFailure("expected a commit")
        }
        return position.first
      }
      func kept() async throws -> [Bool] {
        var found: [Bool] = []
        for position in positions { found.append(try await test.hasAttachment(position)) }
        return found
      }
      var positions: [UInt64] = []
      for number in 1...3 { positions.append(try await list(UInt64(number), lasting: .seconds(3600))) }
      #expect(try await kept() == [true, true, true])
      var next = try await test.housekeeping.round(from: 0)
      #expect(try await kept() == [true, true, true], "none is over")
      test.clock.advance(.seconds(3601))
      next = try await test.housekeeping.round(from: next)
      #expect(try await kept() == [false, false, true], "the newest stays, over or not")
      positions.append(try await list(4, lasting: .seconds(3600)))
      test.clock.advance(.seconds(5 * 86_400))
      next = try await test.housekeeping.round(from: next)
      #expect(try await kept() == [false, false, false, true])
      let report = try LedgerReplay.check(test.opened.folder.data)
      #expect(report.agrees && report.listsDropped == 3)
      try test.expectWholeLedger()
    }
  }
}

extension TestInstance {
  fileprivate var housekeeping: Housekeeping {
    Housekeeping(store: opened.store, clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  fileprivate func hasAttachment(_ position: UInt64) async throws -> Bool {
    try await DatabaseQueue(path: opened.folder.data.database).read { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM attachment WHERE id / 1024 = ?", arguments: [Int64(position)])
        == 1
    }
  }
}
