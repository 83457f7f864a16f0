import KeyVault
import MusterModel
import MusterTesting
import Testing

private let start = Timestamp(milliseconds: 1_750_000_000_000)

private func plan(
  canary: UInt32 = 10, step: UInt32 = 40, quorum: UInt32 = 80, soak: UInt64 = 60, overlap: UInt64 = 300,
  deadline: Duration = .seconds(86_400), refusals: UInt32 = 20, breaks: UInt64 = 0
) -> RolloverPlan {
  RolloverPlan(
    canary: canary, step: step, quorum: quorum, soak: soak, overlap: overlap, deadline: start + deadline,
    refusals: refusals, breaks: breaks)
}

/// Where one device may go, and what of its keys stays.
@Suite struct DeviceRolloverTests {
  private static let moves: [DeviceRollover.Move] = [
    .proved(2), .proved(3), .made(3), .replaced(3), .offered, .ended(.overlap), .ended(.aborted),
    .ended(.deadline), .left(.aborted), .removed,
  ]

  /// The page's table: stage, move, what becomes of it. What is not there is refused.
  private static let table: [String: [String: String]] = [
    "waiting": ["proved": "called", "replaced": "broken", "offered": "waiting", "left": "left", "removed": "left"],
    "called": [
      "proved": "called", "made": "made", "replaced": "broken", "offered": "called", "left": "left", "removed": "left",
    ],
    "made": [
      "proved new": "proved", "offered": "offered", "ended aborted": "returned",
      "ended deadline": "broken", "removed": "left",
    ],
    "offered": [
      "proved new": "proved", "offered": "offered", "ended aborted": "returned",
      "ended deadline": "broken", "removed": "left",
    ],
    "proved": [
      "proved": "offered", "offered": "proved", "ended overlap": "settled", "left": "kept",
      "removed": "left",
    ],
  ]

  /// The same of certificates: 1 is each that is to leave, 2 each that stays.
  private static let certificateTable: [String: [String: String]] = [
    "waiting": [
      "proved": "called", "proved new": "proved", "made": "made", "offered": "waiting", "ended deadline": "broken",
      "left": "left", "removed": "left",
    ],
    "called": [
      "proved new": "proved", "made": "made", "offered": "called", "ended deadline": "broken", "left": "left",
      "removed": "left",
    ],
    "made": [
      "proved new": "proved", "offered": "offered", "ended deadline": "broken", "left": "kept", "removed": "left",
    ],
    "offered": [
      "proved new": "proved", "offered": "offered", "ended deadline": "broken", "left": "kept", "removed": "left",
    ],
    "proved": [
      "proved": "offered", "offered": "proved", "ended overlap": "settled", "left": "kept", "removed": "left",
    ],
  ]

  @Test(arguments: DeviceRollover.Stage.allCases)
  func `a device with certificates moves as its table says and in no other way`(stage: DeviceRollover.Stage) {
    let moves: [DeviceRollover.Move] = [
      .proved(1), .proved(2), .made(2), .replaced(2), .offered, .ended(.overlap), .ended(.aborted), .ended(.deadline),
      .left(.aborted), .removed,
    ]
    let hasNew: Set<DeviceRollover.Stage> = [.made, .offered, .proved]
    let made = hasNew.contains(stage) ? DeviceRollover.staying : nil
    let known = stage == .waiting ? nil : stage == .proved ? DeviceRollover.staying : DeviceRollover.leaving
    for move in moves {
      var device = DeviceRollover(.certificates, stage: stage, known: known, made: made, proofs: 0, since: start)
      let next = DeviceRolloverTests.certificateTable[stage.rawValue]?[name(move, DeviceRollover.staying, known)]
      do throws(RolloverFault) {
        try device.move(move, at: start)
        #expect(device.stage.rawValue == next, "\(stage) \(move)")
      } catch {
        #expect(next == nil, "\(stage) \(move): \(error)")
      }
    }
  }

  private func name(_ move: DeviceRollover.Move, _ made: UInt32?, _ known: UInt32?) -> String {
    switch move {
    case .proved(let version): version == known ? "proved again" : version == made ? "proved new" : "proved"
    case .made: "made"
    case .replaced: "replaced"
    case .offered: "offered"
    case .ended(let cause): "ended \(cause.rawValue)"
    case .left: "left"
    case .removed: "removed"
    }
  }

