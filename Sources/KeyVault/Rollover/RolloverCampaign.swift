public import MusterModel

/// A rollover as a whole, and what it does next: a pure decision from counts and the time.
public struct RolloverCampaign: Sendable, Hashable {
  public enum Step: Sendable, Hashable {
    /// Too many devices were refused.
    case pause
    /// Makes new versions for devices that called in.
    case make
    /// Ends the old versions of devices that proved the new one so long ago.
    case settle(provedBefore: Timestamp)
    /// Takes the old version from so many stragglers.
    case breakOff(UInt64)
    /// Lets so many more devices into the open wave.
    case enter(UInt64)
    case open(wave: UInt32)
    case finish
    /// Lets go of devices for which nothing was made, and of those that proved the new version.
    case letGo
    /// Ends new versions that were not proved.
    case putBack
    case endAbort
  }

  /// Devices of one wave, by stage.
  public typealias Counts = [DeviceRollover.Stage: UInt64]

  public let kind: RolloverKind
  public let plan: RolloverPlan
  public let state: RolloverState
  /// The last that was opened; 0 before the first.
  public let wave: UInt32
  public let waveOpened: Timestamp
  /// How many devices are to have entered with it.
  public let target: UInt64
  public let waves: [UInt32: Counts]
  /// When the first of the devices that have proved the new version did so.
  public let firstProved: Timestamp?
  /// How many devices were refused since it was last resumed: a token, of those with a new key; or a renewal.
  public let refused: UInt64

  public init(
    _ kind: RolloverKind = .keys, plan: RolloverPlan, state: RolloverState, wave: UInt32, waveOpened: Timestamp,
    target: UInt64, waves: [UInt32: Counts], firstProved: Timestamp?, refused: UInt64
  ) {
    self.kind = kind
    self.plan = plan
    self.state = state
    self.wave = wave
    self.waveOpened = waveOpened
    self.target = target
    self.waves = waves
    self.firstProved = firstProved
    self.refused = refused
  }

  public func count(_ stages: DeviceRollover.Stage...) -> UInt64 { count(stages) }

  private func count(_ stages: [DeviceRollover.Stage]) -> UInt64 {
    waves.values.reduce(0) { sum, counts in stages.reduce(sum) { $0 + (counts[$1] ?? 0) } }
  }

  public var entered: UInt64 { waves.values.reduce(0) { $0 + $1.values.reduce(0, +) } }

  /// What is to be done now; nil where it waits. `policy`: from how many devices a rollover may take the old key, whatever
  /// its plan says.
  public func step(at now: Timestamp, mayBreak policy: UInt64) -> Step? {
    switch state {
    case .planned, .paused, .aborted, .finished: nil
    case .aborting: abortStep()
    case .running: runningStep(at: now, breaks: min(plan.breaks, policy))
    }
  }

  private func abortStep() -> Step {
    if count(kind.letGo) > 0 { return .letGo }
    return count(.made, .offered) > 0 ? .putBack : .endAbort
  }

  private func runningStep(at now: Timestamp, breaks: UInt64) -> Step? {
    if refusedTooMany { return .pause }
    if kind == .keys, count(.called) > 0 { return .make }
    let due = now - .seconds(plan.overlap)
    if let firstProved, firstProved <= due { return .settle(provedBefore: due) }
    if now >= plan.deadline, count(kind.breaking) > 0, breaks > count(.broken) {
      return .breakOff(breaks - count(.broken))
    }
    if entered < target { return .enter(target - entered) }
    guard plan.share(ofWave: wave) == 100 else { return isReadyForNext(at: now) ? .open(wave: wave + 1) : nil }
    return count(.waiting, .called, .made, .offered, .proved) == 0 ? .finish : nil
  }

  private var refusedTooMany: Bool {
    let given = count(kind.refusable)
    return refused > 0 && refused * 100 > given * UInt64(plan.refusals)
  }

  /// A wave that nobody is in holds up nothing; in another some must have called in, and most of those proved.
  private func isReadyForNext(at now: Timestamp) -> Bool {
    let counts = waves[wave] ?? [:]
    let inIt = counts.values.reduce(0, +) - (counts[.left] ?? 0)
    guard inIt > 0 else { return true }
    let called = inIt - (counts[.waiting] ?? 0)
    let proved = (counts[.proved] ?? 0) + (counts[.settled] ?? 0)
    return now >= waveOpened + .seconds(plan.soak) && called > 0 && proved * 100 >= called * UInt64(plan.quorum)
  }
}

extension RolloverKind {
  /// Whom an abort lets go of, with what they have.
  public var letGo: [DeviceRollover.Stage] {
    switch self {
    case .keys: [.waiting, .called, .proved]
    case .certificates: [.waiting, .called, .made, .offered, .proved]
    }
  }

  /// From whom the old version may be taken at the deadline.
  public var breaking: [DeviceRollover.Stage] {
    switch self {
    case .keys: [.waiting, .made, .offered]
    case .certificates: [.waiting, .called, .made, .offered]
    }
  }

  /// Whose refusals say something of the rollover.
  var refusable: [DeviceRollover.Stage] {
    let given: [DeviceRollover.Stage] = [.made, .offered, .proved, .settled, .undecided]
    return self == .keys ? given : given + [.called]
  }
}
