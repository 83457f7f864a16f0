/// A hub that reads the credentials of its devices, one by one, at random.
struct CredentialReads: Measurement {
  let name = "credential-read"
  let title = "hub reads credentials"

  func figure(on stage: BenchStage) async throws -> Figure {
    try await stage.client(stage.people.hub) { client in
      let empty = try await stage.emptyAnswer(client, stage.plan.reads)
      let load = try await stage.server.load(stage.plan.reads, connections: stage.plan.connections) { _ in
        let device = FleetSeed.deviceID(.random(in: 0..<stage.plan.fleet))
        _ = try await client.get("/v1/hub/devices/\(device)/credentials")
      }
      return figure(load, baseline: "empty answer", empty)
    }
  }
}
