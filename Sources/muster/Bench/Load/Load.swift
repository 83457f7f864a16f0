import Foundation
import Synchronization

/// What a number of operations took: each one's time, and the service's CPU for all of them.
struct Load: Sendable {
  /// Milliseconds of each, in ascending order.
  let latencies: [Double]
  let seconds: Double
  /// The service's, in all.
  let cpuMicroseconds: Double

  var count: Int { latencies.count }

  /// The value below which that share of the operations lies.
  func percentile(_ share: Double) -> Double {
    latencies.isEmpty ? 0 : latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
  }
}

extension BenchServer {
  /// Runs `body` so many times, as many at once as `connections`, each with the next number that nobody has.
  func load(
    _ count: Int, connections: Int, _ body: @escaping @Sendable (Int) async throws -> Void
  ) async throws -> Load {
    let clock = ContinuousClock()
    let (before, began) = (cpuMicroseconds, clock.now)
    let latencies = try await inParallel(count, connections) { index in
      let began = clock.now
      try await body(index)
      return (clock.now - began).seconds * 1000
    }
    return Load(
      latencies: latencies.sorted(), seconds: (clock.now - began).seconds, cpuMicroseconds: cpuMicroseconds - before)
  }
}

/// What this process has spent so far, on all its threads.
func ownCPUMicroseconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}

/// The values of so many calls, in no order; the first that throws ends them all.
func inParallel<Value: Sendable>(
  _ count: Int, _ lanes: Int, _ body: @escaping @Sendable (Int) async throws -> Value
) async throws -> [Value] {
  let turn = Turn()
  return try await withThrowingTaskGroup(of: [Value].self) { group in
    for _ in 0..<lanes {
      group.addTask {
        var values: [Value] = []
        while true {
          let index = turn.take()
          guard index < count else { return values }
          values.append(try await body(index))
        }
      }
    }
    return try await group.reduce(into: []) { $0 += $1 }
  }
}

/// Numbers, each given once.
private final class Turn: Sendable {
  private let next = Atomic<Int>(0)

  func take() -> Int { next.wrappingAdd(1, ordering: .relaxed).oldValue }
}

extension Duration {
  var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
