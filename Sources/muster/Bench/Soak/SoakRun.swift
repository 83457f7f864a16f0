import Enrollment
import Foundation

/// A load that lasts, on an instance of its own, while clients are killed and others take their place.
struct SoakRun {
  let seconds: Int
  let share: Double
  let clients: Int
  /// How many devices there are before.
  let fleet: Int

  /// How often, in seconds, a client is killed.
  private static let lifetimes = 3...8
  private static let warmUp = 2000

  func run() async throws -> SoakReport {
    let instance = try await BenchInstance.found()
    defer { instance.remove() }
    let people = try await instance.serving { try await BenchPeople.add(to: $0, BenchPlan.quick) }
    if fleet > 0 { note("\(fleet) devices") }
    try await FleetSeed.grow(instance, by: fleet, from: 0, like: people)
    var report = try await instance.serving { server in
      let measured = try await rate(server, people)
      note("\(decimal(measured)) visits a second; \(decimal(measured * share)) for \(seconds) s")
      let before = server.handles
      var report = try await load(server, people, at: measured * share)
      report.measuredRate = measured
      report.handlesAfter = try await handles(server, downTo: before)
      report.handlesBefore = before
      report.devices = try await devices(server, people) - fleet
      return report
    }
    report.ledger = try verified(instance)
    return report
  }

  /// Visits a second where each follows the one before.
  private func rate(_ server: BenchServer, _ people: BenchPeople) async throws -> Double {
    let visitor = try Visitor(orders(server, people, "first", rate: 0), connections: 16)
    let load = try await server.load(SoakRun.warmUp, connections: 16) { try await visitor.visit($0) }
    try await visitor.shutdown()
    return Double(load.count) / load.seconds
  }

  private func load(_ server: BenchServer, _ people: BenchPeople, at rate: Double) async throws -> SoakReport {
    var report = SoakReport(seconds: seconds, rate: rate)
    var running: [SoakProcess] = []
    defer { for client in running { client.kill() } }
    var started = 0
    func start() throws -> SoakProcess {
      started += 1
      return try SoakProcess(orders(server, people, "c\(started)", rate: rate / Double(clients)))
    }
    for _ in 0..<clients { running.append(try start()) }
    var nextKill = Int.random(in: SoakRun.lifetimes)
    for second in 0..<seconds {
      try await Task.sleep(for: .seconds(1))
      if second >= nextKill, let victim = running.indices.randomElement() {
        running[victim].kill()
        report.take(running[victim].news())
        running[victim] = try start()
        report.kills += 1
        nextKill = second + Int.random(in: SoakRun.lifetimes)
      }
      let sync = try RawFile.temporary { try $0.append(4096) } / 1000
      report.take(running.map { $0.news() }, of: server, sync: sync)
      guard server.isRunning else { throw CommandFailure("expected a running service, found it ended") }
      if second % 10 == 9 { note(report.lastLine) }
    }
    return report
  }

  private func orders(_ server: BenchServer, _ people: BenchPeople, _ name: String, rate: Double) -> SoakOrders {
    SoakOrders(
      server: server.address, root: server.folder.path(of: .root), administrator: people.administrator,
      hub: people.hub, name: "soak-\(name)", rate: rate)
  }

  /// The clients are gone: so are their connections, soon.
  private func handles(_ server: BenchServer, downTo count: Int) async throws -> Int {
    for _ in 0..<100 where server.handles > count { try await Task.sleep(for: .milliseconds(100)) }
    return server.handles
  }

  private func devices(_ server: BenchServer, _ people: BenchPeople) async throws -> Int {
    try await server.client(people.administrator, connections: 1) { client in
      let body = try await client.get("/v1/groups/\(BenchPeople.group)")
      return try JSONDecoder().decode(GroupSummary.self, from: Data(buffer: body)).devices
    }
  }

  private func verified(_ instance: BenchInstance) throws -> Bool {
    let process = Process()
    process.executableURL = BenchServer.ownProgram
    process.arguments = ["ledger", "verify", "--data", instance.folder.path]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
