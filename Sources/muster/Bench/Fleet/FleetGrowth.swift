import Foundation

/// The same things at each size of one fleet that grows.
struct FleetGrowth {
  let plan: BenchPlan
  let instance: BenchInstance
  let people: BenchPeople
  let baselines: Baselines

  func run() async throws -> [GrowthPoint] {
    var points: [GrowthPoint] = []
    var size = 0
    for next in plan.sizes {
      note("\(next) devices")
      let clock = ContinuousClock()
      let began = clock.now
      try await FleetSeed.grow(instance, by: next - size, from: size, like: people)
      let rate = Double(next - size) / (clock.now - began).seconds
      size = next
      points.append(try await point(size, seeded: rate))
      note(points[points.count - 1].line)
    }
    return points
  }

  private func point(_ devices: Int, seeded rate: Double) async throws -> GrowthPoint {
    let (opening, lookups) = try await FleetLookups(devices: devices, count: plan.lookups).measure(instance)
    let bytes = instance.size
    try instance.forgetCached()
    return try await instance.serving { server in
      let stage = BenchStage(plan: plan, server: server, people: people, baselines: baselines)
      let megabytes = server.megabytes
      let first = try await SingleEnrollment.load(on: stage, count: plan.enrollments / 2)
      try instance.readThrough()
      let single = try await SingleEnrollment.load(on: stage, count: plan.enrollments / 2)
      let batch = try await BatchEnrollment.load(on: stage, count: plan.batch / 2)
      return GrowthPoint(
        devices: devices, seededPerSecond: rate, bytesPerDevice: Double(bytes) / Double(devices),
        openingMilliseconds: opening, startMilliseconds: server.coldStart.seconds * 1000,
        idleMegabytes: megabytes, lookups: lookups, first: UnitCost(first, of: plan.enrollments / 2),
        single: UnitCost(single, of: plan.enrollments / 2), batch: UnitCost(batch, of: plan.batch / 2))
    }
  }
}

/// The service's CPU for one device, beside a unit; both in microseconds.
struct UnitCost: Encodable, Sendable {
  let cpu: Double
  let unit: Double

  init(_ measured: (load: Load, unit: Double), of devices: Int) {
    cpu = measured.load.cpuMicroseconds / Double(devices)
    unit = measured.unit
  }

  var units: Double { cpu / unit }
}

/// What a fleet of one size costs.
struct GrowthPoint: Encodable, Sendable {
  let devices: Int
  let seededPerSecond: Double
  let bytesPerDevice: Double
  /// From taking the folder to a store that answers, in this process.
  let openingMilliseconds: Double
  /// From the service's exec to its serving, nothing of the database in the system's memory.
  let startMilliseconds: Double
  let idleMegabytes: Double
  let lookups: [FleetLookups.Cost]
  /// The service's CPU per enrollment, in units: of the first that come after such a start, which find nothing in memory,
  let first: UnitCost
  /// and once the database is.
  let single: UnitCost
  let batch: UnitCost

  var line: String {
    let found = lookups.map { "\($0.what) \(decimal($0.microseconds)) µs" }.joined(separator: ", ")
    return "\(devices) devices: start \(decimal(startMilliseconds)) ms, opening \(decimal(openingMilliseconds)) ms, "
      + "\(decimal(single.units)) and \(decimal(batch.units)) units, \(decimal(idleMegabytes)) MB; \(found)"
  }
}