  @Test(arguments: DeviceRollover.Stage.allCases)
  func `a device moves as the table says and in no other way`(stage: DeviceRollover.Stage) {
    let hasNew: Set<DeviceRollover.Stage> = [.made, .offered, .proved]
    let made: UInt32? = hasNew.contains(stage) ? 3 : nil
    let known: UInt32? = stage == .waiting ? nil : stage == .proved ? 3 : 2
    for move in DeviceRolloverTests.moves {
      var device = DeviceRollover(stage: stage, known: known, made: made, proofs: 0, since: start)
      let next = DeviceRolloverTests.table[stage.rawValue]?[name(move, made, known)]
      do throws(RolloverFault) {
        try device.move(move, at: start)
        #expect(device.stage.rawValue == next, "\(stage) \(move)")
      } catch {
        #expect(next == nil, "\(stage) \(move): \(error)")
      }
    }
  }

  @Test func `no stage lets the version that was proved last end, but at the deadline`() {
    for stage in DeviceRollover.Stage.allCases {
      for cause in RolloverKeyEnded.Cause.allCases where cause != .deadline {
        let known: UInt32 = stage == .proved ? 3 : 2
        let device = DeviceRollover(stage: stage, known: known, made: 3, proofs: 1, since: start)
        if let stays = device.stays(after: cause) { #expect(stays == known, "\(stage) \(cause)") }
      }
    }
  }

  @Test func `a device that changes for ever is left alone, with both keys`() throws {
    var device = DeviceRollover(at: start)
    try device.move(.proved(2), at: start)
    try device.move(.made(3), at: start)
    var recorded = 1
    for turn in 0..<100 {
      let version: UInt32 = turn.isMultiple(of: 2) ? 3 : 2
      guard device.mustRecord(version) else { continue }
      recorded += 1
      try device.move(.proved(version), at: start)
    }
    #expect(recorded == Int(DeviceRollover.proofLimit) && device.stage == .undecided)
    #expect(RolloverKeyEnded.Cause.allCases.allSatisfy { device.stays(after: $0) == nil })
  }
}

/// What a rollover does next.
@Suite struct RolloverCampaignTests {
  private func campaign(
    _ counts: RolloverCampaign.Counts, by chosen: RolloverPlan? = nil, state: RolloverState = .running,
    wave: UInt32 = 1,
    firstProved: Timestamp? = nil, refused: UInt64 = 0
  ) -> RolloverCampaign {
    RolloverCampaign(
      plan: chosen ?? plan(), state: state, wave: wave, waveOpened: start, target: 10, waves: [wave: counts],
      firstProved: firstProved, refused: refused)
  }

