/// What an operation costs, beside what it cannot cost less than.
struct Figure: Encodable, Sendable {
  let name: String
  let title: String
  let operations: Int
  let perSecond: Double
  /// The service's CPU for one operation.
  let cpuMicroseconds: Double
  /// What it is compared with, in words, and how long that takes.
  let baseline: String
  let baselineMicroseconds: Double
  /// How often the baseline fits into the operation: into its CPU, or into its time where `comparesTime`.
  let ratio: Double
  let comparesTime: Bool
  /// Milliseconds; nil where the operations of a load have no time of their own.
  let latency: Latency?
}

/// The distribution of a load's times, in milliseconds.
struct Latency: Encodable, Sendable {
  let p50, p90, p99, worst: Double
  /// At each of `Latency.shares`.
  let curve: [Double]

  static let shares =
    [0.0, 0.01, 0.05] + stride(from: 0.1, through: 0.9, by: 0.05) + [0.95, 0.98, 0.99, 0.995, 0.999, 1]

  init(_ load: Load) {
    p50 = load.percentile(0.5)
    p90 = load.percentile(0.9)
    p99 = load.percentile(0.99)
    worst = load.percentile(1)
    curve = Latency.shares.map { load.percentile($0) }
  }
}

extension Measurement {
  /// The service's CPU for each of a load's operations, `per` of them in one exchange, beside a baseline.
  func figure(_ load: Load, per exchange: Int = 1, baseline: String, _ microseconds: Double) -> Figure {
    let count = load.count * exchange
    let cpu = load.cpuMicroseconds / Double(count)
    return Figure(
      name: name, title: title, operations: count, perSecond: Double(count) / load.seconds, cpuMicroseconds: cpu,
      baseline: baseline, baselineMicroseconds: microseconds, ratio: cpu / microseconds, comparesTime: false,
      latency: Latency(load))
  }

  /// The median time of a load's operations beside a baseline.
  func figure(timeOf load: Load, baseline: String, _ microseconds: Double) -> Figure {
    Figure(
      name: name, title: title, operations: load.count, perSecond: Double(load.count) / load.seconds,
      cpuMicroseconds: load.cpuMicroseconds / Double(load.count), baseline: baseline,
      baselineMicroseconds: microseconds, ratio: load.percentile(0.5) * 1000 / microseconds, comparesTime: true,
      latency: Latency(load))
  }
}

extension BenchStage {
  /// The service's CPU for an answer that says next to nothing, over the same kind of connection.
  func emptyAnswer(_ client: BenchClient, _ count: Int) async throws -> Double {
    let load = try await server.load(count, connections: plan.connections) { _ in
      _ = try await client.get("/health/live")
    }
    return load.cpuMicroseconds / Double(count)
  }
}
