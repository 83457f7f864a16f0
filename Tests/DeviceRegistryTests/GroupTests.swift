import DeviceRegistry
import MusterModel
import Testing

@Suite struct GroupTests {
  let board: HardwareID
  let meter: DeviceID
  let meters: RecordID
  let pumps: RecordID
  var world = World()

  init() throws {
    board = try HardwareID.parse("mac:aabbcc001122").get()
    meter = try #require(DeviceID("meter-7"))
    meters = try world.group("meters")
    pumps = try world.group("pumps")
  }

  @Test mutating func `a device takes its ticket's group and that group's hub, and keeps them in a swap`() throws {
    let ticket = try #require(try world.issued(meter, board, group: meters)).record
    let plan = try world.enroll(ticket, key: .sha256([1]))
    #expect(plan.group == meters && plan.hub == world.groups[meters]?.hub)
    #expect(world.issue(meter, board, swap: true, group: pumps).code == "group-mismatch")
    let spare = try HardwareID.parse("mac:aabbcc003344").get()
    let swap = try #require(try world.issued(meter, spare, swap: true)).record
    let after = try world.enroll(swap, key: .sha256([2]))
    #expect(after.group == meters && after.hub == plan.hub && after.isSwap)
  }

  @Test mutating func `the allowlist's group is the ticket's, and no other may be asked for`() throws {
    try world.apply(Registry.allow(world.known(board), group: world.groups[meters], reason: nil, at: world.time))
    #expect(world.issue(meter, board, group: pumps).code == "group-mismatch")
    #expect(try world.issued(meter, board)?.group == meters)
  }

  @Test mutating func `a removed group takes no ticket, no hardware and no device`() throws {
    let ticket = try #require(try world.issued(meter, board, group: meters)).record
    let group = try #require(world.groups[meters])
    #expect(Registry.removeGroup(group, devices: 1).code == "group-in-use")
    try world.apply(Registry.removeGroup(group, devices: 0))
    #expect(Registry.removeGroup(try #require(world.groups[meters]), devices: 0).code == "unchanged")
    #expect(world.redeem(ticket, key: .sha256([1]))?.code == "group-removed")
    #expect(world.issue(meter, board, group: meters).code == "group-removed")
    let allow = Registry.allow(world.known(board), group: world.groups[meters], reason: nil, at: world.time)
    #expect(allow.code == "group-removed")
  }

  @Test func `a group has a bounded number of anchors`() throws {
    let anchors = (0...Registry.trustAnchorLimit).map { Digest.sha256([UInt8($0)]) }
    let name = try #require(RecordName("valves"))
    let decision = Registry.addGroup(name, profile: nil, hub: nil, trustAnchors: anchors, at: world.time)
    #expect(decision.code == "too-many-trust-anchors")
  }

  @Test mutating func `a maker's certificate enrolls once, again for the same key, and for no other`() throws {
    let first = Registry.enroll(world.enrollment(meter, [board], key: .sha256([1]), group: meters))
    let plan = try #require(try world.apply(first))
    #expect(plan.isNew && plan.group == meters && plan.ticket == nil)
    #expect(Registry.enroll(world.enrollment(meter, [board], key: .sha256([1]), group: meters)).code == "again")
    #expect(
      Registry.enroll(world.enrollment(meter, [board], key: .sha256([2]), group: meters)).code == "hardware-bound")
    let spare = try HardwareID.parse("mac:aabbcc003344").get()
    #expect(
      Registry.enroll(world.enrollment(meter, [spare], key: .sha256([2]), group: meters)).code == "device-id-taken")
    #expect(Registry.enroll(world.enrollment(meter, [spare], key: .sha256([2]))).code == "device-id-taken")
    try world.apply(Registry.disable(try world.stored(device: plan.device), reason: nil))
    #expect(
      Registry.enroll(world.enrollment(meter, [board], key: .sha256([1]), group: meters)).code == "device-disabled")
  }

  @Test mutating func `a board on the allowlist of one group does not enroll into another`() throws {
    try world.apply(Registry.allow(world.known(board), group: world.groups[pumps], reason: nil, at: world.time))
    #expect(
      Registry.enroll(world.enrollment(meter, [board], key: .sha256([1]), group: meters)).code == "group-mismatch")
    #expect(Registry.enroll(world.enrollment(meter, [board], key: .sha256([1]), group: pumps)).code == "enroll")
    #expect(Registry.enroll(world.enrollment(meter, [board], key: .sha256([1]))).code == "group-unknown")
  }

  @Test mutating func `a device renews while it is enabled, bound and not blocked`() throws {
    let ticket = try #require(try world.issued(meter, board)).record
    let plan = try world.enroll(ticket, key: .sha256([1]))
    func renew() throws -> Result<ReadSet, RegistryRefusal> {
      Registry.renew(
        try world.stored(device: plan.device), hardware: world.hardware.values.filter { $0.boundTo == plan.device },
        patterns: world.patterns)
    }
    #expect(try renew().get().versions[.record(plan.device)] == world.devices[plan.device]?.version)
    #expect(
      Registry.renew(try world.stored(device: plan.device), hardware: [], patterns: world.patterns)
        == .failure(.bindingEnded(meter)))
    try world.apply(Registry.block(world.known(board), reason: nil, at: world.time))
    #expect(try renew() == .failure(.hardwareBlocked(board)))
    try world.apply(Registry.unblock(world.known(board), reason: nil, at: world.time))
    try world.apply(Registry.disable(try world.stored(device: plan.device), reason: nil))
    #expect(try renew() == .failure(.deviceDisabled(meter)))
    try world.apply(Registry.enable(try world.stored(device: plan.device), reason: nil))
    #expect(throws: Never.self) { try renew().get() }
    try world.apply(Registry.retire(try world.stored(device: plan.device), reason: nil))
    #expect(try renew() == .failure(.deviceRetired(meter)))
  }

  @Test(
    arguments: [
      (0, 0, 1), (0, 41, 42), (1, 0, 1_000_001), (2, 1_000_007, 2_000_001), (1, 1_000_007, 1_000_008),
    ] as [(UInt32, UInt64, UInt64)])
  mutating func `a generation is its epoch's million and a count`(epoch: UInt32, last: UInt64, next: UInt64) throws {
    #expect(try generation(epoch, last) == next)
  }

  @Test mutating func `an epoch that has no generation left refuses`() throws {
    #expect(throws: RegistryRefusal.generationsExhausted(meter)) { try generation(0, 999_999) }
  }

  private mutating func generation(_ epoch: UInt32, _ last: UInt64) throws -> UInt64? {
    let record = RecordID(.device, UUIDv7(at: world.time))
    world.devices[record] = DeviceSnapshot(
      record: record, version: 1, id: meter, state: .enabled, group: nil, hub: nil, lastGeneration: last, binding: nil)
    let ticket = try #require(try world.issued(meter, board))
    switch Registry.redeem(ticket, world.enrollment(meter, [board], key: .sha256([1]), epoch: epoch)) {
    case .enroll(let plan): return plan.generation
    case .refused(let refusal): throw refusal
    case .again: return nil
    }
  }
}
