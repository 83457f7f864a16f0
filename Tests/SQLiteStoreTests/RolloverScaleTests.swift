import Enrollment
import GRDB
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// What a step of a rollover costs in a large fleet, and that it passes over nobody.
@Suite struct RolloverScaleTests {
  @Test(arguments: [
    (RolloverQuery.next.description, "SEARCH device_key USING INDEX device_key_lot (<expr>>? AND <expr><?)"),
    (
      RolloverQuery.members.description,
      "SEARCH rollover_device USING INDEX rollover_device_stage (rollover=? AND stage=? AND since<?)"
    ),
  ])
  func `a step reads by an index what it gives, in its order, and no more`(sql: String, step: String) throws {
    let plan = try DatabaseQueue().write { db in
      try db.execute(sql: viewTables + hubTables + rolloverTables)
      let sql = "EXPLAIN QUERY PLAN " + sql.replacing("?", with: "1")
      return try Row.fetchAll(db, sql: sql).map { $0["detail"] as String }
    }
    #expect(plan.contains(step), "\(plan)")
    #expect(!plan.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(plan)")
  }

  private static let devices = 1000

  /// A rollover of all devices, which are there with keys that are older.
  private func fleet(_ test: TestFolder, _ rollover: RecordID) async throws -> [RecordID] {
    await test.close(try test.create())
    let devices = (0..<RolloverScaleTests.devices).map { _ in Units.id(.device) }
    let rows = devices.enumerated().map { number, device in
      """
      INSERT INTO device(record, device_id, folded, state, generation, created_at, position, last_seen_at)
        VALUES ('\(device)', 'd\(number)', 'd\(number)', '\(number % 10 == 0 ? "disabled" : "enabled")', 1, 0, 1, 0);
      INSERT INTO binding(device, generation, evidence, public_key, made_by, made_at, position)
        VALUES ('\(device)', 1, 'ticket', x'00', 'folder', 0, 1);
      INSERT INTO device_key(device, generation, primary_version, primary_check, last_version, position)
        VALUES ('\(device)', 1, 1, '00', 1, \(number % 10 == 1 ? 9 : 1));
      """
    }
    try test.tamper(
      rows.joined()
        + """
        INSERT INTO rollover(record, kind, canary, step, quorum, soak, overlap, deadline, refusals, breaks, state, cause,
            changed_at, planned_by, planned_at, started_at, started_position, wave, target, refused, position)
          VALUES ('\(rollover)', 'keys', 1, 25, 90, 0, 0, 0, 0, 0, 'running', 'operator', 0, 'folder', 0, 0, 5, 1, 0, 0, 0);
        """)
    return devices
  }

  @Test func `step by step each device that may enter does once, and who could not before when it comes round`()
    async throws
  {
    // Half way round the circle.
    let middle = try #require(UUIDv7(bytes: [1, 0x97, 0, 0, 0, 0, 0x70, 0, 0x88, 0, 0, 0, 0, 0, 0, 0]))
    let (test, rollover) = (try TestFolder(), RecordID(.rollover, middle))
    let devices = try await fleet(test, rollover)
    var entered: [RecordID] = []
    while true {
      let store = try test.open()
      let found = try await store.candidates(of: rollover, limit: 128).map(\.device)
      #expect(try await store.candidateCount(of: rollover) >= UInt64(found.count))
      await test.close(store)
      guard let last = found.last else { break }
      // Half way those that were disabled are enabled.
      if entered.count == 384 { try test.tamper("UPDATE device SET state = 'enabled'") }
      entered += found
      let values = found.map { "(1, 'keys', '\($0)', 1, 'waiting', 1, 0, 0, 0)" }.joined(separator: ",")
      try test.tamper(
        """
        INSERT INTO rollover_device(rollover, kind, device, wave, stage, is_open, proofs, since, is_refused) VALUES \(values);
        UPDATE rollover SET last_entered = '\(last)';
        """)
    }
    let expected = devices.enumerated().filter { $0.offset % 10 != 1 }.map(\.element)
    #expect(entered.count == expected.count && Set(entered) == Set(expected), "those with newer keys are not in it")
    let places = entered.map { $0.description.suffix(12) }
    let falls = zip(places, places.dropFirst()).count { $0 > $1 }
    #expect((1...2).contains(falls), "in the order of the circle, and round again for who came late")
    #expect(places.first.map { $0 >= rollover.description.suffix(12) } == true)
  }
}
