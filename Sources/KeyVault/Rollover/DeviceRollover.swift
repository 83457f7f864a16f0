public import MusterModel

/// What a rollover replaces.
public enum RolloverKind: String, Codable, Sendable, CaseIterable {
  /// The service makes the new one, beside the one that the device proved.
  case keys
  /// The device has the new one made, by renewing. Its versions are two: 1 is each that is to leave, 2 each that stays.
  case certificates
}

/// Where one device stands in a rollover: a pure machine, the same whether it is told by the service or built again from
/// events (`Docs/rollover.md` has its table). What it is for: the version that a device proved last is never taken from
/// it, but where the plan says so at the deadline.
public struct DeviceRollover: Sendable, Hashable {
  public enum Stage: String, Codable, Sendable, CaseIterable {
    /// In an open wave; it has not called in since, so that nobody knows which of its versions it uses.
    case waiting
    /// It called in; a new version may be made beside the one that it proved, or the device was told to have one made.
    case called
    /// The new version is there; that it arrived nobody knows.
    case made
    /// It was fetched, by the device or a hub; or the device went back to the old one.
    case offered
    /// The device proved it; the old one is kept for the overlap.
    case proved
    /// The old one proves nothing any more.
    case settled
    /// The old one was taken at the deadline from a device that had not proved the new one.
    case broken
    /// Aborted: the new one proves nothing any more.
    case returned
    /// Aborted after the device had proved the new one, or was sent a new certificate: both stay.
    case kept
    /// It goes to and fro between its keys: none is taken from it.
    case undecided
    /// Out of it: aborted before anything was made, retired, on other hardware, or given other keys by hand.
    case left

    public var isOpen: Bool {
      switch self {
      case .waiting, .called, .made, .offered, .proved: true
      case .settled, .broken, .returned, .kept, .undecided, .left: false
      }
    }

    /// Those of devices that the rollover waits for.
    public static let straggling: [Stage] = [.waiting, .called, .made, .offered, .undecided]
  }

  public enum Move: Sendable, Hashable {
    /// The device showed that it uses this version, and no longer the one before.
    case proved(UInt32)
    /// A new version, beside the one that was proved.
    case made(UInt32)
    /// A new version in the place of all that the device had.
    case replaced(UInt32)
    case offered
    case ended(RolloverKeyEnded.Cause)
    case left(RolloverDevicesLeft.Cause)
    /// What happened to the device outside of the rollover made its keys others.
    case removed
  }

  /// How many changes of key are on record of one device: a device that changes for ever must not lengthen the ledger.
  public static let proofLimit: UInt32 = 8

  /// Of certificates, the version of each that is to leave, and of each that stays.
  public static let (leaving, staying): (UInt32, UInt32) = (1, 2)

  public let kind: RolloverKind
  public private(set) var stage: Stage
  /// The version that the device proved last since it entered.
  public private(set) var known: UInt32?
  /// The version that was made for it.
  public private(set) var made: UInt32?
  public private(set) var proofs: UInt32
  /// Since when it is in this stage.
  public private(set) var since: Timestamp

  /// It enters.
  public init(_ kind: RolloverKind = .keys, at time: Timestamp) {
    self.init(kind, stage: .waiting, known: nil, made: nil, proofs: 0, since: time)
  }

  /// As it was kept.
  public init(
    _ kind: RolloverKind = .keys, stage: Stage, known: UInt32?, made: UInt32?, proofs: UInt32, since: Timestamp
  ) {
    self.kind = kind
    self.stage = stage
    self.known = known
    self.made = made
    self.proofs = proofs
    self.since = since
  }

  /// Whether a use of this version must be on record before the device is told that it is good: what is taken from a
  /// device is decided from what it proved last, and a crash must not forget that.
  public func mustRecord(_ version: UInt32) -> Bool { stage.isOpen && known != version }

  /// What stays beside a new version.
  public var keeps: UInt32? { stage == .called ? known : nil }

  /// What stays where the other version ends; nil where nothing may end for this cause. Of certificates both stay after an
  /// abort: a device that was sent the new one may have let go of the old.
  public func stays(after cause: RolloverKeyEnded.Cause) -> UInt32? {
    switch (kind, cause, stage) {
    case (_, .overlap, .proved), (_, .deadline, .made), (_, .deadline, .offered): made
    case (.keys, .aborted, .made), (.keys, .aborted, .offered): known
    case (.certificates, .deadline, .waiting), (.certificates, .deadline, .called): DeviceRollover.staying
    default: nil
    }
  }

  /// Whether an abort leaves the device with what it has.
  private var keepsAll: Bool { stage == .proved || kind == .certificates && (stage == .made || stage == .offered) }

  /// Throws for a move that the table does not have.
  public mutating func move(_ move: Move, at time: Timestamp) throws(RolloverFault) {
    let before = stage
    guard let next = next(after: move) else { throw .notAllowed(move, in: stage) }
    stage = next
    switch move {
    case .proved(let version):
      known = version
      proofs += 1
      if kind == .certificates, version == DeviceRollover.staying { made = version }
    case .made(let version), .replaced(let version): made = version
    case .offered, .ended, .left, .removed: break
    }
    if stage != before { since = time }
  }

  /// nil where there is no such move.
  private func next(after move: Move) -> Stage? {
    guard stage.isOpen else { return nil }
    switch move {
    case .proved(let version):
      guard mustRecord(version) else { return nil }
      if proofs + 1 >= DeviceRollover.proofLimit { return .undecided }
      if kind == .certificates, version == DeviceRollover.staying { return .proved }
      guard let made else { return .called }
      return version == made ? .proved : .offered
    case .made: return stage == .called || kind == .certificates && stage == .waiting ? .made : nil
    case .replaced: return kind == .keys && made == nil ? .broken : nil
    case .offered: return stage == .made ? .offered : stage
    case .ended(let cause):
      guard stays(after: cause) != nil else { return nil }
      return switch cause {
      case .overlap: .settled
      case .aborted: .returned
      case .deadline: .broken
      }
    case .left:
      if keepsAll { return .kept }
      return made == nil ? .left : nil
    case .removed: return .left
    }
  }
}

/// A move that the machine does not have: what is on record contradicts itself, or a decision is not of now.
public enum RolloverFault: Error, Sendable, Hashable, CustomStringConvertible {
  case notAllowed(DeviceRollover.Move, in: DeviceRollover.Stage)

  public var description: String {
    switch self {
    case .notAllowed(let move, let stage): "expected a move that a device has that is \(stage.rawValue), found \(move)"
    }
  }
}
