import DeviceRegistry
import Enrollment
import Foundation
import HubAccess
import KeyVault
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@testable import muster

/// Rollovers over a real instance: its store, its vault, its verification, and a clock that is told the time.
@Suite(.timeLimit(.minutes(20))) struct RolloverTests {
  // MARK: - A whole one

  @Test func `each device gets its new key in its wave, and loses the old one once the overlap is over`() async throws {
    try await World.with(devices: 8) { world in
      let rollover = try await world.start(world.plan(canary: 25, step: 75))
      try await world.upkeep()
      // Nobody called in since: two of eight may be in the first wave, and nothing is made for them.
      #expect(try await world.counts(rollover) == ["waiting": 2])
      for device in world.devices.keys.sorted() { #expect(try await world.call(device, 2)) }
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["made": 2])
      let canaries = try await world.stragglers(rollover).compactMap(\.deviceID?.text)
      for device in canaries {
        try await world.fetch(device)
        #expect(try await world.call(device, 2), "the old key is good until the overlap is over")
        #expect(try await world.call(device, 3))
        #expect(try await world.refused(device, 1), "what was not proved made room")
      }
      #expect(try await world.counts(rollover) == ["proved": 2])
      world.test.clock.advance(.seconds(3600))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["proved": 2, "waiting": 6], "the second wave has the rest")
      world.test.clock.advance(.seconds(86_400))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["settled": 2, "waiting": 6])
      for device in canaries { #expect(try await world.refused(device, 2)) }
      for device in world.devices.keys where !canaries.contains(device) {
        #expect(try await world.call(device, 1))
        try await world.upkeep()
        try await world.fetch(device)
        #expect(try await world.call(device, 3))
        #expect(try await world.refused(device, 2))
      }
      world.test.clock.advance(.seconds(86_400))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["settled": 8])
      #expect(try await world.state(rollover) == .finished)
      for device in world.devices.keys {
        #expect(try await world.call(device, 3))
        #expect(try await world.refused(device, 1))
        #expect(try await world.test.secrets(of: device).map(\.version) == [3])
      }
      try world.test.expectWholeLedger()
    }
  }

  @Test func `a device that uses its secondary keeps it, and so it does where a key is made by hand`() async throws {
    try await World.with(devices: 2) { world in
      let (first, second) = ("dev-0000", "dev-0001")
      #expect(try await world.call(second, 2))
      try await world.flush()
      world.devices[second]?[3] = try await world.rekey(second)
      #expect(try await world.call(second, 2))
      #expect(try await world.refused(second, 1))
      let rollover = try await world.start(world.plan())
      try await world.upkeep()
      #expect(try await world.call(first, 2))
      try await world.upkeep()
      #expect(try await world.call(first, 2))
      #expect(try await world.refused(first, 1))
      // By hand in the middle of it: the device is out of it, with the key that it uses.
      world.devices[first]?[4] = try await world.rekey(first)
      #expect(try await world.call(first, 2))
      #expect(try await world.counts(rollover) == ["left": 1, "waiting": 1])
    }
  }

  @Test func `an abort puts back who has not proved the new key, and leaves both to who has`() async throws {
    try await World.with(devices: 4) { world in
      let rollover = try await world.start(world.plan())
      try await world.upkeep()
      for device in ["dev-0000", "dev-0001", "dev-0002"] { #expect(try await world.call(device, 2)) }
      try await world.upkeep()
      for device in ["dev-0000", "dev-0001"] { try await world.fetch(device) }
      #expect(try await world.call("dev-0000", 3))
      try await world.lead(rollover, .abort)
      #expect(try await world.state(rollover) == .aborting)
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["kept": 1, "returned": 2, "left": 1])
      #expect(try await world.state(rollover) == .aborted)
      for version: UInt32 in [2, 3] { #expect(try await world.call("dev-0000", version)) }
      #expect(try await world.call("dev-0001", 2))
      #expect(try await world.refused("dev-0001", 3))
      #expect(try await world.test.secrets(of: "dev-0001").map(\.version) == [2])
      for version: UInt32 in [1, 2] { #expect(try await world.call("dev-0003", version)) }
      try world.test.expectWholeLedger()
    }
  }

  @Test func `at the deadline no more devices lose their old key than the plan says`() async throws {
    try await World.with(devices: 5, mayBreak: 2) { world in
      let rollover = try await world.start(world.plan(breaks: 2))
      try await world.upkeep()
      #expect(try await world.call("dev-0000", 2))
      try await world.upkeep()
      world.test.clock.advance(.seconds(30 * 86_400))
      try await world.upkeep()
      #expect(try await world.counts(rollover).filter { $0.key != "waiting" && $0.key != "made" } == ["broken": 2])
      #expect(try await world.stragglers(rollover).count == 3)
      #expect(try await world.state(rollover) == .running, "it waits for the others")
      var lost = 0
      for device in world.devices.keys where try await world.refused(device, 2) { lost += 1 }
      #expect(lost == 2)
    }
  }

  @Test func `a plan breaks no more than the policy allows, when it is made and at its deadline`() async throws {
    try await World.with(devices: 5, mayBreak: 2) { world in
      let refused = try await world.test.administration.planRollover(
        RolloverInput(group: "pumps", plan: world.plan(breaks: 3)), by: world.officer)
      #expect(refused.refusalCode == "rollover-may-break")
      let rollover = try await world.start(world.plan(breaks: 2))
      try await world.upkeep()
      world.test.clock.advance(.seconds(30 * 86_400))
      // Until then the policy was changed.
      try writeFile("\(world.test.path)/policies/keys.yaml", World.keys(mayBreak: nil).utf8, mode: 0o644)
      try await world.test.reopened { again in
        let upkeep = RolloverUpkeep(again.instance)
        while try await upkeep.round() {}
        let found = try #require(try await again.instance.listings.rollover(rollover))
        #expect(found.devices["waiting"] == 5 && found.devices["broken"] == 0 && found.state == .running)
      }
    }
  }

  // MARK: - Who enters

  @Test func `who was disabled when the last wave filled is let in before the rollover ends`() async throws {
    try await World.with(devices: 4) { world in
      let away = "dev-0001"
      let rollover = try await world.start(world.plan(canary: 100, soak: 0, overlap: 0))
      // The wave is open for four, of whom one goes before it enters.
      _ = try await RolloverUpkeep(world.test.instance).round()
      _ = try await world.test.administration.change(away, .disable, reason: nil, by: world.officer).get()
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["waiting": 3])
      #expect(try await RolloverUpkeep(world.test.instance).round() == false, "nobody is looked for again and again")
      for device in world.devices.keys where device != away { #expect(try await world.call(device, 1)) }
      try await world.upkeep()
      _ = try await world.test.administration.change(away, .enable, reason: nil, by: world.officer).get()
      for device in world.devices.keys where device != away {
        try await world.fetch(device)
        #expect(try await world.call(device, 3))
      }
      world.test.clock.advance(.seconds(1))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["settled": 3, "waiting": 1])
      #expect(try await world.state(rollover) == .running)
      try world.test.expectWholeLedger()
    }
  }

  @Test func `a rollover is of the devices that have all that is named, and says so`() async throws {
    try await World.with(devices: 3) { world in
      let rollover = try await world.planned(world.plan(), hub: "plant")
      try await world.lead(rollover, .start)
      try await world.upkeep()
      #expect(try await world.counts(rollover).isEmpty, "none of the group talks to that hub alone")
      let found = try #require(try await world.test.instance.listings.rollover(rollover))
      #expect(found.group?.text == "pumps" && found.hub?.text == "plant" && found.batch == nil && !found.isOfAll)
      #expect(found.state == .finished)
      let batch = RecordID(.batch, UUIDv7(at: world.test.clock.now())).description
      for (input, code) in [
        (RolloverInput(group: "gone", plan: world.plan()), "group-unknown"),
        (RolloverInput(hub: "gone", plan: world.plan()), "hub-unknown"),
        (RolloverInput(batch: batch, plan: world.plan()), "batch-unknown"),
        (RolloverInput(hub: "a b", plan: world.plan()), "name-malformed"),
        (RolloverInput(batch: "ord_1", plan: world.plan()), "batch-malformed"),
      ] {
        #expect(try await world.test.administration.planRollover(input, by: world.officer).refusalCode == code)
      }
      try world.test.expectWholeLedger()
    }
  }

  @Test func `two that may be of the same devices are not under way at once, and two that name others are`()
    async throws
  {
    try await World.with(devices: 1) { world in
      _ = try await world.test.administration.addGroup(
        GroupInput(name: "valves", profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: world.administrator
      ).get()
      _ = try await world.start(world.plan())
      for (group, hub) in [("pumps", nil), (nil, "plant"), (nil, nil), ("pumps", "plant")] as [(String?, String?)] {
        let other = try await world.planned(world.plan(), group: group, hub: hub)
        #expect(
          try await world.test.administration.change(other, .start, by: world.officer).refusalCode
            == "rollover-under-way")
      }
      try await world.lead(try await world.planned(world.plan(), group: "valves", hub: "plant"), .start)
    }
  }

  @Test func `who is enrolled on other hardware is out of a rollover, and not let in again`() async throws {
    try await World.with(devices: 2) { world in
      let rollover = try await world.start(world.plan(canary: 50, step: 50))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["waiting": 1])
      // On other hardware: what it has is newer than the rollover.
      let waiting = try #require(try await world.stragglers(rollover).first?.deviceID?.text)
      let code = try await world.test.ticket("cpu-serial:feed0099", waiting, swap: true, by: world.administrator)
      _ = try await world.test.enroll(waiting, code, PeerKey()).get()
      #expect(try await world.counts(rollover) == ["left": 1])
      try await world.upkeep()
      world.test.clock.advance(.seconds(3600))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["left": 1, "waiting": 1], "the next wave has the other alone")
      try world.test.expectWholeLedger()
    }
  }

  @Test func `refused tokens pause it, and it goes on when an operator says so`() async throws {
    try await World.with(devices: 3) { world in
      let rollover = try await world.start(world.plan())
      try await world.upkeep()
      for device in world.devices.keys { #expect(try await world.call(device, 2)) }
      try await world.upkeep()
      #expect(try await world.refused("dev-0000", 1))
      #expect(try await world.refused("dev-0000", 1), "counted once")
      try await world.flush()
      try await world.upkeep()
      let paused = try #require(try await world.test.instance.listings.rollover(rollover))
      #expect(paused.state == .paused && paused.cause == .refusals && paused.refused == 1)
      try await world.lead(rollover, .resume)
      #expect(try await world.state(rollover) == .running)
      try await world.upkeep()
      #expect(try await world.state(rollover) == .running)
      try world.test.expectWholeLedger()
    }
  }

  // MARK: - Retired devices

  /// Everything in the folder is read while the service holds it open.
  @Test(arguments: [false, true])
  func `of a retired device's keys nothing lies in the folder, in a rollover or not`(isInRollover: Bool) async throws {
    try await World.with(devices: 2) { world in
      let test = world.test
      if isInRollover {
        _ = try await world.start(world.plan())
        try await world.upkeep()
        for device in world.devices.keys { #expect(try await world.call(device, 2)) }
        try await world.upkeep()
      }
      func needles(_ device: String) async throws -> [Data] {
        try await test.secrets(of: device).map { Data($0.bytes.suffix(48)) }
      }
      let (gone, kept) = try await (needles("dev-0000"), needles("dev-0001"))
      #expect(gone.count == 2 && kept.count == 2)
      func isThere(_ needle: Data) throws -> Bool { try test.files().contains { $0.range(of: needle) != nil } }
      #expect(try gone.allSatisfy(isThere))
      _ = try await test.administration.change("dev-0000", .retire, reason: nil, by: world.officer).get()
      #expect(try await test.lastKinds(1) == ["device-keys-destroyed"])
      // What stands behind it was done once the next commit is answered.
      _ = try await test.caller(.auditor)
      #expect(try gone.allSatisfy { try !isThere($0) })
      #expect(try kept.allSatisfy(isThere), "another device's stay")
      #expect(try await world.refusedUnknown("dev-0000", 2))
      #expect(try await world.call("dev-0001", 2))
      let id = try #require(DeviceID("dev-0000"))
      let shown = try #require(try await test.instance.listings.device(id))
      #expect(!shown.keys.isEmpty && shown.keys.allSatisfy { $0.state == .destroyed && $0.check == nil })
      try await world.upkeep()
      try test.expectWholeLedger()
    }
  }

  @Test func `a device without keys is retired without a word of them`() async throws {
    try await World.with(devices: 0) { world in
      let code = try await world.test.ticket("cpu-serial:feed0099", "pump-7", by: world.administrator)
      _ = try await world.test.enroll("pump-7", code, PeerKey()).get()
      _ = try await world.test.administration.change("pump-7", .retire, reason: nil, by: world.officer).get()
      #expect(try await world.test.lastKinds(1) == ["certificate-revoked"])
    }
  }

  // MARK: - Whatever happens

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `devices that were told that a key is good are never refused it`(seed: UInt64) async throws {
    try await World.with(devices: 5) { world in
      var random = SeededGenerator(seed: seed)
      var rollover = try await world.start(world.plan(canary: 40, step: 60, soak: 60, overlap: 600))
      for _ in 0..<120 {
        let device = world.devices.keys.sorted()[Int.random(in: 0..<5, using: &random)]
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<5:
          let version = world.devices[device]?.keys.sorted().randomElement(using: &random) ?? 2
          if try await world.call(device, version) { world.told[device] = version }
        case 5: try await world.fetchIfThere(device)
        case 6..<9: _ = try await RolloverUpkeep(world.test.instance).round()
        case 9: world.test.clock.advance(.seconds(Int.random(in: 0...900, using: &random)))
        case 10:
          // What was counted is lost, as with a crash, or recorded.
          if Bool.random(using: &random) { try await world.flush() } else { world.tally = TokenTally() }
        default:
          let state = try await world.state(rollover)
          if state == .aborted || state == .finished {
            rollover = try await world.start(world.plan(canary: 40, step: 60, soak: 60, overlap: 600))
          } else if Int.random(in: 0..<4, using: &random) == 0 {
            try await world.lead(rollover, .abort)
          }
        }
        for (device, version) in world.told { #expect(try await world.has(device, version), "\(device) \(version)") }
      }
      try world.test.expectWholeLedger()
    }
  }

  @Test func `tokens that are judged while keys are made and ended are never good for nothing`() async throws {
    try await World.with(devices: 6) { world in
      let rollover = try await world.start(world.plan(canary: 100, soak: 0, overlap: 0))
      let hub = world.hub
      for round in 0..<20 {
        let said = try await withThrowingTaskGroup(of: (String, UInt32, Bool)?.self) { group in
          for device in world.devices.keys {
            for version in world.devices[device]?.keys.sorted() ?? [] {
              let token = try world.token(device, version)
              let verification = world.verification
              group.addTask {
                (device, version, try await verification.verify([token], for: hub).get().first?.valid == true)
              }
            }
          }
          let instance = world.test.instance
          group.addTask {
            _ = try await RolloverUpkeep(instance).round()
            return nil
          }
          var said: [(device: String, version: UInt32, isGood: Bool)] = []
          for try await result in group {
            if let (device, version, isGood) = result { said.append((device, version, isGood)) }
          }
          return said
        }
        // Asked of all at once nobody knows which was last; one of those that were good is.
        for device in world.devices.keys {
          let good = said.filter { $0.device == device && $0.isGood }.map(\.version)
          var isOneLeft = good.isEmpty
          for version in good where try await world.has(device, version) { isOneLeft = true }
          #expect(isOneLeft, "\(device) in round \(round): \(good)")
          try await world.fetchIfThere(device)
        }
      }
      let counts = try await world.counts(rollover)
      #expect(counts["waiting"] == nil && counts["called"] == nil, "\(counts)")
      try world.test.expectWholeLedger()
    }
  }

  // MARK: - Who may fetch

  @Test func `a device fetches its new key by a token for this instance alone, and a hub's token gets none`()
    async throws
  {
    try await World.with(devices: 2) { world in
      let device = "dev-0000"
      #expect(try await world.fetched(device, 2).refusalCode == "no-new-key")
      let rollover = try await world.start(world.plan())
      try await world.upkeep()
      // The call itself is a proof: what it used stays.
      #expect(try await world.fetched(device, 1).refusalCode == "no-new-key")
      #expect(try await world.counts(rollover) == ["waiting": 1, "called": 1])
      try await world.upkeep()
      let fetched = try await world.fetched(device, 1).get()
      #expect(fetched.version == 3 && fetched.deviceID.text == device)
      #expect(try await world.fetched(device, 2).refusalCode == "token-wrong", "it made room")
      #expect(IdentityToken(try world.token(device, 1)) == nil)
      #expect(try await world.fetched(device, 1, domain: "mqtt.example").refusalCode == "token-wrong")
      #expect(try await world.fetched(device, 1, lasts: .seconds(7200)).refusalCode == "token-wrong")
      #expect(try await world.fetched(device, 1, lasts: .seconds(-1)).refusalCode == "token-wrong")
      world.test.instance.vault.seal()
      #expect(try await world.fetched(device, 1).refusalCode == "vault-sealed")
    }
  }

  @Test func `a key that a device shows to the service itself, in no rollover, is on record within the minute`()
    async throws
  {
    try await World.with(devices: 2) { world in
      let device = try #require(DeviceID("dev-0000"))
      for version: UInt32 in [2, 1] {
        #expect(try await world.fetched("dev-0000", version).refusalCode == "no-new-key")
        try await world.flush()
        let holder = try await world.test.opened.readers.holders([device], of: world.hub.hub).first
        #expect(holder??.proved == version)
      }
      try world.test.expectWholeLedger()
    }
  }

  @Test func `a disabled device fetches nothing, and one whose hardware is blocked neither`() async throws {
    try await World.with(devices: 2) { world in
      _ = try await world.start(world.plan())
      try await world.upkeep()
      for device in world.devices.keys { #expect(try await world.call(device, 2)) }
      try await world.upkeep()
      _ = try await world.test.administration.change("dev-0000", .disable, reason: nil, by: world.officer).get()
      #expect(try await world.fetched("dev-0000", 2).refusalCode == "device-disabled")
      _ = try await world.test.administration.list(
        HardwareInput(hardware: "registration:dev-0001", group: nil, reason: nil), .block, by: world.officer
      ).get()
      #expect(try await world.fetched("dev-0001", 2).refusalCode == "hardware-blocked")
    }
  }

  // MARK: - Who may lead

  @Test func `two rollovers of the same devices are not under way at once`() async throws {
    try await World.with(devices: 1) { world in
      let (first, second) = (try await world.planned(world.plan()), try await world.planned(world.plan()))
      let all = try await world.planned(world.plan(), group: nil)
      try await world.lead(first, .start)
      for other in [second, all] {
        let outcome = try await world.test.administration.change(other, .start, by: world.officer)
        #expect(outcome.refusalCode == "rollover-under-way")
      }
      try await world.lead(first, .abort)
      try await world.upkeep()
      try await world.lead(second, .start)
      let again = try await world.test.administration.change(first, .start, by: world.officer)
      #expect(again.refusalCode == "rollover-state")
    }
  }

  @Test func `a sealed vault holds a rollover up, and nothing else does`() async throws {
    try await World.with(devices: 1) { world in
      let rollover = try await world.start(world.plan())
      world.test.instance.vault.seal()
      #expect(try await RolloverUpkeep(world.test.instance).round() == false)
      #expect(try await world.counts(rollover).isEmpty)
    }
  }
}

/// Devices with keys of a group, a hub that sees them, and what each device holds.
private final class World: RolloverWorld {
  let test: TestInstance
  let officer: Caller
  let administrator: Caller
  let hub: HubCredential
  /// By device ID, the keys that the device holds, by version.
  var devices: [String: [UInt32: DeviceKey]] = [:]
  /// The version that each device was told to be good last.
  var told: [String: UInt32] = [:]
  var tally = TokenTally()

  private init(_ test: TestInstance, officer: Caller, administrator: Caller, hub: HubCredential) {
    self.test = test
    self.officer = officer
    self.administrator = administrator
    self.hub = hub
  }

  /// `keys.yaml`, as the policy on what may break.
  static func keys(mayBreak count: Int?) -> String {
    "version: 1\ncryptoperiods: {group-enrollment: 365}\n" + (count.map { "rollovers: {may-break: \($0)}\n" } ?? "")
  }

  static func with(
    devices count: Int, mayBreak: Int? = nil, _ body: (World) async throws -> Void
  ) async throws {
    try await TestInstance.with(keys: keys(mayBreak: mayBreak)) { test in
      let administrator = try await test.caller(.administrator, name: "root")
      _ = try await test.administration.addGroup(
        GroupInput(name: "pumps", profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: administrator
      ).get()
      let groupKey = SecretBytes(copying: (0..<32).map { UInt8($0) })
      try await test.bring(groupKey, as: "boards", of: "pumps", by: administrator)
      let added = try await test.administration.addHub(
        HubInput(name: "plant", host: "mqtt.example", groups: ["pumps"], csr: ""),
        csr: try PeerKey().request(commonName: "plant"), by: administrator
      ).get()
      let leaf = try #require(added.chain.first)
      guard
        case .known(.hub(let record, _, _, let certificate), let reads) =
          try await Authentication(test.instance).identify(leaf: leaf)
      else { throw TestFailure("expected the hub to be known") }
      let world = World(
        test, officer: try await test.caller(.securityOfficer), administrator: administrator,
        hub: HubCredential(hub: record, certificate: certificate, reads: reads))
      let key = try #require(DeviceKey(groupKey))
      for number in 0..<count { try await world.enroll("dev-000\(number)", key) }
      try await body(world)
    }
  }

  private func enroll(_ name: String, _ groupKey: DeviceKey) async throws {
    let token = EnrollmentToken.make(
      group: try #require(RecordName("pumps")), registrationID: name, expires: test.clock.now() + .seconds(60),
      key: groupKey.derived(for: name))
    let claim = try #require(EnrollmentClaim([UInt8](repeating: 1, count: 32)))
    let enrolled = try await test.enrollment.enroll(
      EnrollmentRequest(
        evidence: .groupKey(try #require(EnrollmentToken(token))), wish: .keys(claim), label: nil, source: "192.0.2.7")
    ).get()
    let keys = try #require(enrolled.keys)
    devices[name] = [
      keys.primary.version: try key(keys.primary.key), keys.secondary.version: try key(keys.secondary.key),
    ]
  }

  private func key(_ text: String) throws -> DeviceKey {
    try #require(Data(base64Encoded: text).flatMap { DeviceKey(SecretBytes(copying: $0)) })
  }

  // MARK: Devices and their hub

  var verification: TokenVerification {
    TokenVerification(
      test.opened.readers, store: test.instance.store, vault: test.instance.vault, clock: test.clock, tally: tally)
  }

  func token(_ device: String, _ version: UInt32) throws -> String {
    SharedAccessToken.make(
      host: "mqtt.example", deviceID: try #require(DeviceID(device)), expires: test.clock.now() + .seconds(60),
      key: try #require(devices[device]?[version], "\(device) has no key \(version)"))
  }

  /// Whether its hub takes a token by this key.
  func call(_ device: String, _ version: UInt32) async throws -> Bool {
    let results = try await verification.verify([try token(device, version)], for: hub).get()
    return results.first?.keyVersion == version
  }

  func refused(_ device: String, _ version: UInt32) async throws -> Bool {
    let results = try await verification.verify([try token(device, version)], for: hub).get()
    return results.first?.code == "token-signature"
  }

  /// Whether its hub hears of no such device.
  func refusedUnknown(_ device: String, _ version: UInt32) async throws -> Bool {
    let results = try await verification.verify([try token(device, version)], for: hub).get()
    return results.first?.valid == false && results.first?.code != "token-signature"
  }

  /// Whether the device has this version, without a word to it.
  func has(_ device: String, _ version: UInt32) async throws -> Bool {
    try await test.secrets(of: device).contains { $0.version == version }
  }

  /// Its hub fetches what there is, and hands it on.
  func fetch(_ device: String) async throws {
    let credentials = Credentials(
      test.opened.readers, store: test.instance.store, vault: test.instance.vault, clock: test.clock,
      ledger: test.opened.record.origin)
    let reading = try await credentials.device(try #require(DeviceID(device)), for: hub, .plain).get()
    for found in try #require(reading.device).keys {
      devices[device]?[found.version] = try key(try #require(found.key))
    }
  }

  /// By its own token, where a rollover made a key.
  func fetchIfThere(_ device: String) async throws {
    for version in devices[device]?.keys.sorted() ?? [] {
      if case .done(let found) = try await fetched(device, version) {
        devices[device]?[found.version] = try key(found.key)
        told[device] = version
        return
      }
      // That it was told nothing new does not say that its key was not good.
      if try await has(device, version) { return told[device] = version }
    }
  }

  func fetched(
    _ device: String, _ version: UInt32, domain: String = "test.example", lasts: Duration = .seconds(60)
  ) async throws -> Outcome<FetchedKey> {
    let token = IdentityToken.make(
      trustDomain: domain, deviceID: try #require(DeviceID(device)), expires: test.clock.now() + lasts,
      key: try #require(devices[device]?[version]))
    return try await DeviceKeyFetch(test.instance) { [tally] in tally.proved($0, version: $1) }.key(
      by: .token(try #require(IdentityToken(token)), trustDomain: "test.example"))
  }

  func rekey(_ device: String) async throws -> DeviceKey {
    try key(try await test.administration.rekey(device, by: administrator).get().primary.key)
  }

  /// As once a minute.
  func flush() async throws {
    try await tally.record(at: test.clock.now()) { events in
      _ = try await test.instance.store.commit(UnitOfWork(events: events))
    }
  }

  // MARK: Rollovers

  func planned(
    _ plan: RolloverPlan, group: String? = "pumps", hub: String? = nil, batch: String? = nil
  ) async throws -> RecordID {
    try await test.administration.planRollover(
      RolloverInput(group: group, hub: hub, batch: batch, plan: plan), by: officer
    ).get()
  }

  func start(_ plan: RolloverPlan) async throws -> RecordID {
    let rollover = try await planned(plan)
    try await lead(rollover, .start)
    return rollover
  }
}

extension TestInstance {
  /// The sealed keys that a device has, as they lie in the store.
  fileprivate func secrets(of device: String) async throws -> [SealedSecret] {
    var query = FactsQuery()
    query.deviceID = DeviceID(device)
    query.deviceKeys = true
    let keys = try #require(try await instance.facts.facts(for: query).deviceKeys)
    return [keys.primary, keys.secondary].compactMap(\.self)
  }
}
