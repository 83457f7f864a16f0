import Enrollment
import MusterModel

// Which devices may enter a rollover. They stand on a circle, in the order of the random ends of their record IDs, so that the
// first are a sample of all. A rollover begins at the end of its own and goes on behind the last that entered: who could not
// enter before is found when it comes round.

extension Snapshot {
  /// At most `limit` devices that may enter, in the order of the circle.
  func rolloverCandidates(of record: RecordID, limit: Int) throws(StoreError) -> [RolloverCandidate] {
    let last = try db.first("SELECT coalesce(last_entered, record) FROM rollover WHERE record = ?", record) {
      (row) throws(StoreError) in try row.record(0)
    }
    guard let place = last?.lot else { return [] }
    var found = try candidates(of: record, from: place, to: RecordID.lastLot, limit)
    if found.count < limit { found += try candidates(of: record, from: "", to: place, limit - found.count) }
    return try found.map { device throws(StoreError) in
      RolloverCandidate(device: device, version: try version(of: device))
    }
  }

  private func candidates(
    of record: RecordID, from start: String, to end: String, _ limit: Int
  ) throws(StoreError) -> [RecordID] {
    try db.all(RolloverQuery.next, record, start, end, limit) { (row) throws(StoreError) in try row.record(0) }
  }

  /// How many devices may enter. It reads all that have keys: in the order of their records, which lie side by side.
  func rolloverCandidateCount(of record: RecordID) throws(StoreError) -> UInt64 {
    try db.first("SELECT count(*) FROM rollover_candidate WHERE rollover = ? AND device > ''", record) {
      (row) throws(StoreError) in try row.position(0)
    } ?? 0
  }
}

/// What is asked at each step of a rollover: it costs what it gives, whatever the fleet.
enum RolloverQuery {
  /// Of a rollover, on the part of the circle from here up to below there, so many.
  static let next: StaticString =
    "SELECT device FROM rollover_candidate WHERE rollover = ? AND lot >= ? AND lot < ? ORDER BY lot LIMIT ?"

  /// Devices of a rollover at a stage since a time or longer, those that are longest first.
  static let members: StaticString = """
    SELECT stage, known_version, made_version, proofs, since, device FROM rollover_device
    WHERE rollover = (SELECT id FROM rollover WHERE record = ?) AND stage = ? AND since <= ?
    ORDER BY since, id LIMIT ?
    """
}

extension RecordID {
  /// Its place on the circle: 60 random bits in Crockford's characters, as `rollover_candidate` has them.
  fileprivate var lot: String { String(description.suffix(12)) }
  /// Behind every place.
  fileprivate static let lastLot = "~"
}
