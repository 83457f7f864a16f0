import DeviceRegistry
import Ledger
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@Suite struct MigrationTests {
  /// A folder whose database has the tables of schema 5, without the rows that were in its views.
  private func folderOfSchema5() async throws -> TestFolder {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    let hub = Units.id(.hub)
    let group = Units.id(.group)
    let ticket = Units.id(.ticket)
    let names = try #require(RecordName("plant"))
    _ = try await store.commit(try Units.group(Units.name("pumps"), group))
    _ = try await store.commit(try Units.hub(names, hub, groups: [group]))
    _ = try await store.commit(try Units.ticket(ticket, code: Units.digest("code")))
    var enrollment = TestEnrollment(deviceID: Units.deviceID("own"), group: group)
    enrollment.ticket = ticket
    _ = try await store.commit(try enrollment.unit())
    _ = try await store.commit(UnitOfWork(events: [try Units.revoked(enrollment)]))
    var history = History(seed: 4)
    for _ in 0..<100 { _ = try? await store.commit(history.next()) }
    await test.close(store)
    // Those of SQL first: they name tables.
    let views = try ["view", "table"].flatMap { type in
      try test.texts("SELECT name FROM sqlite_schema WHERE type = '\(type)'").filter { !ledgerTables.contains($0) }
        .map { "DROP \(type) \($0);" }
    }
    try test.tamper(
      views.joined() + viewsOfSchema5
        + "ALTER TABLE open_leaf RENAME COLUMN hashes TO hash; INSERT INTO kek VALUES (99, '00', 0, 0); PRAGMA user_version = 5;"
    )
    return test
  }

  private let ledgerTables = [
    "event", "tile", "open_leaf", "checkpoint", "attachment", "private_attachment", "secret", "idempotent_answer",
  ]

  @Test func `the views of an older database are made anew from its events`() async throws {
    let test = try await folderOfSchema5()
    #expect(throws: StoreError.self) { try LedgerReplay.check(test.folder) }
    let store = try test.open()
    await test.close(store)
    #expect(try test.number("PRAGMA user_version") == 13)
    #expect(try test.number("SELECT count(*) FROM hub_change WHERE position IN (5, 7)") == 2)
    #expect(try test.number("SELECT count(*) FROM redemption") ?? 0 > 0)
    #expect(try test.number("SELECT count(*) FROM sqlite_schema WHERE name = 'public_key'") == 0)
    let report = try LedgerReplay.check(test.folder)
    #expect(report.differences == [] && report.events > 50)
  }

  @Test func `an older database with events that are not known here is refused as it is`() async throws {
    let test = try await folderOfSchema5()
    try test.tamper("INSERT INTO event_kind VALUES ('device-teleported', 1)")
    #expect(throws: StoreError.unknownKinds(["device-teleported"])) { try test.open() }
    #expect(try test.number("PRAGMA user_version") == 5)
    #expect(try test.number("SELECT count(*) FROM kek") == 1)
  }
}
