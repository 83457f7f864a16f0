import KeyVault
import MusterModel
import MusterTesting
import Testing

/// Whatever devices, hubs, operators, crashes and the upkeep do, in whatever order: the version that a device proved last
/// is one that it has.
@Suite struct RolloverInterleavingTests {
  @Test func `no walk takes from a device the key that it proved last`() throws {
    var seen = Walk.Seen()
    for seed in 0..<60 as Range<UInt64> {
      var walk = Walk(seed: seed, breaking: nil)
      for _ in 0..<1000 where walk.lost == nil { try walk.step() }
      #expect(walk.lost == nil, "seed \(seed): \(walk.lost ?? "")")
      seen.add(walk.seen)
    }
    // A walk that goes nowhere shows nothing.
    let least = Walk.Seen(
      settled: 100, returned: 20, kept: 10, stale: 50, crashes: 100, recorded: 500)
    #expect(seen.isAtLeast(least), "\(seen)")
  }

  @Test(arguments: Walk.Rule.allCases) func `with a rule broken a walk finds the loss`(rule: Walk.Rule) throws {
    let isFound = try (0..<60 as Range<UInt64>).contains { seed in
      var walk = Walk(seed: seed, breaking: rule)
      for _ in 0..<400 where walk.lost == nil { try walk.step() }
      return walk.lost != nil
    }
    #expect(isFound)
  }
}

/// Six devices in one rollover after the other, with what the service holds in memory, what is on disk, and what each
/// device was told.
struct Walk {
  /// What keeps the walk sound, each of which can be left out.
  enum Rule: String, CaseIterable, Sendable {
    /// A change of key is on disk before the device is told that it is good.
    case proofsAreRecordedAtOnce
    /// Nothing is made for a device before it has called in.
    case whoDidNotCallIsLeftAlone
    /// A decision is not committed where the device changed since it was read.
    case decisionsAreOfNow
    /// What was proved last stays, and not what was made last.
    case whatWasProvedIsKept
  }

  struct Seen {
    var settled = 0
    var returned = 0
    var kept = 0
    var stale = 0
    var crashes = 0
    var recorded = 0

    private var all: [Int] { [settled, returned, kept, stale, crashes, recorded] }

    func isAtLeast(_ other: Seen) -> Bool { zip(all, other.all).allSatisfy { $0.0 >= $0.1 } }

    mutating func add(_ other: Seen) {
      settled += other.settled
      returned += other.returned
      kept += other.kept
      stale += other.stale
      crashes += other.crashes
      recorded += other.recorded
    }
  }

  private struct Device {
    var live: [UInt32] = [1, 2]
    /// What the device has in its own memory.
    var holds: [UInt32] = [1, 2]
    var last: UInt32 = 2
    /// What the device was told to be good last: the truth that nobody else knows.
    var told: UInt32?
    var version = 0
    var rollover: DeviceRollover?
    /// Since it entered.
    var log: [(DeviceRollover.Move, Timestamp)] = []
    var entered = Timestamp(milliseconds: 0)
  }

  /// A token that was judged, and whose proof is on its way to the disk.
  private struct Proof {
    let device: Int
    let version: UInt32
    let seen: Int
  }

  /// A step of the upkeep that was decided, and is on its way to the disk.
  private struct Decision {
    let device: Int
    let move: DeviceRollover.Move
    let stays: UInt32?
    let seen: Int
  }

  private let broken: Rule?
  private var random: SeededGenerator
  private var now = Timestamp(milliseconds: 1_750_000_000_000)
  private var devices = Array(repeating: Device(), count: 6)
  private var state = RolloverState.running
  private var wave: UInt32 = 0
  private var opened = Timestamp(milliseconds: 0)
  private var target: UInt64 = 0
  private var waves: [Int: UInt32] = [:]
  private var proofs: [Proof] = []
  private var decisions: [Decision] = []
  /// Of devices; lost with a crash.
  private var tally: [Int: UInt32] = [:]
  private(set) var seen = Seen()
  /// Which device lost which key.
  private(set) var lost: String?

  init(seed: UInt64, breaking rule: Rule?) {
    random = SeededGenerator(seed: seed)
    broken = rule
  }

