import DeviceRegistry
import MusterModel
import Testing

private func key(_ number: UInt8) -> Digest { .sha256([number]) }

@Suite struct StandingTests {
  let board: HardwareID
  let other: HardwareID
  let meter: DeviceID
  var world = World()

  init() throws {
    board = try HardwareID.parse("mac:aabbcc001122").get()
    other = try HardwareID.parse("cpu-serial:00000000e4b1c9d2").get()
    meter = try #require(DeviceID("meter-7"))
  }

  @Test mutating func `hardware is unknown, allowed, bound, blocked, and the blocklist wins`() throws {
    #expect(standing == .unknown)
    try world.apply(Registry.allow(world.known(board), group: nil, reason: nil, at: world.time))
    #expect(standing == .allowed(group: nil))
    let ticket = try #require(try world.issued(meter, board))
    let plan = try world.enroll(ticket.record, key: key(1))
    #expect(standing == .bound(device: plan.device))
    try world.apply(Registry.block(world.known(board), reason: "stolen", at: world.time))
    #expect(standing == .blocked)
    #expect(Registry.allow(world.known(board), group: nil, reason: nil, at: world.time).code == "hardware-blocked")
    try world.apply(Registry.unblock(world.known(board), reason: nil, at: world.time))
    #expect(standing == .bound(device: plan.device))
  }

  @Test(arguments: [
    ("mac:aabbcc*", HardwareListed.Listing.blocked, Standing.blocked), ("mac:aabbcc*", .allowed, .allowed(group: nil)),
    ("mac:aabbcd*", .blocked, .unknown), ("registration:aabbcc*", .blocked, .unknown),
  ])
  mutating func `a pattern speaks for what it matches`(
    text: String, listing: HardwareListed.Listing, expected: Standing
  ) throws {
    let pattern = try #require(HardwarePattern(text))
    try world.apply(Registry.list(pattern, listing, group: nil, reason: nil, patterns: world.patterns))
    #expect(standing == expected)
  }

  @Test mutating func `a blocked pattern wins over an allowed ID, and one blocked ID blocks the board`() throws {
    try world.apply(Registry.allow(world.known(board), group: nil, reason: nil, at: world.time))
    let pattern = try #require(HardwarePattern("mac:aa*"))
    try world.apply(Registry.list(pattern, .blocked, group: nil, reason: nil, patterns: world.patterns))
    #expect(standing == .blocked)
    #expect(Registry.standing(of: [world.known(other), world.known(board)], patterns: world.patterns) == .blocked)
    #expect(
      Registry.list(pattern, .allowed, group: nil, reason: nil, patterns: world.patterns).code == "hardware-blocked")
    try world.apply(Registry.list(pattern, .none, group: nil, reason: nil, patterns: world.patterns))
    #expect(standing == .allowed(group: nil))
  }

  @Test(arguments: [
    "mac:*", "mac:AABB*", "mac:aa:bb*", "mac:aabb", "mac:aa*bb*", "imei:49a*", "nothing:aa*", "mac", "*", "",
    "cpu-serial:a/b*", "cpu-serial:\(String(repeating: "a", count: 129))*",
  ])
  func `a pattern that can match nothing is refused`(text: String) {
    #expect(HardwarePattern(text) == nil)
  }

  @Test mutating func `what is so already changes nothing`() throws {
    #expect(Registry.unblock(world.known(board), reason: nil, at: world.time).code == "unchanged")
    try world.apply(Registry.block(world.known(board), reason: nil, at: world.time))
    #expect(Registry.block(world.known(board), reason: nil, at: world.time).code == "unchanged")
    let long = String(repeating: "a", count: Registry.reasonLimit + 1)
    #expect(Registry.unblock(world.known(board), reason: long, at: world.time).code == "reason-too-long")
  }

  private var standing: Standing { Registry.standing(of: world.known(board), patterns: world.patterns) }
}

@Suite struct TicketTests {
  let board: HardwareID
  let spare: HardwareID
  let meter: DeviceID
  var world = World()

