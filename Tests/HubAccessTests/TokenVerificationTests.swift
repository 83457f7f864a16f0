import DeviceRegistry
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import HubAccess

/// Whose a token is, and why it is nobody's.
@Suite struct TokenVerificationTests {
  private let world: HubWorld
  private let tally = TokenTally()

  init() throws { world = try HubWorld() }

  private func verify(_ tokens: [String], for hub: RecordID? = nil) async throws -> [TokenResult] {
    try await TokenVerification(world, store: world, vault: world.vault, clock: world.clock, tally: tally)
      .verify(tokens, for: world.credential(hub)).get()
  }

  @Test func `either key proves the device, and says which`() async throws {
    let pair = try world.device("pump-1")
    let results = try await verify([
      try world.token("pump-1", pair.primary.key), try world.token("pump-1", pair.secondary.key),
    ])
    #expect(results.map(\.valid) == [true, true] && results.map(\.keyVersion) == [1, 2])
    #expect(results.allSatisfy { $0.deviceID == DeviceID("pump-1") && $0.expires == now + .seconds(60) })
  }

  @Test func `answers stand in the order of the questions, whatever they are`() async throws {
    let (first, second) = (try world.device("pump-1"), try world.device("pump-10"))
    let results = try await verify([
      "nonsense", try world.token("pump-10", second.primary.key), try world.token("nobody", first.primary.key),
      try world.token("pump-1", first.primary.key), try world.token("pump-10", first.primary.key),
      try world.token("pump-1", first.primary.key, host: "mqtt.other.example"),
      try world.token("pump-1", first.primary.key, for: .seconds(-1)),
      try world.token("pump-1", first.primary.key, for: .seconds(31 * 86_400)),
      try world.token("PUMP-1", first.primary.key),
    ])
    #expect(
      results.map(\.code) == [
        "token-malformed", nil, "device-unknown", nil, "token-signature", "token-other-host", "token-expired",
        "token-lifetime", "device-unknown",
      ])
    #expect(results.map(\.valid) == results.map { $0.code == nil })
  }

  @Test func `a result writes its own JSON as the encoder does`() async throws {
    let pair = try world.device("pump-1")
    for result in try await verify([try world.token("pump-1", pair.primary.key), "nonsense"]) {
      #expect(JSONWriter.bytes(of: result) == [UInt8](try EventCoding.encoder().encode(result)))
    }
  }

  @Test(arguments: [(DeviceState.disabled, false, "device-disabled"), (.enabled, true, "hardware-blocked")])
  func `a device that is shut out is refused, with the best of tokens`(
    state: DeviceState, isBlocked: Bool, code: String
  ) async throws {
    let pair = try world.device("pump-1", state: state, isBlocked: isBlocked)
    #expect(try await verify([try world.token("pump-1", pair.primary.key)]).map(\.code) == [code])
  }

  @Test func `a token is no other hub's`() async throws {
    let pair = try world.device("pump-1")
    let own = try world.token("pump-1", pair.primary.key)
    let others = try world.token("pump-1", pair.primary.key, host: "mqtt.other.example")
    #expect(try await verify([own, others], for: world.other).map(\.code) == ["token-other-host", "device-unknown"])
  }

  @Test func `nothing is verified while the vault is sealed, or for a hub that is gone`() async throws {
    let pair = try world.device("pump-1")
    let token = try world.token("pump-1", pair.primary.key)
    world.change { $0.hosts[world.hub] = nil }
    await #expect(throws: HubRefusal.notInOffice) { try await verify([token]) }
    world.vault.seal()
    await #expect(throws: HubRefusal.vaultSealed) { try await verify([token]) }
  }

  @Test func `verifying writes nothing; counts and new proofs are told once`() async throws {
    let pair = try world.device("pump-1", proved: 1)
    let other = try world.device("pump-2", proved: 1)
    _ = try await verify([
      try world.token("pump-1", pair.secondary.key), try world.token("pump-2", other.primary.key), "nonsense",
    ])
    #expect(world.current.committed.isEmpty)
    // What could not be recorded is told with the next.
    await #expect(throws: Lost.self) { try await tally.record(at: now + .seconds(60)) { _ in throw Lost() } }
    let events = try await recorded(at: now + .seconds(60))
    let counted = try #require(events.first?.body as? TokensVerified)
    #expect(counted.hub == world.hub && counted.valid == 2 && counted.refused == 1 && counted.from == now)
    let proved = try #require(events.last?.body as? DeviceKeysProved)
    #expect(proved.proved.map(\.version) == [2] && events.count == 2)
    #expect(try await recorded(at: now).isEmpty)
  }

  /// Of `device`, in a rollover that knows that it uses `known`.
  private func rollOver(_ pair: DeviceKeyPair, known: UInt32?, made: UInt32? = nil) {
    let rollover = DeviceRollover(
      stage: made == nil ? .called : .offered, known: known, made: made, proofs: 1, since: now)
    world.change {
      $0.rollovers[pair.primary.sealed.owner] = .init(device: rollover, isRefused: false, version: 7)
    }
  }

  @Test func `in a rollover a change of key is on record before it is told, and the same key is not`() async throws {
    let pair = try world.device("pump-1")
    rollOver(pair, known: 1)
    _ = try await verify([try world.token("pump-1", pair.primary.key)])
    #expect(world.current.committed.isEmpty)
    let changed = try await verify([
      try world.token("pump-1", pair.secondary.key), try world.token("pump-1", pair.secondary.key),
      try world.token("pump-1", pair.primary.key),
    ])
    #expect(changed.map(\.keyVersion) == [2, 2, 1])
    let proved = try #require(world.current.committed.first?.body as? RolloverKeysProved)
    #expect(proved.proved.map(\.version) == [2, 1] && world.current.committed.count == 1)
    // What is on record is not told once more.
    #expect(try await recorded(at: now).allSatisfy { $0.body is TokensVerified })
  }

  @Test func `a token whose key went while its proof was recorded is judged again, and by what is then`() async throws {
    let pair = try world.device("pump-1")
    rollOver(pair, known: 1)
    let token = try world.token("pump-1", pair.secondary.key)
    let stale = CommitOutcome.stale(.record(pair.primary.sealed.owner))
    world.change { $0.outcomes = [stale, stale] }
    #expect(try await verify([token]).map(\.keyVersion) == [2] && world.current.committed.count == 1)
    world.change { $0.outcomes = Array(repeating: stale, count: 10) }
    await #expect(throws: HubRefusal.contended) { try await verify([token]) }
  }

  @Test func `a refused token of a device with a new key is told once, and of another never`() async throws {
    let (rolled, other) = (try world.device("pump-1"), try world.device("pump-2"))
    rollOver(rolled, known: 1, made: 2)
    let foreign = DeviceKey.random()
    for _ in 0..<3 {
      let results = try await verify([
        try world.token("pump-1", foreign), try world.token("pump-2", foreign),
        try world.token("pump-2", other.primary.key),
      ])
      #expect(results.map(\.valid) == [false, false, true])
    }
    let refused = try await recorded(at: now).compactMap { $0.body as? RolloverTokensRefused }
    #expect(refused.map(\.devices) == [[rolled.primary.sealed.owner]])
  }

  @Test func `a thousand devices that change over fill as many events as they need`() async throws {
    for number in 0..<1000 {
      tally.proved(RecordID(.device, UUIDv7(at: now + .milliseconds(number))), version: 2)
    }
    tally.count([.refused("x")], of: world.hub, at: now)
    let events = try await recorded(at: now)
    #expect(events.dropFirst().compactMap { ($0.body as? DeviceKeysProved)?.proved.count }.reduce(0, +) == 1000)
  }

  private struct Lost: Error {}

  private func recorded(at time: Timestamp) async throws -> [Event] {
    var events: [Event] = []
    try await tally.record(at: time) { events = $0 }
    return events
  }
}
