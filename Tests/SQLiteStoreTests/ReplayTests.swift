import DeviceRegistry
import Ledger
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@Suite struct ReplayTests {
  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `after any history the views are what a replay makes of the events`(
    _ seed: UInt64
  ) async throws {
    let test = try TestFolder()
    var store = try test.create()
    var history = History(seed: seed)
    _ = try await store.commit(Units.instance())
    var size: UInt64 = 2
    var (committed, refused) = (0, 0)
    for _ in 0..<12 {
      var units: [UnitOfWork] = []
      for _ in 0..<20 { units.append(try history.next()) }
      for outcome in await store.commit(units) {
        if case .success(.committed(let position)) = outcome {
          #expect(position.first == size)
          size += UInt64(position.count)
          committed += 1
        } else {
          refused += 1
        }
      }
      if committed.isMultiple(of: 3) {
        await store.close()
        store = try test.open()
      }
    }
    #expect(committed > 60 && refused > 20, "a history that shows nothing: \(committed), \(refused)")
    await store.close()
    let report = try LedgerReplay.check(test.folder)
    #expect(report.differences == [])
    #expect(report.events == size)
  }

  @Test(arguments: [
    ("UPDATE device SET state = 'enabled'", "device"), ("DELETE FROM concern WHERE position = 3", "concern"),
    ("UPDATE certificate SET revoked_at = NULL", "certificate"), ("DELETE FROM bound_hardware", "bound_hardware"),
    ("INSERT INTO kek VALUES (9, '00', 0, 0)", "kek"), ("UPDATE certificate SET public_key = der", "certificate"),
    ("UPDATE hardware SET device = NULL", "hardware"),
    ("UPDATE certificate_settled SET through = 1, next = 1", "certificate_digest"),
    ("UPDATE certificate_settled SET next = 1, below = 4294967295", "certificate_digest"),
  ]) func `a view that was changed by hand is found and named`(_ change: String, _ table: String) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    let enrollment = TestEnrollment()
    _ = try await store.commit(enrollment.unit())
    _ = try await store.commit(
      UnitOfWork(events: [
        try Units.event(
          DeviceStateChanged(device: enrollment.device, state: .disabled), on: [enrollment.device], .init(reason: nil)),
        try Units.revoked(enrollment),
      ]))
    await store.close()
    #expect(try LedgerReplay.check(test.folder).differences == [])
    try test.tamper(change)
    #expect(try LedgerReplay.check(test.folder).differences.map(\.table) == [table])
  }

  @Test(arguments: [
    "UPDATE certificate_settled SET through = 9, next = 9", "UPDATE certificate_settled SET next = 2",
    "DELETE FROM certificate_settled", "UPDATE certificate_settled SET through = 1",
  ]) func `an index of certificates that would be beyond them is damage, by which nothing is opened`(
    _ change: String
  ) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    _ = try await store.commit(TestEnrollment().unit())
    await store.close()
    try test.tamper(change)
    let damage = StoreError.damaged("an index of certificates that goes beyond them")
    #expect(throws: damage) { try test.open() }
    #expect(throws: damage) { try LedgerReplay.check(test.folder) }
  }

  @Test func `an erased event leaves neither its details nor what the views had from them`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    let enrollment = TestEnrollment(deviceID: Units.deviceID("Secret-Site"), hardwareID: Units.hardwareID(7))
    _ = try await store.commit(enrollment.unit())
    let erased = try Units.event(EventErased(position: 2), .init(reason: "asked for"))
    _ = try await store.commit(UnitOfWork(events: [erased]))
    #expect(try await store.read { try $0.device(enrollment.deviceID) } == nil)
    #expect(try await store.read { try $0.hardware(enrollment.hardwareID) } == nil)
    await store.close()
    for file in [test.folder.database, test.folder.database + "-wal"] {
      #expect(!test.bytes(of: file).contains(Array("Secret-Site".utf8)))
      #expect(!test.bytes(of: file).contains(Array("secret-site".utf8)))
    }
    let report = try LedgerReplay.check(test.folder)
    #expect(report.differences == [] && report.erased == 1)
    let reopened = try test.open()
    await reopened.close()
  }

  @Test func `a private attachment that its event does not name is not shown as the event's`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    await store.close()
    try test.tamper("UPDATE private_attachment SET bytes = CAST(bytes || x'20' AS BLOB)")
    #expect(throws: StoreError.damaged("a private attachment at 0 that its event does not name")) {
      try LedgerReplay.check(test.folder)
    }
  }
}
