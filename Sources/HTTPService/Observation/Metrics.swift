import Synchronization

/// Counters, gauges and histograms, written as Prometheus text (exposition format 0.0.4). Label values come from
/// closed sets or are bounded here: past `seriesLimit` of a family, what is new counts as `other`.
public final class Metrics: Sendable {
  static let seriesLimit = 512

  enum Kind: String, Sendable { case counter, gauge, histogram }

  struct Family: Sendable {
    let name: String
    let kind: Kind
    let help: String
    let labels: [String]
    /// Upper bounds of a histogram's buckets, growing.
    let buckets: [Double]

    init(_ kind: Kind, _ name: String, labels: [String] = [], buckets: [Double] = [], help: String) {
      self.kind = kind
      self.name = name
      self.labels = labels
      self.buckets = buckets
      self.help = help
    }
  }

  private struct Series {
    var value: Double = 0
    /// Observations in each bucket, not added up; the last is beyond all bounds.
    var counts: [UInt64] = []
  }

  private struct Record {
    let family: Family
    var series: [[String]: Series] = [:]
  }

  private let records: Mutex<[String: Record]>

  init(_ families: [Family]) {
    records = Mutex(Dictionary(uniqueKeysWithValues: families.map { ($0.name, Record(family: $0)) }))
  }

  func add(_ amount: Double = 1, to name: String, _ labels: [String] = []) {
    change(name, labels) { series, _ in series.value += amount }
  }

  func set(_ name: String, to value: Double, _ labels: [String] = []) {
    change(name, labels) { series, _ in series.value = value }
  }

  func observe(_ value: Double, in name: String, _ labels: [String] = []) {
    change(name, labels) { series, family in
      if series.counts.isEmpty { series.counts = Array(repeating: 0, count: family.buckets.count + 1) }
      series.counts[family.buckets.firstIndex { value <= $0 } ?? family.buckets.count] += 1
      series.value += value
    }
  }

  private func change(_ name: String, _ labels: [String], _ body: (inout Series, Family) -> Void) {
    records.withLock { records in
      guard let family = records[name]?.family, let known = records[name]?.series else { return }
      let isNew = known[labels] == nil && known.count >= Metrics.seriesLimit
      let key = isNew ? labels.map { _ in "other" } : labels
      body(&records[name]!.series[key, default: Series()], family)
    }
  }

  func text() -> String {
    records.withLock { records in
      records.values.sorted { $0.family.name < $1.family.name }.map(Metrics.text).joined()
    }
  }

  private static func text(_ record: Record) -> String {
    let family = record.family
    var lines = ["# HELP \(family.name) \(family.help)", "# TYPE \(family.name) \(family.kind.rawValue)"]
    for (labels, series) in record.series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let pairs = zip(family.labels, labels).map { "\($0)=\"\(escaped($1))\"" }
      if family.kind == .histogram {
        lines += histogram(family, pairs, series)
      } else {
        lines.append("\(family.name)\(braced(pairs)) \(number(series.value))")
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func histogram(_ family: Family, _ pairs: [String], _ series: Series) -> [String] {
    var sum: UInt64 = 0
    var lines: [String] = []
    for (bound, count) in zip(family.buckets.map(number) + ["+Inf"], series.counts) {
      sum += count
      lines.append("\(family.name)_bucket\(braced(pairs + ["le=\"\(bound)\""])) \(sum)")
    }
    lines.append("\(family.name)_sum\(braced(pairs)) \(number(series.value))")
    lines.append("\(family.name)_count\(braced(pairs)) \(sum)")
    return lines
  }

  private static func braced(_ pairs: [String]) -> String {
    pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
  }

  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { escaped, scalar in
      switch scalar {
      case "\\", "\"": escaped += "\\\(scalar)"
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
  }
}