  init() throws {
    board = try HardwareID.parse("mac:aabbcc001122").get()
    spare = try HardwareID.parse("mac:aabbcc003344").get()
    meter = try #require(DeviceID("meter-7"))
  }

  @Test mutating func `a ticket binds to the first key, which gets the same answer again`() throws {
    let ticket = try #require(try world.issued(meter, board)).record
    let plan = try world.enroll(ticket, key: key(1))
    #expect(plan.isNew && !plan.isSwap && plan.generation == 1)
    guard case .again(let certificate, plan.device) = world.redeem(ticket, key: key(1)) else {
      Issue.record("expected the same answer, found \(String(describing: world.redeem(ticket, key: key(1))))")
      return
    }
    #expect(world.devices[plan.device]?.binding?.certificate == certificate)
    #expect(world.redeem(ticket, key: key(2))?.code == "ticket-spent")
    world.time = world.time + .seconds(3600)
    #expect(world.redeem(ticket, key: key(1))?.code == "ticket-expired")
    #expect(world.redeem(ticket, key: key(2))?.code == "ticket-spent")
  }

  @Test mutating func `a new device claims its names, a swap those that its old binding does not hold`() throws {
    let first = try #require(try world.issued(meter, board)).record
    guard case .enroll(let plan) = world.redeem(first, key: key(1)) else {
      Issue.record("expected a plan")
      return
    }
    let record = try #require(plan.hardware.first).record
    #expect(
      Set(plan.claims) == [
        .deviceID(meter), .activeBinding(plan.device), .activeBinding(record), .hardware(board),
        .publicKey(key(1), of: plan.device),
      ])
    #expect(plan.reads.versions[.record(first)] != nil && plan.reads.versions[.hardwarePatterns] == 0)
    try world.apply(.enroll(plan))
    let second = try #require(try world.issued(meter, spare, swap: true)).record
    guard case .enroll(let swap) = world.redeem(second, key: key(2)) else {
      Issue.record("expected a plan")
      return
    }
    let spareRecord = try #require(swap.hardware.first).record
    #expect(
      Set(swap.claims) == [.activeBinding(spareRecord), .hardware(spare), .publicKey(key(2), of: plan.device)])
    #expect(swap.isSwap && !swap.isNew && swap.generation == 2 && swap.device == plan.device)
    #expect(swap.reads.versions[.record(plan.device)] == world.devices[plan.device]?.version)
  }

  @Test mutating func `after a swap the old board is refused, and its ticket with it`() throws {
    let first = try #require(try world.issued(meter, board)).record
    let plan = try world.enroll(first, key: key(1))
    let second = try #require(try world.issued(meter, spare, swap: true)).record
    try world.enroll(second, key: key(2))
    #expect(world.redeem(first, key: key(1))?.code == "binding-ended")
    #expect(world.known(board).snapshot?.boundTo == nil)
    #expect(world.known(spare).snapshot?.boundTo == plan.device)
  }

  @Test mutating func `a device that is bound takes a swap, at issue and at redemption`() throws {
    let early = try #require(try world.issued(meter, spare)).record
    let first = try #require(try world.issued(meter, board)).record
    try world.enroll(first, key: key(1))
    #expect(world.issue(meter, spare).code == "device-bound")
    #expect(world.redeem(early, key: key(2))?.code == "device-bound")
    #expect(world.issue(meter, spare, swap: true).code == "plan")
  }

  @Test mutating func `the same board may get a new key by a swap`() throws {
    let first = try #require(try world.issued(meter, board)).record
    try world.enroll(first, key: key(1))
    let second = try #require(try world.issued(meter, board, swap: true)).record
    let plan = try world.enroll(second, key: key(2))
    #expect(plan.generation == 2 && plan.claims == [.publicKey(key(2), of: plan.device)])
  }

  @Test mutating func `what is refused at issue is refused at redemption too`() throws {
    let blocked = try #require(try world.issued(meter, board)).record
    try world.apply(Registry.block(world.known(board), reason: nil, at: world.time))
    #expect(world.redeem(blocked, key: key(1))?.code == "hardware-blocked")
    #expect(world.issue(meter, board).code == "hardware-blocked")
    try world.apply(Registry.unblock(world.known(board), reason: nil, at: world.time))
    try world.apply(Registry.cancel(try world.stored(ticket: blocked)))
    #expect(world.redeem(blocked, key: key(1))?.code == "ticket-cancelled")
    let late = try #require(try world.issued(meter, board)).record
    world.time = world.time + .seconds(3600)
    #expect(world.redeem(late, key: key(1))?.code == "ticket-expired")
  }

  @Test mutating func `hardware of one device is no other's`() throws {
    let first = try #require(try world.issued(meter, board)).record
    let eight = try #require(DeviceID("meter-8"))
    let nine = try #require(DeviceID("meter-9"))
    let rival = try #require(try world.issued(eight, board)).record
    try world.enroll(first, key: key(1))
    #expect(world.redeem(rival, key: key(2))?.code == "hardware-bound")
    #expect(world.issue(eight, board).code == "hardware-bound")
    let third = try #require(try world.issued(nine, spare)).record
    #expect(world.redeem(third, key: key(3), showing: [board])?.code == "hardware-bound")
  }

  @Test mutating func `disabled and retired devices are not taken over`() throws {
    let first = try #require(try world.issued(meter, board)).record
    let plan = try world.enroll(first, key: key(1))
    let swap = try #require(try world.issued(meter, spare, swap: true)).record
    try world.apply(Registry.disable(try world.stored(device: plan.device), reason: nil))
    #expect(world.issue(meter, spare, swap: true).code == "device-disabled")
    #expect(world.redeem(swap, key: key(2))?.code == "device-disabled")
    #expect(world.redeem(first, key: key(1))?.code == "device-disabled")
    try world.apply(Registry.retire(try world.stored(device: plan.device), reason: nil))
    #expect(world.issue(meter, spare, swap: true).code == "device-unknown")
    #expect(world.redeem(swap, key: key(2))?.code == "device-retired")
    #expect(world.redeem(first, key: key(1))?.code == "device-retired")
    #expect(Registry.enable(try world.stored(device: plan.device), reason: nil).code == "device-retired")
    let again = try #require(try world.issued(meter, board)).record
    let successor = try world.enroll(again, key: key(3))
    #expect(successor.isNew && successor.device != plan.device)
    #expect(world.redeem(swap, key: key(2))?.code == "ticket-mismatch")
  }

  @Test mutating func `another spelling of a device ID in use is taken`() throws {
    let first = try #require(try world.issued(meter, board)).record
    try world.enroll(first, key: key(1))
    let shouted = try #require(DeviceID("METER-7"))
    #expect(world.issue(shouted, spare).code == "device-id-taken")
  }

  @Test(arguments: [
    (0, "ticket-lifetime"), (59, "ticket-lifetime"), (60, "plan"), (2_592_000, "plan"), (2_592_001, "ticket-lifetime"),
  ])
  func `a ticket lives from a minute to thirty days`(seconds: Int, code: String) {
    #expect(world.issue(meter, board, valid: .seconds(seconds)).code == code)
  }

  @Test mutating func `a used ticket is not cancelled, a cancelled one not again`() throws {
    let first = try #require(try world.issued(meter, board)).record
    let second = try #require(try world.issued(meter, board)).record
    try world.apply(Registry.cancel(try world.stored(ticket: second)))
    #expect(Registry.cancel(try world.stored(ticket: second)).code == "unchanged")
    try world.enroll(first, key: key(1))
    #expect(Registry.cancel(try world.stored(ticket: first)).code == "ticket-spent")
  }

  @Test mutating func `another board than the ticket's is refused`() throws {
    let ticket = try #require(try world.issued(meter, board))
    let shown = world.enrollment(meter, [spare], key: key(1))
    #expect(Registry.redeem(ticket, shown).code == "ticket-mismatch")
    let named = world.enrollment(try #require(DeviceID("meter-8")), [board], key: key(1))
    #expect(Registry.redeem(ticket, named).code == "ticket-mismatch")
  }
}
