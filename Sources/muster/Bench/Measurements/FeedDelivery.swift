import Enrollment
import Foundation
import HubAccess
import MusterModel
import NIOCore
import Synchronization

/// A device is disabled and enabled while hubs wait for their feed's next page: from the command to each hub's knowing.
struct FeedDelivery: Measurement {
  let name = "feed"
  let title = "change to a waiting hub"

  private static let group = "watched"
  private static let device = "watched-1"

  func figure(on stage: BenchStage) async throws -> Figure {
    let hubs = try await hubs(on: stage)
    var clients: [BenchClient] = []
    defer { let clients = clients; Task { for client in clients { try? await client.shutdown() } } }
    for hub in hubs {
      clients.append(
        try BenchClient(
          server: stage.server.address, root: stage.server.folder.path(of: .root), as: hub, connections: 1))
    }
    let load = try await deliver(to: clients, on: stage)
    return figure(timeOf: load, baseline: "fdatasync", stage.baselines.sync)
  }

  private func hubs(on stage: BenchStage) async throws -> [BenchIdentity] {
    try await stage.client(stage.people.administrator) { client in
      let _: GroupSummary = try await client.post(
        "/v1/groups", GroupInput(name: FeedDelivery.group, profile: nil, hub: nil, trustAnchors: nil))
      let device = try await DeviceRequest.make(
        FeedDelivery.device, hardware: "cpu-serial:watched", group: FeedDelivery.group, by: client)
      _ = try await stage.client(nil) { try await device.enroll(by: $0) }
      return try await inParallel(stage.plan.hubs, stage.plan.connections) { index in
        try await BenchPeople.addHub("watcher-\(index)", groups: [FeedDelivery.group], by: client)
      }
    }
  }

  /// One hub's time for each change is one operation.
  private func deliver(to clients: [BenchClient], on stage: BenchStage) async throws -> Load {
    var places: [LedgerPlace] = []
    for client in clients { places.append(try await FeedDelivery.place(client)) }
    var latencies: [Double] = []
    let clock = ContinuousClock()
    let (before, began) = (stage.server.cpuMicroseconds, clock.now)
    try await stage.client(stage.people.administrator, connections: 1) { administrator in
      for number in 0..<stage.plan.changes {
        let change = number.isMultiple(of: 2) ? "disable" : "enable"
        let (told, next) = try await deliver(change, to: clients, from: places, by: administrator)
        latencies += told
        places = next
      }
    }
    return Load(
      latencies: latencies.sorted(), seconds: (clock.now - began).seconds,
      cpuMicroseconds: stage.server.cpuMicroseconds - before)
  }

  private func deliver(
    _ change: String, to clients: [BenchClient], from places: [LedgerPlace], by administrator: BenchClient
  ) async throws -> ([Double], [LedgerPlace]) {
    let clock = ContinuousClock()
    return try await withThrowingTaskGroup(of: (Int, ContinuousClock.Instant, LedgerPlace).self) { group in
      for (index, (client, place)) in zip(clients, places).enumerated() {
        group.addTask {
          var page = try await FeedDelivery.page(client, after: place)
          while page.changes.isEmpty { page = try await FeedDelivery.page(client, after: page.place) }
          return (index, clock.now, page.place)
        }
      }
      // Until each of them waits: what is measured is the way from the commit.
      try await Task.sleep(for: .milliseconds(100))
      let began = clock.now
      let _: DeviceDetail = try await administrator.post(
        "/v1/devices/\(FeedDelivery.device)/\(change)", ReasonInput(reason: nil))
      var (latencies, next): ([Double], [LedgerPlace]) = ([], places)
      for try await (index, told, place) in group {
        latencies.append((told - began).seconds * 1000)
        next[index] = place
      }
      return (latencies, next)
    }
  }

  private static func page(_ client: BenchClient, after place: LedgerPlace) async throws -> FeedPage {
    let body = try await client.get("/v1/hub/feed?after=\(place.size)&root=\(place.root)&wait=30")
    return try JSONDecoder().decode(FeedPage.self, from: Data(buffer: body))
  }

  private static func place(_ client: BenchClient) async throws -> LedgerPlace {
    let body = String(buffer: try await client.get("/v1/hub/devices?limit=1"))
    return try JSONDecoder().decode(SnapshotHead.self, from: Data(body.prefix { $0 != "\n" }.utf8)).place
  }
}
