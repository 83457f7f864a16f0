public import MusterModel

/// The registry's rules, as pure functions: snapshots in, a plan or a refusal out. What a plan was made from is in its
/// `reads`, so that a commit after a change in between is stale.
public enum Registry {
  public static let trustAnchorLimit = 16
  public static let patternLimit = 1000
  public static let reasonLimit = 1024
  /// Generations are epoch · 10⁶ + n, n from 1.
  public static let generationsPerEpoch: UInt64 = 1_000_000

  /// Who is this hardware? The blocklist wins, whatever else says.
  public static func standing(of hardware: KnownHardware, patterns: PatternsSnapshot) -> Standing {
    let matching = patterns.entries.filter { $0.pattern.matches(hardware.id) }
    if hardware.snapshot?.listing == .blocked || matching.contains(where: { $0.listing == .blocked }) {
      return .blocked
    }
    if let device = hardware.snapshot?.boundTo { return .bound(device: device) }
    if let snapshot = hardware.snapshot, snapshot.listing == .allowed { return .allowed(group: snapshot.group) }
    return matching.first { $0.listing == .allowed }.map { .allowed(group: $0.group) } ?? .unknown
  }

  /// The standing of a board that shows several IDs: blocked if one is, then bound, allowed, unknown.
  public static func standing(of hardware: [KnownHardware], patterns: PatternsSnapshot) -> Standing {
    hardware.map { standing(of: $0, patterns: patterns) }.max { $0.rank < $1.rank } ?? .unknown
  }

  /// The generation after `last`; nil when the epoch has none left.
  static func generation(after last: UInt64, epoch: UInt32) -> UInt64? {
    let floor = UInt64(epoch) * generationsPerEpoch
    let next = max(last, floor) + 1
    return next < floor + generationsPerEpoch ? next : nil
  }

  static func checkReason(_ reason: String?) throws(RegistryRefusal) {
    if let reason, reason.utf8.count > reasonLimit { throw .reasonTooLong }
  }
}

extension Standing {
  fileprivate var rank: Int {
    switch self {
    case .unknown: 0
    case .allowed: 1
    case .bound: 2
    case .blocked: 3
    }
  }
}

extension RegistryDecision {
  /// nil stands for: it is so already.
  init(_ decide: () throws(RegistryRefusal) -> RegistryPlan?) {
    do throws(RegistryRefusal) {
      self = try decide().map { .plan($0) } ?? .unchanged
    } catch {
      self = .refused(error)
    }
  }
}
