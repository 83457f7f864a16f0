import KeyVault
import MusterModel
import MusterTesting
import Testing

/// Whatever devices, operators, crashes, lost answers and the upkeep do, in whatever order: the certificate that a device
/// was told last to be good is in force.
@Suite struct CertificateInterleavingTests {
  @Test func `no walk takes from a device the certificate that it showed last`() throws {
    var seen = CertificateWalk.Seen()
    for seed in 0..<60 as Range<UInt64> {
      var walk = CertificateWalk(seed: seed, breaking: nil)
      for _ in 0..<1000 where walk.lost == nil { try walk.step() }
      #expect(walk.lost == nil, "seed \(seed): \(walk.lost ?? "")")
      seen.add(walk.seen)
    }
    // A walk that goes nowhere shows nothing.
    let least = CertificateWalk.Seen(settled: 100, kept: 20, stale: 50, crashes: 100, recorded: 500, unheard: 50)
    #expect(seen.isAtLeast(least), "\(seen)")
  }

  @Test(arguments: CertificateWalk.Rule.allCases)
  func `with a rule broken a walk finds the loss`(rule: CertificateWalk.Rule) throws {
    let isFound = try (0..<60 as Range<UInt64>).contains { seed in
      var walk = CertificateWalk(seed: seed, breaking: rule)
      for _ in 0..<400 where walk.lost == nil { try walk.step() }
      return walk.lost != nil
    }
    #expect(isFound)
  }
}

/// Six devices in one rollover after the other. Each renews when it likes, may never hear the answer, and lets go of its old
/// certificates or not.
struct CertificateWalk {
  /// What keeps the walk sound, each of which can be left out.
  enum Rule: String, CaseIterable, Sendable {
    /// Which certificate is shown is on disk before the device is told that it is good.
    case proofsAreRecordedAtOnce
    /// The old ones end once the new one was shown, and not once it was issued.
    case issuedIsNotProved
    /// An abort takes the new one from nobody.
    case abortTakesNothing
  }

  struct Seen {
    var settled = 0
    var kept = 0
    var stale = 0
    var crashes = 0
    var recorded = 0
    var unheard = 0

    private var all: [Int] { [settled, kept, stale, crashes, recorded, unheard] }

    func isAtLeast(_ other: Seen) -> Bool { zip(all, other.all).allSatisfy { $0.0 >= $0.1 } }

    mutating func add(_ other: Seen) {
      settled += other.settled
      kept += other.kept
      stale += other.stale
      crashes += other.crashes
      recorded += other.recorded
      unheard += other.unheard
    }
  }

  private struct Device {
    /// In force.
    var live: Set<Int> = [0]
    /// In force, and issued before the rollover.
    var leaving: Set<Int> = [0]
    /// What the device has in its own memory.
    var holds: Set<Int> = [0]
    var last = 0
    /// What the device was told to be good last: the truth that nobody else knows.
    var told: Int?
    var version = 0
    var rollover: DeviceRollover?
    /// Since it entered.
    var log: [(DeviceRollover.Move, Timestamp)] = []
    var entered = Timestamp(milliseconds: 0)
  }

  /// A certificate that was shown, and whose proof is on its way to the disk.
  private struct Proof {
    let device: Int
    let certificate: Int
    let seen: Int
  }

  /// A step of the upkeep that was decided, and is on its way to the disk.
  private struct Decision {
    let device: Int
    let move: DeviceRollover.Move
    let ends: Set<Int>
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
  /// Certificates that were shown and not recorded, where that rule is broken; lost with a crash.
  private var tally: [Int: Int] = [:]
  private(set) var seen = Seen()
  /// Which device lost which certificate.
  private(set) var lost: String?

  init(seed: UInt64, breaking rule: Rule?) {
    random = SeededGenerator(seed: seed)
    broken = rule
  }

  mutating func step() throws {
    now = now + .seconds(Int.random(in: 0...30, using: &random))
    let number = Int.random(in: 0..<devices.count, using: &random)
    switch Int.random(in: 0..<50, using: &random) {
    case 0..<14: show(number)
    case 14..<22: try record()
    case 22..<25: try renew(number)
    case 25..<34: decide()
    case 34..<44: try commit()
    case 44: if Bool.random(using: &random) { try crash() } else { try flush() }
    case 45..<48: now = now + .seconds(Int.random(in: 0...400, using: &random))
    default: lead()
    }
    for (number, device) in devices.enumerated() {
      if let told = device.told, !device.live.contains(told) { lost = "device \(number) lost certificate \(told)" }
    }
  }

  // MARK: - Devices

  /// A device shows any certificate that it holds.
  private mutating func show(_ number: Int) {
    let device = devices[number]
    guard let certificate = device.holds.sorted().randomElement(using: &random), device.live.contains(certificate)
    else {
      return
    }
    let version = device.leaving.contains(certificate) ? DeviceRollover.leaving : DeviceRollover.staying
    guard broken != .proofsAreRecordedAtOnce, device.rollover?.mustRecord(version) == true else {
      devices[number].told = certificate
      tally[number] = certificate
      return
    }
    proofs.append(Proof(device: number, certificate: certificate, seen: device.version))
  }

