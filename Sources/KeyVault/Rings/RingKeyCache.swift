import MusterModel

/// Keys of rings that were opened not long ago: so many, for so long.
struct RingKeyCache: Sendable {
  static let limit = 256
  static let lifetime = Duration.seconds(60)

  private struct Entry {
    let key: RingKey
    let opened: ContinuousClock.Instant
  }

  private var entries: [RecordID: Entry] = [:]
  /// Those that were let go, for as long as one that was asked for before may still be on its way here.
  private var forgotten: [RecordID: ContinuousClock.Instant] = [:]
  private var swept: ContinuousClock.Instant?

  /// nil where it is not there, or was for too long.
  mutating func key(_ record: RecordID, at now: ContinuousClock.Instant = .now) -> RingKey? {
    sweep(at: now)
    return entries[record]?.key
  }

  mutating func keep(_ key: RingKey, _ record: RecordID, at now: ContinuousClock.Instant = .now) {
    guard forgotten[record] == nil else { return }
    if entries.count >= RingKeyCache.limit, let oldest = entries.min(by: { $0.value.opened < $1.value.opened }) {
      entries[oldest.key] = nil
    }
    entries[record] = Entry(key: key, opened: now)
  }

  mutating func forget(_ record: RecordID, at now: ContinuousClock.Instant = .now) {
    entries[record] = nil
    forgotten[record] = now
  }

  /// Looks through all at most once a second.
  mutating func sweep(at now: ContinuousClock.Instant) {
    if let swept, swept.duration(to: now) < .seconds(1) { return }
    swept = now
    entries = entries.filter { $0.value.opened.duration(to: now) < RingKeyCache.lifetime }
    forgotten = forgotten.filter { $0.value.duration(to: now) < RingKeyCache.lifetime }
  }

  var count: Int { entries.count }
}
