import Enrollment
import Foundation
import MusterModel
import NIOCore

/// Whether callers feel that keys are re-wrapped: 200 requests a second, a third of which write, before and meanwhile. Beside
/// the 99th percentile of before stands that of meanwhile; a second is what the service re-wrapped.
struct RewrapsUnderLoad: Measurement {
  let name = "re-wraps-under-load"
  let title = "answers during re-wraps"

  private static let requestsASecond = 200
  private static let secondsAtMost = 600

  func figure(on stage: BenchStage) async throws -> Figure {
    try await KeyedFleet.with(stage.plan.rewrapsUnderLoad / 2, stage.plan) { fleet in
      let tokens = try await OpenInstance.with(fleet.instance.folder.path) {
        try await fleet.giveKeys($0, tokens: stage.plan.holders)
      }
      return try await fleet.instance.serving { server in
        try await server.client(fleet.people.administrator, connections: stage.plan.connections) { admin in
          try await server.client(fleet.people.hub, connections: stage.plan.connections) { hub in
            try await figure(server, Callers(admin: admin, hub: hub, tokens: tokens, devices: fleet.devices), stage)
          }
        }
      }
    }
  }

  private func figure(_ server: BenchServer, _ callers: Callers, _ stage: BenchStage) async throws -> Figure {
    let before = try await RewrapsUnderLoad.paced(stage.plan.secondsBefore) { try await callers.ask($0) }
    let clock = ContinuousClock()
    _ = try await callers.admin.send(.POST, "/v1/vault/rotate-kek")
    var (began, cpu) = (clock.now, server.cpuMicroseconds)
    var (latencies, seconds, rewrapped): ([Double], Double, UInt64) = ([], 0, 0)
    for _ in 0..<RewrapsUnderLoad.secondsAtMost {
      let second = try await RewrapsUnderLoad.paced(1) { try await callers.ask($0) }
      let answer = try await callers.admin.get("/v1/vault")
      let status = try JSONDecoder().decode(VaultStatus.self, from: Data(buffer: answer))
      // Nothing is under the older key any more, or nothing was done in this second.
      guard let progress = status.rewrapping, rewrapped == 0 || progress.rewrapped > rewrapped else { break }
      // It has not begun.
      guard progress.rewrapped > 0 else {
        (began, cpu) = (clock.now, server.cpuMicroseconds)
        continue
      }
      latencies += second
      (rewrapped, seconds) = (progress.rewrapped, (clock.now - began).seconds)
    }
    guard rewrapped > 0 else { throw CommandFailure("expected the service to re-wrap its secrets, found it idle") }
    let load = Load(
      latencies: latencies.sorted(), seconds: seconds, cpuMicroseconds: server.cpuMicroseconds - cpu)
    let p99 = before.sorted()[before.count * 99 / 100]
    return Figure(
      name: name, title: title, operations: load.count, perSecond: Double(rewrapped) / seconds,
      cpuMicroseconds: load.cpuMicroseconds / Double(rewrapped), baseline: "p99 before",
      baselineMicroseconds: p99 * 1000, ratio: load.percentile(0.99) / p99, comparesTime: true, latency: Latency(load))
  }

  /// Requests that come when they come, whether the ones before were answered or not: each one's milliseconds from then on.
  private static func paced(_ seconds: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async throws
    -> [Double]
  {
    let (clock, count) = (ContinuousClock(), seconds * requestsASecond)
    let began = clock.now
    return try await withThrowingTaskGroup(of: Double.self) { group in
      for index in 0..<count {
        let due = began + .seconds(1) * index / requestsASecond
        try await Task.sleep(until: due, clock: clock)
        group.addTask {
          try await body(index)
          return (clock.now - due).seconds * 1000
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }

  private struct Callers: Sendable {
    let admin, hub: BenchClient
    let tokens: [String]
    let devices: Int

    /// A hub shows a token, an operator looks at a device, and gives keys to one that has shown none.
    func ask(_ index: Int) async throws {
      let device = FleetSeed.deviceID(Int.random(in: tokens.count..<devices))
      switch index % 3 {
      case 0:
        let question = ByteBuffer(data: try JSONEncoder().encode(["tokens": [tokens[index % tokens.count]]]))
        _ = try await hub.send(.POST, "/v1/hub/tokens/verify", type: "application/json", question)
      case 1: _ = try await admin.get("/v1/devices/\(device)")
      default:
        let _: IssuedKeys = try await admin.post("/v1/devices/\(device)/keys", [String: String]())
      }
    }
  }
}
