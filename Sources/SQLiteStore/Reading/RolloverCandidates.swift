import Enrollment
import MusterModel

// Which devices may enter a rollover. They stand in a line, by their rows, or those of a batch by the positions at which they
// were given their hardware, and a walk goes through it so that whatever part of it was walked is a sample of all. It begins
// somewhere and goes on behind the last that entered: who could not enter before is found when it comes round.

extension Snapshot {
  /// At most `limit` devices that may enter, in the order of the walk.
  func rolloverCandidates(
    of rollover: RecordID, at now: Timestamp, limit: Int
  ) throws(StoreError) -> [RolloverCandidate] {
    guard let line = try rolloverLine(of: rollover) else { return [] }
    let (walk, start) = (line.walk, try start(of: rollover, on: line))
    let found =
      if let batch = line.batch {
        try db.all(
          RolloverQuery.nextOfBatch, rollover, start, walk.size, walk.stride, now, limit, batch, line.first,
          read: Row.record)
      } else {
        try db.all(RolloverQuery.next, rollover, start, walk.size, walk.stride, now, limit, read: Row.record)
      }
    return try found.map { device throws(StoreError) in
      RolloverCandidate(device: device, version: try version(of: device))
    }
  }

  /// How many devices may enter. It reads all, or all of the batch.
  func rolloverCandidateCount(of rollover: RecordID, at now: Timestamp) throws(StoreError) -> UInt64 {
    let read = { (row: Row) throws(StoreError) in try row.position(0) }
    guard let batch = try rolloverColumns(rollover)?.devices.batch else {
      return try db.first(RolloverQuery.count, rollover, now, read: read) ?? 0
    }
    return try db.first(RolloverQuery.countOfBatch, rollover, now, batch, read: read) ?? 0
  }

  /// nil where nobody stands in it.
  private func rolloverLine(of rollover: RecordID) throws(StoreError) -> RolloverLine? {
    let batch = try rolloverColumns(rollover)?.devices.batch
    let ends = { (row: Row) throws(StoreError) in row.isNull(0) ? nil : (row.int(0), row.int(1)) }
    let found =
      if let batch {
        try db.first(
          """
          SELECT (SELECT position FROM binding WHERE batch = ?1 ORDER BY position LIMIT 1),
            (SELECT position FROM binding WHERE batch = ?1 ORDER BY position DESC LIMIT 1)
          """, batch, read: ends)
      } else {
        // Each alone: the two of one query are found by reading the table.
        try db.first("SELECT (SELECT min(id) FROM device), (SELECT max(id) FROM device)", read: ends)
      }
    return (found ?? nil).map { RolloverLine(batch: batch, first: batch == nil ? 0 : $0.0, last: $0.1) }
  }

  /// Behind the last that entered; before the first, where the rollover's own random bits say.
  private func start(of rollover: RecordID, on line: RolloverLine) throws(StoreError) -> Int64 {
    let last =
      if let batch = line.batch {
        try db.first(
          """
          SELECT position FROM binding
          WHERE batch = ? AND device = (SELECT last_entered FROM rollover WHERE record = ?) AND ended_at IS NULL
          """, batch, rollover
        ) { (row) throws(StoreError) in row.int(0) }
      } else {
        try db.first(
          "SELECT id FROM device WHERE record = (SELECT last_entered FROM rollover WHERE record = ?)", rollover
        ) { (row) throws(StoreError) in row.int(0) }
      }
    return line.walk.place(after: last.map { $0 - line.first } ?? rollover.draw)
  }
}

/// Where the devices of a rollover stand.
private struct RolloverLine {
  let batch: RecordID?
  let first: Int64
  let last: Int64

  var walk: RolloverWalk { RolloverWalk(length: UInt64(last - first) + 1) }
}

/// A way through a line that comes to each place once: by steps of the golden ratio of a power of two, which leave no part of
/// it out for long (Weyl's sequence).
struct RolloverWalk: Hashable {
  /// The power of two; places beyond the line are nobody's.
  let size: Int64
  /// Odd, so that it comes to each.
  let stride: Int64

  init(length: UInt64) {
    let bits = max(1, UInt64.bitWidth - (length - 1).leadingZeroBitCount)
    size = 1 << bits
    stride = Int64(0x9e37_79b9_7f4a_7c15 as UInt64 >> UInt64(UInt64.bitWidth - bits)) | 1
  }

  func place(after place: Int64) -> Int64 { (place & (size - 1) + stride) & (size - 1) }
}

/// What is asked at each step of a rollover: it costs what it gives, whatever the fleet.
enum RolloverQuery {
  /// Of a rollover, on the walk from a place on with this size and stride, those with something to replace until after a time,
  /// so many.
  static let next: StaticString = """
    WITH RECURSIVE walk(place, ahead) AS (
      SELECT ?2, ?3 UNION ALL SELECT (place + ?4) & (?3 - 1), ahead - 1 FROM walk WHERE ahead > 1)
    SELECT device FROM walk CROSS JOIN rollover_candidate ON rollover_candidate.place = walk.place
    WHERE rollover = ?1 AND until > ?5 LIMIT ?6
    """

  /// The same of a batch, whose line begins at a position.
  static let nextOfBatch: StaticString = """
    WITH RECURSIVE walk(place, ahead) AS (
      SELECT ?2, ?3 UNION ALL SELECT (place + ?4) & (?3 - 1), ahead - 1 FROM walk WHERE ahead > 1)
    SELECT rollover_candidate.device
    FROM walk CROSS JOIN binding ON batch = ?7 AND position = ?8 + walk.place
      CROSS JOIN rollover_candidate ON rollover_candidate.device = binding.device
    WHERE rollover = ?1 AND until > ?5 LIMIT ?6
    """

  static let count: StaticString = "SELECT count(*) FROM rollover_candidate WHERE rollover = ? AND until > ?"

  static let countOfBatch: StaticString = """
    SELECT count(*) FROM binding CROSS JOIN rollover_candidate ON rollover_candidate.device = binding.device
    WHERE rollover = ?1 AND until > ?2 AND batch = ?3
    """

  /// Devices of a rollover at a stage since a time or longer, those that are longest first.
  static let members: StaticString = """
    SELECT stage, known_version, made_version, proofs, since, device FROM rollover_device
    WHERE rollover = (SELECT id FROM rollover WHERE record = ?) AND stage = ? AND since <= ?
    ORDER BY since, id LIMIT ?
    """
}

extension RecordID {
  /// 32 of its random bits.
  fileprivate var draw: Int64 { uuid.bytes.suffix(4).reduce(0) { $0 << 8 | Int64($1) } }
}
