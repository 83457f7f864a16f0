import Enrollment
import GRDB
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// What a step of a rollover costs in a large fleet, and that it passes over nobody.
@Suite struct RolloverScaleTests {
  @Test(arguments: [
    (RolloverQuery.next.description, "SEARCH device USING INTEGER PRIMARY KEY (rowid=?)"),
    (
      RolloverQuery.members.description,
      "SEARCH rollover_device USING INDEX rollover_device_stage (rollover=? AND stage=? AND since<?)"
    ),
  ])
  func `a step reads by an index what it gives, in its order, and no more`(sql: String, step: String) throws {
    let plan = try DatabaseQueue().write { db in
      try db.execute(sql: viewTables + hubTables + rolloverTables)
      let sql = "EXPLAIN QUERY PLAN " + sql.replacing(#/\?\d?/#, with: "1")
      return try Row.fetchAll(db, sql: sql).map { $0["detail"] as String }
    }
    #expect(plan.contains(step), "\(plan)")
    // The walk itself is no table.
    let scans = plan.filter { $0.hasPrefix("SCAN") && !["SCAN walk", "SCAN CONSTANT ROW"].contains($0) }
    #expect(scans.isEmpty && !plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
  }

  static let queries = ["all", "group", "hub", "batch", "group of the batch"]

  @Test(arguments: RolloverKind.allCases, queries)
  func `a step costs no more among many devices than among few`(kind: RolloverKind, query: String) async throws {
    var costs: [Int] = []
    for count in [400, 1600] {
      let fleet = try await RolloverFleet(kind, query, devices: count)
      let steps = try fleet.steps { try $0.rolloverCandidates(of: $1, at: Units.time, limit: 16).count }
      #expect(steps.found == 16)
      costs.append(steps.steps)
    }
    // Wherever the walk begins it passes over about as many, which is chance; a scan would take four times as much.
    #expect(costs[1] <= costs[0] * 3, "\(costs)")
  }

  @Test(arguments: RolloverKind.allCases, queries)
  func `who is let in and who is counted has all that is named, and something to replace`(
    kind: RolloverKind, query: String
  ) async throws {
    let fleet = try await RolloverFleet(kind, query, devices: 400)
    let expected = fleet.devices.enumerated().filter { fleet.isMeant($0.offset) }.map(\.element)
    let store = try fleet.test.open()
    let found = try await store.candidates(of: fleet.rollover, limit: 1000).map(\.device)
    #expect(found.count == expected.count && Set(found) == Set(expected))
    #expect(try await store.candidateCount(of: fleet.rollover) == UInt64(expected.count))
    await store.close()
  }

  @Test(arguments: RolloverKind.allCases, ["all", "batch"])
  func `step by step each device that may enter does once, and who could not before when it comes round`(
    kind: RolloverKind, query: String
  ) async throws {
    let fleet = try await RolloverFleet(kind, query, devices: 1000, isMixed: true)
    let test = fleet.test
    let line = fleet.devices.indices.filter { fleet.isMeant($0) }
    var entered: [RecordID] = []
    while true {
      let store = try test.open()
      let found = try await store.candidates(of: fleet.rollover, limit: 16).map(\.device)
      #expect(try await store.candidateCount(of: fleet.rollover) >= UInt64(found.count))
      await test.close(store)
      guard let last = found.last else { break }
      // After some those that were disabled are enabled.
      if entered.count == 48 { try test.tamper("UPDATE device SET state = 'enabled'") }
      entered += found
      let values = found.map { "(1, '\(kind.rawValue)', '\($0)', 1, 'waiting', 1, 0, 0, 0)" }.joined(separator: ",")
      try test.tamper(
        """
        INSERT INTO rollover_device(rollover, kind, device, wave, stage, is_open, proofs, since, is_refused) VALUES \(values);
        UPDATE rollover SET last_entered = '\(last)';
        """)
    }
    let expected = line.filter { $0 % 10 != 1 }.map { fleet.devices[$0] }
    #expect(entered.count == expected.count && Set(entered) == Set(expected), "those with newer ones are not in it")
    // The first are a sample: of each quarter of the line about as many, wherever it began (5 to 12 in 3,000 trials).
    let places = entered.prefix(32).compactMap { fleet.devices.firstIndex(of: $0) }
    for quarter in 0..<4 {
      let part = line[(line.count * quarter / 4)..<(line.count * (quarter + 1) / 4)]
      #expect((4...13).contains(places.count { part.contains($0) }), "\(places)")
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 31, 32, 33, 1000] as [UInt64])
  func `a walk comes to each place of its line once, wherever it begins`(length: UInt64) {
    let walk = RolloverWalk(length: length)
    #expect(walk.size >= length && walk.size < max(3, length * 2))
    for start: Int64 in [0, 1, 7, 123_456_789] {
      var (place, seen) = (start, Set<Int64>())
      for _ in 0..<walk.size {
        place = walk.place(after: place)
        seen.insert(place)
      }
      #expect(seen == Set(0..<walk.size))
    }
  }
}

/// Devices with keys and certificates that are older than a rollover; of four groups, four hubs, and every third of a batch.
private struct RolloverFleet {
  let test: TestFolder
  let rollover = Units.id(.rollover)
  let devices: [RecordID]
  private let query: String

