import DeviceRegistry
import MusterModel
import MusterTesting
import Testing

/// Whatever operators and boards do, in whatever order: one device on a board, one board a device, generations grow,
/// and nothing that is blocked enrolls.
@Suite struct InterleavingTests {
  @Test(arguments: 0..<40 as Range<UInt64>)
  func `random steps keep what must hold`(seed: UInt64) throws {
    var steps = Steps(seed: seed)
    for _ in 0..<300 {
      try steps.step()
      try steps.check()
    }
    #expect(steps.enrolled > 0 && steps.refused > 0)
  }
}

private struct Steps {
  var world = World()
  var random: SeededGenerator
  var enrolled = 0
  var refused = 0
  let boards: [HardwareID]
  let names: [DeviceID]

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    boards = (0..<5).compactMap { try? HardwareID.parse("mac:aabbcc00110\($0)").get() }
    names = (0..<3).compactMap { DeviceID("meter-\($0)") }
  }

  mutating func step() throws {
    world.time = world.time + .seconds(Int.random(in: 1...600, using: &random))
    let board = boards[Int.random(in: 0..<boards.count, using: &random)]
    let name = names[Int.random(in: 0..<names.count, using: &random)]
    switch Int.random(in: 0..<12, using: &random) {
    case 0: try world.apply(Registry.allow(world.known(board), group: nil, reason: nil, at: world.time))
    case 1: try world.apply(Registry.block(world.known(board), reason: nil, at: world.time))
    case 2, 3: try world.apply(Registry.unblock(world.known(board), reason: nil, at: world.time))
    case 4: try world.apply(world.issue(name, board))
    case 5, 6: try world.apply(world.issue(name, board, swap: true))
    case 7: if let device = world.device(name) { try world.apply(Registry.disable(device, reason: nil)) }
    case 8: if let device = world.device(name) { try world.apply(Registry.enable(device, reason: nil)) }
    case 9 where Int.random(in: 0..<3, using: &random) == 0:
      if let device = world.device(name) { try world.apply(Registry.retire(device, reason: nil)) }
    default: try redeem()
    }
  }

  private mutating func redeem() throws {
    let tickets = world.tickets.keys.sorted()
    guard !tickets.isEmpty else { return }
    let ticket = tickets[Int.random(in: max(0, tickets.count - 6)..<tickets.count, using: &random)]
    let extra = Bool.random(using: &random) ? [boards[Int.random(in: 0..<boards.count, using: &random)]] : []
    let shown = extra.filter { $0 != world.tickets[ticket]?.hardware }
    guard let outcome = world.redeem(ticket, key: .sha256([UInt8.random(in: 0..<4, using: &random)]), showing: shown)
    else { return }
    let before = world
    switch outcome {
    case .refused: refused += 1
    case .again(_, let device):
      #expect(before.devices[device]?.state == .enabled)
    case .enroll(let plan):
      enrolled += 1
      for hardware in plan.hardware {
        #expect(Registry.standing(of: before.known(hardware.id), patterns: before.patterns) != .blocked)
      }
      try world.apply(outcome)
    }
  }

  func check() throws {
    let active = world.devices.values.compactMap { device in device.binding.map { (device, $0) } }
    let bound = active.flatMap { $0.1.hardware.map(\.hardware) }
    #expect(Set(bound).count == bound.count, "hardware bound to two devices")
    for (device, binding) in active {
      #expect(device.state != .retired)
      for hardware in binding.hardware { #expect(world.hardware[hardware.hardware]?.boundTo == device.record) }
    }
    let names = world.devices.values.filter { $0.state != .retired }.map(\.id.folded)
    #expect(Set(names).count == names.count, "a device ID of two devices")
    #expect(Set(world.hardware.values.map(\.id)).count == world.hardware.count, "a hardware ID of two records")
    for generations in world.generations.values { #expect(zip(generations, generations.dropFirst()).allSatisfy(<)) }
  }
}
