import Foundation

/// A soak's report with the judgement over it.
struct SoakResult: Encodable {
  let report: SoakReport
  let changes: [SoakReport.Change]
  let complaints: [String]

  init(_ report: SoakReport) {
    self.report = report
    changes = report.changes
    complaints = report.complaints
  }
}

/// What a soak found, second by second.
struct SoakReport: Encodable {
  let seconds: Int
  let rate: Double
  var measuredRate = 0.0
  var kills = 0
  var visits = 0
  var errors = 0
  var firstError: String?
  var handlesBefore = 0
  var handlesAfter = 0
  /// In the group, at the end.
  var devices = 0
  /// Whether it verifies.
  var ledger = false
  private var samples: [Sample] = []

  private struct Sample: Encodable {
    let megabytes: Double
    let handles: Int
    let visits: Int
    let p99: Double
    /// What the disk takes to append 4,096 bytes, in milliseconds.
    let sync: Double
  }

  init(seconds: Int, rate: Double) {
    self.seconds = seconds
    self.rate = rate
  }

  /// What a client said before it was killed.
  mutating func take(_ news: SoakNews) { count(news) }

  /// A second is over.
  mutating func take(_ news: [SoakNews], of server: BenchServer, sync: Double) {
    for one in news { count(one) }
    let times = news.flatMap(\.times).sorted()
    samples.append(
      Sample(
        megabytes: server.megabytes, handles: server.handles, visits: times.count,
        p99: times.isEmpty ? 0 : times[times.count * 99 / 100], sync: sync))
  }

  private mutating func count(_ news: SoakNews) {
    visits += news.times.count
    errors += news.errors
    firstError = firstError ?? news.firstError
  }

  var lastLine: String {
    guard let last = samples.last else { return "nothing yet" }
    return "\(samples.count) s: \(last.visits) visits, p99 \(decimal(last.p99)) ms, \(decimal(last.megabytes)) MB, "
      + "\(last.handles) handles, \(kills) kills, \(errors) errors"
  }
}

// MARK: - The judgement

extension SoakReport {
  /// The first third against the last, as medians of its seconds.
  struct Change: Encodable {
    let what: String
    let first, last: Double
    /// The most that the last may be; nil for what is the machine's and not the service's.
    let limit: Double?
    var complaint: String? {
      guard let limit, last > limit else { return nil }
      return "\(what): expected at most \(decimal(limit)), found \(decimal(last))"
    }
  }

  var changes: [Change] {
    [
      change("memory, MB", \.megabytes) { $0 * 1.1 + 8 },
      change("file handles", { Double($0.handles) }) { $0 + 8 },
      change("p99 of a visit, ms", \.p99) { $0 * 1.5 + 5 },
      change("fdatasync of 4 KiB beside, ms", \.sync) { _ in nil },
    ]
  }

  private func change(_ what: String, _ value: (Sample) -> Double, limit: (Double) -> Double?) -> Change {
    let third = max(1, samples.count / 3)
    let first = median(samples.prefix(third).map(value))
    return Change(what: what, first: first, last: median(samples.suffix(third).map(value)), limit: limit(first))
  }

  private func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.sorted()[values.count / 2] }

  /// What is not as it should be; none where the soak is passed.
  var complaints: [String] {
    changes.compactMap(\.complaint)
      + [
        errors > 0 ? "expected no error, found \(errors), the first: \(firstError ?? "")" : nil,
        handlesAfter > handlesBefore + 8
          ? "expected \(handlesBefore) file handles once all clients are gone, found \(handlesAfter)" : nil,
        devices < visits ? "expected every answered device, \(visits), found \(devices)" : nil,
        ledger ? nil : "expected a ledger that verifies, found another",
        Double(visits) < rate * Double(seconds) * 0.8
          ? "expected \(decimal(rate)) visits a second, found \(decimal(Double(visits) / Double(seconds)))" : nil,
      ].compactMap(\.self)
  }

  var lines: [(String, String?)] {
    [
      ("load", "\(visits) visits in \(seconds) s, at \(decimal(rate)) a second of \(decimal(measuredRate)) measured"),
      ("clients killed", String(kills)), ("errors", "\(errors)\(firstError.map { ": \($0)" } ?? "")"),
    ]
      + changes.map { ($0.what, "\(decimal($0.first)) in the first third, \(decimal($0.last)) in the last") }
      + [
        ("handles without clients", "\(handlesBefore) before, \(handlesAfter) after"),
        ("devices", "\(devices), of which \(visits) were reported"),
        ("ledger", ledger ? "verifies" : "does not verify"),
      ] + complaints.map { ("not flat", $0) }
  }
}
