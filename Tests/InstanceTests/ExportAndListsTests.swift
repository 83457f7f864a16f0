import CertificateAuthority
import Enrollment
import HTTPService
import Ledger
import Logging
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@testable import muster

/// The export over the service, and CRLs that an operator has signed.
@Suite(.timeLimit(.minutes(20))) struct ExportAndListsTests {
  @Test func `the service's export is the folder's, to the byte, and verifies`() async throws {
    try await TestInstance.with { test in
      let auditor = try await test.caller(.auditor)
      let starts = try (0..<600).map { _ in
        try Event(at: test.clock.now(), by: .service, on: [.instance], ServiceStarted(version: "1"))
      }
      _ = try await test.opened.store.commit(UnitOfWork(events: starts))
      let export = try await test.administration.exportLedger(by: auditor).get()
      let first = try #require(try await export.piece(0))
      // What comes after the export began is no part of it, and changes nothing of it, though the last tile grows.
      var written: [UInt8] = []
      let verifier = try OpenInstance.verifier(test.opened.folder)
      try LedgerArchive(test.opened.folder.data).export(verifier) { written += $0 }
      _ = try await test.opened.store.commit(UnitOfWork(events: starts))
      var read = first
      var index: UInt64 = 1
      while let piece = try await export.piece(index) {
        read += piece
        index += 1
      }
      #expect(read == written)
      #expect(index == 1 + (try await test.size() - 600 + 255) / 256)
      #expect(
        try await test.administration.exportLedger(by: try await test.caller(.fieldEngineer)).refusalCode
          == "not-allowed")
    }
  }

  @Test func `an operator has every list signed now, in the operator's name`() async throws {
    try await with { test, status in
      let officer = try await test.caller(.securityOfficer)
      let grant = try await test.administration.grant(.caCRL, to: officer).get()
      let first = try await status.publishLists(by: grant, for: officer).get()
      #expect(first.count == 6 && Set(first.map(\.issuerKeyID)).count == 2, "two issuers: all, and two shards")
      let second = try await status.publishLists(by: grant, for: officer).get()
      #expect(second.map(\.number) == first.map { $0.number + 1 })
      let offered = try await status.revocationList(of: second[0].issuerKeyID, shard: second[0].shard)
      #expect(offered?.nextUpdate == second[0].nextUpdate)
      let event = try EventEnvelope(
        try #require(try await test.instance.ledger.event(at: try await test.size() - 1)))
      #expect(event.kind == "crl-published" && event.by.record == officer.principal.actor?.record)
      #expect(event.policy?.rule == "access.yaml: security-officer")
      try test.expectWholeLedger()
    }
  }

  @Test func `a sealed vault signs no list, nor does one who was removed`() async throws {
    try await with { test, status in
      let (officer, administrator) = (
        try await test.caller(.securityOfficer), try await test.caller(.administrator, name: "root")
      )
      let grant = try await test.administration.grant(.caCRL, to: officer).get()
      _ = try await test.administration.removeOperator("security-officer", by: administrator).get()
      #expect(try await status.publishLists(by: grant, for: officer).refusalCode == "identity-changed")
      _ = try await test.opened.vault.seal(by: administrator).get()
      let own = try await test.administration.grant(.caCRL, to: administrator).get()
      #expect(try await status.publishLists(by: own, for: administrator).refusalCode == "vault-sealed")
    }
  }

  /// Runs `body` beside a publisher at work.
  private func with(_ body: @escaping @Sendable (TestInstance, PublishedStatus) async throws -> Void) async throws {
    try await TestInstance.with { test in
      let status = try await PublishedStatus(
        test.opened, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      try await withThrowingTaskGroup { group in
        group.addTask { try await status.run() }
        // The publisher is at work once it has offered its first lists.
        let issuer = try #require(try await test.opened.readers.issuers().last).keyID
        while try await status.revocationList(of: issuer, shard: nil) == nil { await Task.yield() }
        try await body(test, status)
        group.cancelAll()
      }
    }
  }
}
