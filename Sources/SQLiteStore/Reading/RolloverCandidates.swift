import Enrollment
import MusterModel

// Which devices may enter a rollover. They stand in a line, by their rows, and a walk goes through it so that whatever part of
// it was walked is a sample of all. It begins somewhere and goes on behind the last that entered: who could not enter before is
// found when it comes round. Those whom it is not of are passed over: a whole rollover costs some walks through the fleet.

extension Snapshot {
  /// At most `limit` devices that may enter, in the order of the walk.
  func rolloverCandidates(
    of rollover: RecordID, at now: Timestamp, limit: Int
  ) throws(StoreError) -> [RolloverCandidate] {
    let walk = RolloverWalk(length: UInt64(try db.number("SELECT ifnull(max(id), 0) FROM device")) + 1)
    let last = try db.first(
      "SELECT id FROM device WHERE record = (SELECT last_entered FROM rollover WHERE record = ?)", rollover
    ) { (row) throws(StoreError) in row.int(0) }
    // Before the first, where the rollover's own random bits say.
    let start = walk.place(after: last ?? rollover.draw)
    let found = try db.all(
      RolloverQuery.next, rollover, start, walk.size, walk.stride, now, limit, read: Row.record)
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