  mutating func step() throws {
    now = now + .seconds(Int.random(in: 0...30, using: &random))
    switch Int.random(in: 0..<60, using: &random) {
    case 0..<18: call(Int.random(in: 0..<devices.count, using: &random))
    case 18..<28: try record()
    case 28..<31: try fetch(Int.random(in: 0..<devices.count, using: &random))
    case 31..<41: decide()
    case 41..<52: try commit()
    case 52..<54: try flush()
    case 54: try crash()
    case 55..<58: now = now + .seconds(Int.random(in: 0...400, using: &random))
    default: lead()
    }
    check()
  }

  private mutating func check() {
    for (number, device) in devices.enumerated() {
      if let told = device.told, !device.live.contains(told) { lost = "device \(number) lost key \(told)" }
    }
  }

  // MARK: - Devices and hubs

  /// A device shows a token to a hub, by any key that it holds.
  private mutating func call(_ number: Int) {
    let device = devices[number]
    guard let version = device.holds.randomElement(using: &random), device.live.contains(version) else { return }
    guard let rollover = device.rollover, rollover.stage.isOpen, rollover.mustRecord(version) else {
      devices[number].told = version
      if device.rollover?.stage.isOpen != true { tally[number] = version }
      return
    }
    guard broken != .proofsAreRecordedAtOnce else {
      devices[number].told = version
      tally[number] = version
      return
    }
    proofs.append(Proof(device: number, version: version, seen: device.version))
  }

  /// A proof comes to the disk, and its device is told; or it is judged anew.
  private mutating func record() throws {
    guard !proofs.isEmpty else { return }
    let proof = proofs.remove(at: Int.random(in: 0..<proofs.count, using: &random))
    guard broken == .decisionsAreOfNow || proof.seen == devices[proof.device].version else {
      seen.stale += 1
      return
    }
    guard devices[proof.device].rollover?.mustRecord(proof.version) == true else { return }
    try move(proof.device, .proved(proof.version))
    devices[proof.device].told = proof.version
    seen.recorded += 1
  }

  private mutating func fetch(_ number: Int) throws {
    guard let rollover = devices[number].rollover, rollover.stage.isOpen, let made = rollover.made else { return }
    // A reading: it does not make a decision stale.
    try move(number, .offered, isChange: false)
    if !devices[number].holds.contains(made) { devices[number].holds.append(made) }
  }

  /// Once a minute.
  private mutating func flush() throws {
    for (number, version) in tally where devices[number].rollover?.mustRecord(version) == true {
      if broken == .proofsAreRecordedAtOnce { try move(number, .proved(version)) }
    }
    tally = [:]
  }

  // MARK: - The rollover

  private var campaign: RolloverCampaign {
    var counts: [UInt32: RolloverCampaign.Counts] = [:]
    for (number, device) in devices.enumerated() {
      guard let rollover = device.rollover, let wave = waves[number] else { continue }
      var inWave: RolloverCampaign.Counts = counts[wave] ?? [:]
      inWave[rollover.stage, default: 0] += 1
      counts[wave] = inWave
    }
    let proved = devices.compactMap { $0.rollover?.stage == .proved ? $0.rollover?.since : nil }
    let deadline: Timestamp = now + Duration.seconds(1)
    let plan = RolloverPlan(
      canary: 20, step: 40, quorum: 50, soak: 30, overlap: 120, deadline: deadline, refusals: 100, breaks: 0)
    return RolloverCampaign(
      plan: plan, state: state, wave: wave, waveOpened: opened, target: target, waves: counts,
      firstProved: proved.min(), refused: 0)
  }

