import DeviceRegistry
import MusterModel
import MusterTesting
import Testing

@testable import HubAccess
@testable import SQLiteStore

/// A follower and the service that it follows, on a real store, each dying when a seed says so.
@Suite struct HubCrashTests {
  /// What of a follower lives: its state as it was kept; and what it acted on, which nothing takes back.
  private struct Hub {
    var disk: FollowerState
    var follower: Follower
    var acted: [UInt64] = []

    init(_ place: LedgerPlace) {
      disk = FollowerState(place: place)
      follower = Follower(disk)
    }

    mutating func die() { follower = Follower(disk) }

    /// Acts on a page; dies before it is kept, or not.
    mutating func take(_ page: FeedPage, _ world: HubWorld, dies: Bool) throws {
      let plan = try follower.plan(page, world.test.signer.verifier).get()
      acted += plan.changes.map(\.position)
      guard !dies else { return die() }
      disk = plan.state
      follower.did(plan)
    }
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `whichever side dies, each change is acted on in order, without gap, and repeated only after a death`(
    seed: UInt64
  ) async throws {
    try await HubWorld.with { base in
      var (world, random) = (base, SeededGenerator(seed: seed))
      var devices: [TestEnrollment] = []
      for number in 0..<3 {
        devices.append(try await world.enroll("d\(number)", number: number, group: number < 2 ? world.group : nil))
      }
      var (hub, deaths) = (Hub(world.empty), 0)
      for _ in 0..<60 {
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
          // The files as they lie there at this moment, and a service that starts on them.
          let left = world
          world.test = try left.test.copy()
          world.store = try world.test.open()
          if left.test !== base.test { await left.test.close(left.store) }
        case 1:
          hub.die()
          deaths += 1
        case 2...4:
          let device = try #require(devices.randomElement(using: &random)).device
          let state: DeviceState = Bool.random(using: &random) ? .enabled : .disabled
          let event = try Units.event(
            DeviceStateChanged(device: device, state: state), on: [device], .init(reason: nil))
          _ = try await world.store.commit(UnitOfWork(events: [event]))
        default: try await step(&hub, world, dies: Int.random(in: 0..<4, using: &random) == 0, &deaths, &random)
        }
      }
      let whole = try await world.page(world.first, after: world.empty).changes.map(\.position)
      while hub.disk.place.size <= (whole.last ?? 0) { try await step(&hub, world, dies: false, &deaths, &random) }
      // What was acted on twice was acted on again from an earlier place: taken once each, it is the feed.
      var once: [UInt64] = []
      for position in hub.acted where once.last.map({ position > $0 }) ?? true { once.append(position) }
      #expect(once == whole)
      #expect(deaths > 0 || hub.acted == whole)
      if world.test !== base.test { await world.test.close(world.store) }
    }
  }

  private func step(
    _ hub: inout Hub, _ world: HubWorld, dies: Bool, _ deaths: inout Int, _ random: inout SeededGenerator
  ) async throws {
    switch hub.follower.next {
    case .sendReceipt: hub.follower.receiptTaken()
    case .poll(let place):
      let page = try await world.page(world.first, after: place, limit: .random(in: 1...3, using: &random))
      if dies { deaths += 1 }
      try hub.take(page, world, dies: dies)
    case .takeSnapshot: Issue.record("a follower with a state takes no snapshot")
    }
  }
}
