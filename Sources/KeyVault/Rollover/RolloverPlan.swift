public import MusterModel

/// How a rollover goes through its devices, fixed when it is planned.
public struct RolloverPlan: Codable, Hashable, Sendable {
  /// The share of the first wave, in percent of the devices.
  public let canary: UInt32
  /// What each further wave adds, in percent.
  public let step: UInt32
  /// How many percent of a wave's devices that called in must have proved the new version before the next wave.
  public let quorum: UInt32
  /// The least time between two waves, in seconds.
  public let soak: UInt64
  /// How long the old version is kept after the new one is proved, in seconds.
  public let overlap: UInt64
  public let deadline: Timestamp
  /// It pauses where more than this share, in percent, of the devices with a new version had a token refused.
  public let refusals: UInt32
  /// From how many devices that have not proved the new version the old one may be taken at the deadline.
  public let breaks: UInt64

  public init(
    canary: UInt32, step: UInt32, quorum: UInt32, soak: UInt64, overlap: UInt64, deadline: Timestamp, refusals: UInt32,
    breaks: UInt64
  ) {
    self.canary = canary
    self.step = step
    self.quorum = quorum
    self.soak = soak
    self.overlap = overlap
    self.deadline = deadline
    self.refusals = refusals
    self.breaks = breaks
  }

  /// The longest that a soak and an overlap may be, in seconds: a year.
  public static let longest: UInt64 = 366 * 86_400

  /// Which field is out of its bounds; nil for a plan that can be carried out.
  public func fault(at now: Timestamp) -> String? {
    if !(1...100).contains(canary) { return "canary, 1 to 100 percent" }
    if !(1...100).contains(step) { return "step, 1 to 100 percent" }
    if !(1...100).contains(quorum) { return "quorum, 1 to 100 percent" }
    if refusals > 100 { return "refusals, 0 to 100 percent" }
    if soak > RolloverPlan.longest { return "soak, a year at most" }
    if overlap > RolloverPlan.longest { return "overlap, a year at most" }
    if breaks >= 1 << 53 { return "breaks, a number of devices" }
    return deadline > now ? nil : "deadline, a time to come"
  }

  /// The share of the devices that have entered once a wave, from 1, is full, in percent.
  public func share(ofWave wave: UInt32) -> UInt32 {
    wave == 0 ? 0 : UInt32(min(100, UInt64(canary) + UInt64(wave - 1) * UInt64(step)))
  }

  /// As many devices of so many; at least one where there are any.
  public func target(ofWave wave: UInt32, population: UInt64) -> UInt64 {
    let (whole, rest) = population.quotientAndRemainder(dividingBy: 100)
    let share = UInt64(share(ofWave: wave))
    return whole * share + (rest * share + 99) / 100
  }
}

public enum RolloverState: String, Codable, Sendable, CaseIterable {
  case planned, running, paused, aborting, aborted, finished

  /// Where an operator may lead it.
  public func allows(_ next: RolloverState) -> Bool {
    switch (self, next) {
    case (.planned, .running), (.planned, .aborted), (.running, .paused), (.paused, .running), (.running, .aborting),
      (.paused, .aborting), (.running, .finished), (.aborting, .aborted):
      true
    default: false
    }
  }

  /// Whether devices may still be in it.
  public var isUnderWay: Bool {
    switch self {
    case .running, .paused, .aborting: true
    case .planned, .aborted, .finished: false
    }
  }
}