  /// `isMixed`: of ten one is disabled, and one has what is newer.
  init(_ kind: RolloverKind, _ query: String, devices count: Int, isMixed: Bool = false) async throws {
    test = try TestFolder()
    self.query = query
    await test.close(try test.create())
    devices = (0..<count).map { _ in Units.id(.device) }
    let (groups, hubs, batch) = (
      (0..<4).map { _ in Units.id(.group) }, (0..<4).map { _ in Units.id(.hub) }, Units.id(.batch)
    )
    let rows = devices.enumerated().map { number, device in
      let (isDisabled, isNewer) = (isMixed && number % 10 == 0, isMixed && number % 10 == 1)
      let position = isNewer ? 9_999_999 : number * 3
      return """
        INSERT INTO device(record, device_id, folded, state, device_group, hub, generation, created_at, position, last_seen_at)
          VALUES ('\(device)', 'd\(number)', 'd\(number)', '\(isDisabled ? "disabled" : "enabled")', '\(groups[number % 4])',
            '\(hubs[number / 2 % 4])', 1, 0, 1, 0);
        INSERT INTO binding(device, generation, evidence, public_key, made_by, made_at, position, batch)
          VALUES ('\(device)', 1, 'ticket', x'00', 'folder', 0, \(number * 3), \(number % 3 == 0 ? "'\(batch)'" : "NULL"));
        INSERT INTO device_key(device, generation, primary_version, primary_check, last_version, position)
          VALUES ('\(device)', 1, 1, '00', 1, \(position));
        INSERT INTO certificate(record, subject, issuer, serial, profile, not_before, not_after, shard, public_key, der,
            issued_at, position)
          VALUES ('\(Units.id(.certificate))', '\(device)', '00', CAST('\(number)' AS BLOB), 'device', 0,
            9999999999999, 0, CAST('\(number)' AS BLOB), CAST('\(number)' AS BLOB), 0, \(position));
        """
    }
    func named(_ part: String, _ value: RecordID) -> String { query.contains(part) ? "'\(value)'" : "NULL" }
    try test.tamper(
      rows.joined()
        + """
        INSERT INTO rollover(record, kind, device_group, hub, batch, canary, step, quorum, soak, overlap, deadline, refusals,
            breaks, state, cause, changed_at, planned_by, planned_at, started_at, started_position, wave, target, refused,
            position)
          VALUES ('\(rollover)', '\(kind.rawValue)', \(named("group", groups[1])), \(named("hub", hubs[2])),
            \(named("batch", batch)), 1, 25, 90, 0, 0, 0, 0, 0, 'running', 'operator', 0, 'folder', 0, 0, 9000000, 1, 0, 0,
            0);
        """)
  }

  func isMeant(_ number: Int) -> Bool {
    (!query.contains("group") || number % 4 == 1) && (!query.contains("hub") || number / 2 % 4 == 2)
      && (!query.contains("batch") || number % 3 == 0)
  }

  func steps(_ ask: (Snapshot, RecordID) throws -> Int) throws -> (found: Int, steps: Int) {
    let db = try Connection(path: test.folder.database, .readOnly)
    return try db.withSnapshot { snapshot in
      let snapshot = try snapshot.get()
      return try db.countingSteps { try ask(snapshot, rollover) }
    }
  }
}