  private mutating func decide() {
    guard let step = campaign.step(at: now, mayBreak: 0) else { return }
    switch step {
    case .open(let next):
      (wave, opened) = (next, now)
      target = campaign.plan.target(ofWave: next, population: UInt64(devices.count))
    case .enter:
      guard let number = devices.indices.filter({ waves[$0] == nil }).randomElement(using: &random) else {
        return target = campaign.entered
      }
      enter(number)
    case .make:
      var stages: [DeviceRollover.Stage] = [.called]
      if broken == .whoDidNotCallIsLeftAlone { stages.append(.waiting) }
      plan(for: stages) { device in DeviceRollover.Move.made(device.last + 1) }
    case .settle(let time): plan(for: [.proved], provedBefore: time) { _ in .ended(.overlap) }
    case .putBack: plan(for: [.made, .offered]) { _ in .ended(.aborted) }
    case .letGo: plan(for: [.waiting, .called, .proved]) { _ in .left(.aborted) }
    case .finish: state = .finished
    case .endAbort: state = .aborted
    case .pause, .breakOff: break
    }
  }

  private mutating func enter(_ number: Int) {
    waves[number] = wave
    devices[number].rollover = DeviceRollover(at: now)
    devices[number].log = []
    devices[number].entered = now
    devices[number].version += 1
  }

  private mutating func plan(
    for stages: [DeviceRollover.Stage], provedBefore time: Timestamp? = nil, _ move: (Device) -> DeviceRollover.Move
  ) {
    for (number, device) in devices.enumerated() {
      guard let rollover = device.rollover, stages.contains(rollover.stage), rollover.since <= time ?? now else {
        continue
      }
      let planned = move(device)
      var stays: UInt32?
      switch planned {
      case .made:
        stays = device.live.max()
        if broken != .whatWasProvedIsKept, let kept = rollover.keeps { stays = kept }
      case .ended(let cause): stays = rollover.stays(after: cause)
      default: break
      }
      decisions.append(Decision(device: number, move: planned, stays: stays, seen: device.version))
    }
  }

  private mutating func commit() throws {
    guard !decisions.isEmpty else { return }
    let decision = decisions.remove(at: Int.random(in: 0..<decisions.count, using: &random))
    let number = decision.device
    guard broken == .decisionsAreOfNow || decision.seen == devices[number].version else {
      seen.stale += 1
      return
    }
    var rollover = devices[number].rollover
    if broken == .whoDidNotCallIsLeftAlone, rollover?.stage == .waiting {
      try move(number, .proved(decision.stays ?? 0))
    }
    // Without the rule a decision of before may be none that the machine has.
    if broken == .decisionsAreOfNow, (try? rollover?.move(decision.move, at: now)) == nil { return }
    try move(number, decision.move)
    switch decision.move {
    case .made(let version):
      devices[number].live = [version, decision.stays ?? 0]
      devices[number].last = version
    case .ended(let cause):
      devices[number].live = [decision.stays ?? 0]
      if cause == .overlap { seen.settled += 1 } else { seen.returned += 1 }
    case .left: seen.kept += devices[number].rollover?.stage == .kept ? 1 : 0
    default: break
    }
  }

  private mutating func move(_ number: Int, _ move: DeviceRollover.Move, isChange: Bool = true) throws {
    try devices[number].rollover?.move(move, at: now)
    devices[number].log.append((move, now))
    if isChange { devices[number].version += 1 }
  }

  /// An operator: aborts, or begins the next one once the last has ended.
  private mutating func lead() {
    switch state {
    case .running where Int.random(in: 0..<6, using: &random) == 0: state = .aborting
    case .finished, .aborted:
      (state, wave, target, waves) = (.running, 0, 0, [:])
      // With one key alone nothing could be lost: now and then an operator gives a device two again.
      for number in devices.indices {
        devices[number].rollover = nil
        if devices[number].live.count == 1, Bool.random(using: &random) { rekey(number) }
      }
    default: break
    }
  }

  private mutating func rekey(_ number: Int) {
    let version = devices[number].last + 1
    devices[number].live.append(version)
    devices[number].holds = devices[number].live
    devices[number].last = version
    devices[number].version += 1
  }

  /// What was in memory is gone; where a device stands is built again from what is on disk.
  private mutating func crash() throws {
    seen.crashes += 1
    (proofs, decisions, tally) = ([], [], [:])
    for number in devices.indices where devices[number].rollover != nil {
      var again = DeviceRollover(at: devices[number].entered)
      for (move, time) in devices[number].log { try again.move(move, at: time) }
      #expect(again == devices[number].rollover)
      devices[number].rollover = again
    }
  }
}
