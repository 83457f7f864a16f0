import DeviceRegistry
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import HubAccess

/// What a hub may say of the keys that its devices used, and what not.
@Suite struct HubProofsTests {
  private let world: HubWorld
  private let tally = TokenTally()

  init() throws { world = try HubWorld() }

  private func take(_ reports: [(String, UInt32?)], from hub: RecordID? = nil) async throws -> [ProofResult] {
    try await HubProofs(world, store: world, clock: world.clock, tally: tally).take(
      try reports.map { ReportedProof(deviceID: try #require(DeviceID($0)), keyVersion: $1) },
      from: world.credential(hub)
    ).get()
  }

  private func rollOver(_ pair: DeviceKeyPair, _ stage: DeviceRollover.Stage, known: UInt32?, made: UInt32?) {
    let rollover = DeviceRollover(stage: stage, known: known, made: made, proofs: 1, since: now)
    world.change {
      $0.rollovers[pair.primary.sealed.owner] = .init(device: rollover, isRefused: false, version: 7)
    }
  }

  private func recorded() async throws -> [any EventBody] {
    var events: [Event] = []
    try await tally.record(at: now) { events = $0 }
    return events.map(\.body)
  }

  @Test func `answers stand in the order of the reports, and a version that the device does not have is none`()
    async throws
  {
    _ = try world.device("pump-1")
    _ = try world.device("pump-2", state: .disabled)
    _ = try world.device("pump-3", isBlocked: true)
    let results = try await take([
      ("pump-1", 3), ("nobody", 1), ("pump-2", 1), ("pump-1", 2), ("PUMP-1", 1), ("pump-3", nil), ("pump-1", nil),
    ])
    #expect(
      results.map(\.code) == [
        "key-version-unknown", "device-unknown", "device-disabled", nil, "device-unknown", "hardware-blocked", nil,
      ])
    #expect(results.map(\.accepted) == results.map { $0.code == nil })
  }

  @Test func `a hub's word is of its own devices alone, and of none once it is removed`() async throws {
    let pair = try world.device("pump-1")
    rollOver(pair, .offered, known: 1, made: 2)
    #expect(try await take([("pump-1", 2)], from: world.other).map(\.code) == ["device-unknown"])
    world.change { $0.removed = [world.hub] }
    await #expect(throws: HubRefusal.notInOffice) { try await take([("pump-1", 2)]) }
    #expect(world.current.committed.isEmpty)
  }

  @Test func `in a rollover a change of key is on record, in the hub's name, before it is accepted`() async throws {
    let pair = try world.device("pump-1")
    rollOver(pair, .offered, known: 1, made: 2)
    #expect(try await take([("pump-1", 1)]).map(\.accepted) == [true])
    #expect(world.current.committed.isEmpty, "what is known is not written again")
    #expect(try await take([("pump-1", 2), ("pump-1", 2)]).map(\.accepted) == [true, true])
    let event = try #require(world.current.committed.first)
    let proved = try #require(event.body as? RolloverKeysProved)
    #expect(proved.proved.map(\.version) == [2] && world.current.committed.count == 1)
    #expect(event.by == Actor(world.hub, by: .certificate))
    let stale = CommitOutcome.stale(.record(pair.primary.sealed.owner))
    world.change { $0.outcomes = [stale] }
    #expect(try await take([("pump-1", 2)]).map(\.accepted) == [true], "decided anew")
    world.change { $0.outcomes = Array(repeating: stale, count: 10) }
    await #expect(throws: HubRefusal.contended) { try await take([("pump-1", 2)]) }
  }

  @Test func `a key that nobody was handed is proved by nobody's word`() async throws {
    let pair = try world.device("pump-1")
    rollOver(pair, .made, known: 1, made: 2)
    #expect(try await take([("pump-1", 2), ("pump-1", 1)]).map(\.code) == ["key-not-handed-out", nil])
    #expect(world.current.committed.isEmpty)
  }

  @Test func `a use outside of rollovers, and a refusal in one, are told with the next minute's`() async throws {
    let (other, rolled) = (try world.device("pump-1"), try world.device("pump-2"))
    rollOver(rolled, .offered, known: 1, made: 2)
    _ = try await take([("pump-1", 2), ("pump-2", nil), ("pump-2", nil)])
    #expect(world.current.committed.isEmpty)
    let bodies = try await recorded()
    #expect(
      bodies.compactMap { $0 as? DeviceKeysProved }.flatMap(\.proved).map(\.device) == [other.primary.sealed.owner])
    #expect(bodies.compactMap { $0 as? RolloverTokensRefused }.map(\.devices) == [[rolled.primary.sealed.owner]])
    #expect(bodies.count == 2, "a report is no token that was verified here")
  }

  @Test func `a vault that is sealed holds no report up, for it needs no secret`() async throws {
    let pair = try world.device("pump-1")
    rollOver(pair, .offered, known: 1, made: 2)
    world.vault.seal()
    #expect(try await take([("pump-1", 2)]).map(\.accepted) == [true] && world.current.committed.count == 1)
  }
}
