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
    _ counts: RolloverCampaign.Counts, by plan: RolloverPlan = plan(), state: RolloverState = .running,
    wave: UInt32 = 1,
    firstProved: Timestamp? = nil, refused: UInt64 = 0
  ) -> RolloverCampaign {
    RolloverCampaign(
      plan: plan, state: state, wave: wave, waveOpened: start, target: 10, waves: [wave: counts],
      firstProved: firstProved, refused: refused)
  }

  @Test func `waves grow to all devices, and a small group has a canary, too`() {
    let plan = plan(canary: 1, step: 33)
    #expect((0...5).map { plan.share(ofWave: $0) } == [0, 1, 34, 67, 100, 100])
    #expect([0, 1, 3, 100, 1000, 1001].map { plan.target(ofWave: 1, population: $0) } == [0, 1, 1, 1, 10, 11])
    #expect(plan.target(ofWave: 4, population: 1001) == 1001)
  }

  @Test(
    arguments: [
      ("nothing entered yet", [:], 0, RolloverCampaign.Step.enter(10)),
      ("a device called in", [.waiting: 9, .called: 1], 0, .make),
      ("nobody called in", [.waiting: 10], 7200, nil),
      ("too few proved it", [.waiting: 2, .made: 2, .proved: 6], 7200, .settle(provedBefore: start + .seconds(6900))),
      ("enough proved it, and too early", [.made: 1, .settled: 9], 59, nil),
      ("enough proved it", [.made: 1, .settled: 9], 60, .open(wave: 2)),
      ("those that never called in hold up nothing", [.waiting: 6, .settled: 4], 60, .open(wave: 2)),
      ("the deadline is over and nothing may break", [.waiting: 10], 100_000, nil),
    ] as [(String, RolloverCampaign.Counts, Int, RolloverCampaign.Step?)])
  func `the next step is what the counts say`(
    what: String, counts: RolloverCampaign.Counts, after: Int, step: RolloverCampaign.Step?
  ) {
    let found = campaign(counts, firstProved: counts[.proved].map { _ in start }).step(at: start + .seconds(after))
    #expect(found == step, "\(what)")
  }

  @Test func `refusals beyond the plan's share pause it before anything else`() {
    let counts: RolloverCampaign.Counts = [.called: 3, .offered: 5, .proved: 5]
    #expect(campaign(counts, refused: 2).step(at: start) == .make)
    #expect(campaign(counts, refused: 3).step(at: start) == .pause)
    #expect(campaign(counts, by: plan(refusals: 0), refused: 1).step(at: start) == .pause)
  }

  @Test func `at the deadline as many old keys end as the plan lets break, and no more`() {
    let plan = plan(breaks: 3)
    func step(_ broken: UInt64) -> RolloverCampaign.Step? {
      campaign([.waiting: 5, .broken: broken, .settled: 5], by: plan, wave: 9).step(at: plan.deadline)
    }
    #expect([0, 2, 3].map(step) == [.breakOff(3), .breakOff(1), nil])
  }

  @Test func `the last wave ends the rollover, and an abort puts back before it ends`() {
    #expect(campaign([.settled: 9, .undecided: 1], wave: 9).step(at: start) == .finish)
    #expect(campaign([.settled: 9, .waiting: 1], wave: 9).step(at: start) == nil)
    let counts: [RolloverCampaign.Counts] = [
      [.waiting: 1, .made: 2], [.made: 2, .left: 1], [.returned: 2, .left: 1],
    ]
    #expect(
      counts.map { campaign($0, state: .aborting).step(at: start) } == [.letGo, .putBack, .endAbort])
    for state in [RolloverState.planned, .paused, .aborted, .finished] {
      #expect(campaign([.called: 1], state: state).step(at: start) == nil)
    }
  }

  @Test func `a plan out of bounds is no plan`() {
    #expect(plan().fault(at: start) == nil)
    for bad in [
      plan(canary: 0), plan(canary: 101), plan(step: 0), plan(quorum: 101), plan(soak: RolloverPlan.longest + 1),
      plan(overlap: .max), plan(refusals: 101), plan(breaks: .max), plan(deadline: .zero),
    ] {
      #expect(bad.fault(at: start) != nil, "\(bad)")
    }
  }
}