  /// A proof comes to the disk, and its device is told; or it is judged anew.
  private mutating func record() throws {
    guard !proofs.isEmpty else { return }
    let proof = proofs.remove(at: Int.random(in: 0..<proofs.count, using: &random))
    guard proof.seen == devices[proof.device].version else {
      seen.stale += 1
      return
    }
    try proved(proof.device, proof.certificate)
    devices[proof.device].told = proof.certificate
    seen.recorded += 1
  }

  /// Once a minute.
  private mutating func flush() throws {
    if broken == .proofsAreRecordedAtOnce { for (number, certificate) in tally { try proved(number, certificate) } }
    tally = [:]
  }

  private mutating func proved(_ number: Int, _ certificate: Int) throws {
    let version =
      devices[number].leaving.contains(certificate) ? DeviceRollover.leaving : DeviceRollover.staying
    guard devices[number].rollover?.mustRecord(version) == true else { return }
    try move(number, .proved(version))
  }

  /// By a certificate that it holds; that it showed it is on record first. The answer may be lost: what it showed is what it
  /// has. A device that got it lets go of the others, or not.
  private mutating func renew(_ number: Int) throws {
    guard let shown = devices[number].holds.sorted().randomElement(using: &random), devices[number].live.contains(shown)
    else { return }
    if broken != .proofsAreRecordedAtOnce { try proved(number, shown) }
    devices[number].told = shown
    let new = devices[number].last + 1
    devices[number].last = new
    devices[number].live.insert(new)
    devices[number].version += 1
    if let rollover = devices[number].rollover, rollover.stage.isOpen, rollover.made == nil {
      try move(number, .made(DeviceRollover.staying))
    }
    guard Bool.random(using: &random) else { return seen.unheard += 1 }
    devices[number].told = new
    devices[number].holds.insert(new)
    if Bool.random(using: &random) { devices[number].holds = [new] }
  }

  // MARK: - The rollover

  private var campaign: RolloverCampaign {
    var counts: [UInt32: RolloverCampaign.Counts] = [:]
    for (number, device) in devices.enumerated() {
      guard let rollover = device.rollover, let wave = waves[number] else { continue }
      counts[wave, default: [:]][rollover.stage, default: 0] += 1
    }
    let proved = devices.compactMap { $0.rollover?.stage == .proved ? $0.rollover?.since : nil }
    let plan = RolloverPlan(
      canary: 20, step: 40, quorum: 50, soak: 30, overlap: 120, deadline: now + .seconds(1), refusals: 100, breaks: 0)
    return RolloverCampaign(
      .certificates, plan: plan, state: state, wave: wave, waveOpened: opened, target: target, waves: counts,
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
      waves[number] = wave
      devices[number].rollover = DeviceRollover(.certificates, at: now)
      devices[number].log = []
      devices[number].entered = now
      devices[number].version += 1
    case .settle(let time):
      end(at: broken == .issuedIsNotProved ? [.proved, .made, .offered] : [.proved], since: time)
    case .letGo:
      for (number, device) in devices.enumerated() {
        guard let rollover = device.rollover, RolloverKind.certificates.letGo.contains(rollover.stage) else { continue }
        let new = device.live.subtracting(device.leaving)
        let ends = broken == .abortTakesNothing && rollover.stage != .proved ? new : []
        decisions.append(Decision(device: number, move: .left(.aborted), ends: ends, seen: device.version))
      }
    case .finish: state = .finished
    case .endAbort: state = .aborted
    case .pause, .make, .putBack, .breakOff: break
    }
  }

  private mutating func end(at stages: [DeviceRollover.Stage], since time: Timestamp) {
    for (number, device) in devices.enumerated() {
      guard let rollover = device.rollover, stages.contains(rollover.stage), rollover.since <= time else { continue }
      decisions.append(
        Decision(
          device: number, move: .ended(rollover.stage == .proved ? .overlap : .deadline), ends: device.leaving,
          seen: device.version))
    }
  }

  private mutating func commit() throws {
    guard !decisions.isEmpty else { return }
    let decision = decisions.remove(at: Int.random(in: 0..<decisions.count, using: &random))
    let number = decision.device
    guard decision.seen == devices[number].version else {
      seen.stale += 1
      return
    }
    try move(number, decision.move)
    devices[number].live.subtract(decision.ends)
    if case .ended = decision.move { seen.settled += 1 }
    if devices[number].rollover?.stage == .kept { seen.kept += 1 }
  }

  private mutating func move(_ number: Int, _ move: DeviceRollover.Move) throws {
    try devices[number].rollover?.move(move, at: now)
    devices[number].log.append((move, now))
    devices[number].version += 1
  }

  /// An operator: aborts, or begins the next one once the last has ended, in which what was new is to leave.
  private mutating func lead() {
    switch state {
    case .running where Int.random(in: 0..<6, using: &random) == 0: state = .aborting
    case .finished, .aborted:
      (state, wave, target, waves) = (.running, 0, 0, [:])
      for number in devices.indices {
        devices[number].rollover = nil
        devices[number].leaving = devices[number].live
        devices[number].version += 1
      }
    default: break
    }
  }

  /// What was in memory is gone; where a device stands is built again from what is on disk.
  private mutating func crash() throws {
    seen.crashes += 1
    (proofs, decisions, tally) = ([], [], [:])
    for number in devices.indices where devices[number].rollover != nil {
      var again = DeviceRollover(.certificates, at: devices[number].entered)
      for (move, time) in devices[number].log { try again.move(move, at: time) }
      #expect(again == devices[number].rollover)
      devices[number].rollover = again
    }
  }
}
