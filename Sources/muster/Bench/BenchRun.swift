import Foundation

/// One run: the baselines, the fleet as it grows, and each figure at its full size.
struct BenchRun {
  let plan: BenchPlan
  let chosen: [any Measurement]

  func run() async throws -> BenchReport {
    let baselines = try Baselines.measure(plan)
    let instance = try await BenchInstance.found()
    defer { instance.remove() }
    let people = try await instance.serving { try await BenchPeople.add(to: $0, plan) }
    let growth = try await FleetGrowth(plan: plan, instance: instance, people: people, baselines: baselines).run()
    note("seeding \(plan.revoked) revoked certificates")
    try await FleetSeed.grow(instance, by: plan.revoked, from: plan.fleet, isRevoked: true, like: people)
    let figures = try await instance.serving { server in
      let stage = BenchStage(plan: plan, server: server, people: people, baselines: baselines)
      return try await measure(on: stage)
    }
    return BenchReport(plan: plan, baselines: baselines, figures: figures, growth: growth)
  }

  private func measure(on stage: BenchStage) async throws -> [Figure] {
    var figures: [Figure] = []
    for measurement in chosen {
      note(measurement.title)
      figures.append(try await measurement.figure(on: stage))
    }
    return figures
  }
}

/// What a run is at, for whoever waits for it.
func note(_ text: String) { standardError("bench: \(text)") }

/// One figure: a small load on a running service, beside the baseline that it is compared with.
protocol Measurement: Sendable {
  /// In kebab-case.
  var name: String { get }
  /// In a few words.
  var title: String { get }

  func figure(on stage: BenchStage) async throws -> Figure
}

/// The running service that is measured, and who speaks with it.
struct BenchStage: Sendable {
  let plan: BenchPlan
  let server: BenchServer
  let people: BenchPeople
  let baselines: Baselines

  /// Runs `body` with a client of that identity, or of none.
  func client<Value>(
    _ identity: BenchIdentity?, connections: Int? = nil, _ body: (BenchClient) async throws -> Value
  ) async throws -> Value {
    try await server.client(identity, connections: connections ?? plan.connections) { client in
      // A handshake is no part of what is measured over connections that are kept.
      try await client.connect()
      return try await body(client)
    }
  }
}