  @Test func `waves grow to all devices, and a small group has a canary, too`() {
    let thirds = plan(canary: 1, step: 33)
    let shares: [(UInt32, UInt32)] = [(0, 0), (1, 1), (2, 34), (3, 67), (4, 100), (5, 100)]
    for (wave, share) in shares { #expect(thirds.share(ofWave: wave) == share) }
    let targets: [(UInt64, UInt64)] = [(0, 0), (1, 1), (3, 1), (100, 1), (1000, 10), (1001, 11)]
    for (population, target) in targets { #expect(thirds.target(ofWave: 1, population: population) == target) }
    #expect(thirds.target(ofWave: 4, population: 1001) == 1001)
  }

  struct Situation: Sendable {
    let what: String
    let counts: RolloverCampaign.Counts
    /// Seconds since the wave was opened.
    let after: Int
    let step: RolloverCampaign.Step?

    init(_ what: String, _ counts: RolloverCampaign.Counts, after: Int, _ step: RolloverCampaign.Step?) {
      self.what = what
      self.counts = counts
      self.after = after
      self.step = step
    }
  }

  private static let due: Timestamp = start + Duration.seconds(6900)

  static let situations: [Situation] = [
    Situation("nothing entered yet", [:], after: 0, .enter(10)),
    Situation("a device called in", [.waiting: 9, .called: 1], after: 0, .make),
    Situation("nobody called in", [.waiting: 10], after: 7200, nil),
    Situation("the overlap is over", [.made: 4, .proved: 6], after: 7200, .settle(provedBefore: due)),
    Situation("enough proved it, and too early", [.made: 1, .settled: 9], after: 59, nil),
    Situation("enough proved it", [.made: 1, .settled: 9], after: 60, .open(wave: 2)),
    Situation("too few proved it", [.made: 3, .settled: 7], after: 7200, nil),
    Situation("those that never called in hold up nothing", [.waiting: 6, .settled: 4], after: 60, .open(wave: 2)),
    Situation("the deadline is over and nothing may break", [.waiting: 10], after: 100_000, nil),
  ]

  @Test(arguments: RolloverCampaignTests.situations)
  func `the next step is what the counts say`(situation: Situation) {
    let firstProved: Timestamp? = situation.counts[.proved] == nil ? nil : start
    let found = campaign(situation.counts, firstProved: firstProved)
    let step = found.step(at: start + .seconds(situation.after), mayBreak: 0)
    #expect(step == situation.step, "\(situation.what)")
  }

  private func step(of campaign: RolloverCampaign) -> RolloverCampaign.Step? { campaign.step(at: start, mayBreak: 0) }

  @Test func `refusals beyond the plan's share pause it before anything else`() {
    let counts: RolloverCampaign.Counts = [.called: 3, .offered: 5, .proved: 5]
    #expect(step(of: campaign(counts, refused: 2)) == .make)
    #expect(step(of: campaign(counts, refused: 3)) == .pause)
    #expect(step(of: campaign(counts, by: plan(refusals: 0), refused: 1)) == .pause)
  }

  @Test func `at the deadline as many old keys end as the plan lets break, and no more`() {
    let breaking = plan(breaks: 3)
    let expected: [(UInt64, RolloverCampaign.Step?)] = [(0, .breakOff(3)), (2, .breakOff(1)), (3, nil)]
    for (broken, next) in expected {
      let found = campaign([.waiting: 5, .broken: broken, .settled: 5], by: breaking, wave: 9)
      #expect(found.step(at: breaking.deadline, mayBreak: 100) == next)
    }
  }

  static let bounds: [(UInt64, UInt64, RolloverCampaign.Step?)] = [
    (0, 0, nil), (1, 0, .breakOff(1)), (2, 1, .breakOff(1)), (2, 2, nil), (9, 0, .breakOff(3)),
  ]

  @Test(arguments: bounds)
  func `whatever the plan says, no more break than the policy allows at that time`(
    policy: UInt64, broken: UInt64, next: RolloverCampaign.Step?
  ) {
    let breaking = plan(breaks: 3)
    let found = campaign([.waiting: 5, .broken: broken, .settled: 5], by: breaking, wave: 9)
    #expect(found.step(at: breaking.deadline, mayBreak: policy) == next)
  }

  @Test func `devices renew their certificates themselves: who was told to is waited for, and may break`() {
    func campaign(
      _ counts: RolloverCampaign.Counts, by chosen: RolloverPlan? = nil, state: RolloverState = .running,
      refused: UInt64 = 0
    ) -> RolloverCampaign {
      RolloverCampaign(
        .certificates, plan: chosen ?? plan(), state: state, wave: 9, waveOpened: start, target: 10, waves: [9: counts],
        firstProved: nil, refused: refused)
    }
    #expect(step(of: campaign([.called: 8, .settled: 2])) == nil)
    #expect(step(of: campaign([.called: 8, .settled: 2], refused: 2)) == nil)
    #expect(step(of: campaign([.called: 8, .settled: 2], refused: 3)) == .pause)
    let breaking = plan(breaks: 3)
    #expect(
      campaign([.called: 8, .settled: 2], by: breaking).step(at: breaking.deadline, mayBreak: 100) == .breakOff(3))
    #expect(step(of: campaign([.made: 2, .left: 8], state: .aborting)) == .letGo)
    #expect(step(of: campaign([.kept: 2, .left: 8], state: .aborting)) == .endAbort)
  }

  @Test func `the last wave ends the rollover, and an abort puts back before it ends`() {
    #expect(step(of: campaign([.settled: 9, .undecided: 1], wave: 9)) == .finish)
    #expect(step(of: campaign([.settled: 9, .waiting: 1], wave: 9)) == nil)
    let aborting: [(RolloverCampaign.Counts, RolloverCampaign.Step)] = [
      ([.waiting: 1, .made: 2], .letGo), ([.made: 2, .left: 1], .putBack), ([.returned: 2, .left: 1], .endAbort),
    ]
    for (counts, next) in aborting { #expect(step(of: campaign(counts, state: .aborting)) == next) }
    for state in [RolloverState.planned, .paused, .aborted, .finished] {
      #expect(step(of: campaign([.called: 1], state: state)) == nil)
    }
  }

  @Test func `a plan out of bounds is no plan`() {
    #expect(plan().fault(at: start) == nil)
    let bad: [RolloverPlan] = [
      plan(canary: 0), plan(canary: 101), plan(step: 0), plan(quorum: 101), plan(soak: RolloverPlan.longest + 1),
      plan(overlap: UInt64.max), plan(refusals: 101), plan(breaks: UInt64.max), plan(deadline: Duration.zero),
    ]
    for one in bad { #expect(one.fault(at: start) != nil, "\(one)") }
  }
}
