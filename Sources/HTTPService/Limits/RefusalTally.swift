import Ledger
import MusterModel

/// Counts what strangers are refused, so that none of them can make us write: one event a minute, at most 64 rows by
/// source and code, the rest as one number. A value, told the time.
struct RefusalTally: Sendable {
  private struct Key: Hashable {
    let source: SourceAddress.Network
    let code: String
  }

  struct Counted: Sendable {
    let event: RefusalsCounted
    let details: RefusalsCounted.Details
    fileprivate let tally: RefusalTally
  }

  private var began: Timestamp?
  private var rows: [Key: UInt64] = [:]
  private var others: UInt64 = 0

  mutating func count(_ source: SourceAddress.Network, code: String, at now: Timestamp) {
    if began == nil { began = now }
    let key = Key(source: source, code: code)
    if rows[key] != nil || rows.count < RefusalsCounted.rowLimit {
      rows[key, default: 0] += 1
    } else {
      others += 1
    }
  }

  /// What was counted since the last time, the most frequent first; nil where there was nothing.
  mutating func take(at now: Timestamp) -> Counted? {
    guard let began else { return nil }
    let rows = self.rows
      .map { RefusalsCounted.Details.Row(source: $0.key.source.description, code: $0.key.code, count: $0.value) }
      .sorted { ($1.count, $0.source, $0.code) < ($0.count, $1.source, $1.code) }
    let total = self.rows.values.reduce(others, +)
    let event = RefusalsCounted(from: began, to: now, total: total, others: others)
    defer { self = RefusalTally() }
    return Counted(event: event, details: .init(rows: rows), tally: self)
  }

  /// What could not be recorded counts with what came since.
  mutating func putBack(_ counted: Counted) {
    let since = self
    self = counted.tally
    others += since.others
    for (key, count) in since.rows {
      if rows[key] != nil || rows.count < RefusalsCounted.rowLimit {
        rows[key, default: 0] += count
      } else {
        others += count
      }
    }
  }
}
