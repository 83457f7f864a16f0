import Foundation
import MusterModel

/// All that a run found.
struct BenchReport: Encodable, Sendable {
  let version = programVersion
  let at = SystemClock().now()
  let cores = ProcessInfo.processInfo.activeProcessorCount
  let devices: Int
  let revoked: Int
  let connections: Int
  let baselines: Baselines
  let figures: [Figure]
  let growth: [GrowthPoint]

  init(plan: BenchPlan, baselines: Baselines, figures: [Figure], growth: [GrowthPoint]) {
    devices = plan.fleet
    revoked = plan.revoked
    connections = plan.connections
    self.baselines = baselines
    self.figures = figures
    self.growth = growth
  }

  /// Tables for people; the report itself, or a line of its numbers, otherwise.
  func write(_ output: Output) throws {
    guard output.output == .table else { return try output.result(self, lines: numbers) }
    print(heading)
    for table in [baselineTable, figureTable] + (growth.isEmpty ? [] : [growthTable]) {
      print("")
      for line in table.lines(width: TableText.terminalWidth()) { print(line) }
    }
  }

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }

  var heading: String {
    "\(devices) devices, \(revoked) revoked certificates, \(connections) connections; load and service on the same "
      + "\(cores) cores. The service's CPU for one and what baselines take are in µs, p50 and p99 in ms"
  }

  private var numbers: [(String, String?)] {
    figures.flatMap { figure in
      [
        ("\(figure.name) per second", decimal(figure.perSecond)),
        ("\(figure.name) µs", decimal(figure.cpuMicroseconds)), ("\(figure.name) ratio", decimal(figure.ratio)),
      ]
    }
  }
}

// MARK: - Tables

extension BenchReport {
  var baselineTable: TableText {
    table(
      ["baseline", "takes"],
      [
        ["P-256 sign", decimal(baselines.sign)], ["P-256 verify", decimal(baselines.verify)],
        ["one unit: sign + verify", decimal(baselines.unit)], ["HMAC-SHA-256 of 64 bytes", decimal(baselines.mac)],
        ["AES-256-GCM of 64 bytes", decimal(baselines.seal)],
        ["fdatasync of 4 KiB appended", decimal(baselines.sync)],
      ])
  }

  var figureTable: TableText {
    table(
      ["figure", "a second", "CPU", "beside", "takes", "ratio", "p50", "p99"],
      figures.map { figure in
        [
          figure.title, decimal(figure.perSecond), decimal(figure.cpuMicroseconds), figure.baseline,
          decimal(figure.baselineMicroseconds), decimal(figure.ratio) + (figure.comparesTime ? " in time" : ""),
          figure.latency.map { decimal($0.p50) } ?? "–", figure.latency.map { decimal($0.p99) } ?? "–",
        ]
      })
  }

  /// One row for each thing, one column for each size.
  var growthTable: TableText {
    table(
      ["as the fleet grows"] + growth.map { grouped($0.devices) },
      growthRows.map { row in [row.name] + row.values.map(decimal) })
  }

  /// What is watched as the fleet grows, with a value for each size.
  var growthRows: [(name: String, values: [Double])] {
    let lookups = growth.first?.lookups.indices.map { index in
      (name: (growth[0].lookups[index].what) + ", µs", values: growth.map { $0.lookups[index].microseconds })
    }
    return [
      ("opening the store, ms", growth.map(\.openingMilliseconds)),
      ("start to serving, database not cached, ms", growth.map(\.startMilliseconds)),
      ("memory after the start, MB", growth.map(\.idleMegabytes)),
      ("enrollment by EST, database not cached, units", growth.map(\.first.units)),
      ("enrollment by EST, units", growth.map(\.single.units)),
      ("enrollment in a batch, units", growth.map(\.batch.units)),
    ] + (lookups ?? []) + [("bytes on disk for a device", growth.map(\.bytesPerDevice))]
  }

  private func table(_ titles: [String], _ rows: [[String]]) -> TableText {
    TableText(titles: titles, isWhole: titles.indices.map { $0 > 0 }, rows: rows)
  }
}

/// Three digits that count.
func decimal(_ value: Double) -> String {
  if value >= 100 { return grouped(Int(value.rounded())) }
  return String(format: value >= 10 ? "%.1f" : value >= 1 ? "%.2f" : "%.3f", value)
}

/// With a thin gap between thousands, as in 1 000 000.
func grouped(_ value: Int) -> String {
  var digits = Substring(String(value))
  var parts: [Substring] = []
  while digits.count > 3 {
    parts.insert(digits.suffix(3), at: 0)
    digits = digits.dropLast(3)
  }
  return ([digits] + parts).joined(separator: "\u{202f}")
}
