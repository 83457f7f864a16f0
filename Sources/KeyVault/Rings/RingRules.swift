public import MusterModel

/// Why something is not done with a key ring.
public enum RingRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  case unknown
  case nameTaken(RecordName)
  case versionUnknown(UInt32)
  case otherKind(RingUse, RingKind)
  case state(KeyState, RingUse)
  case move(from: KeyState, to: KeyState)
  case belowMinimum(UInt32, minimum: UInt32)
  case minima(RingMinima, newest: UInt32)
  case otherRing
  case exhausted(UInt64)
  case notExportable
  case suspended(UInt32)
  case groupNeeded(RingKind)
  case tooManyInGroup
  case tooManyVersions

  /// Stable, in kebab-case.
  public var code: String {
    switch self {
    case .unknown: "key-unknown"
    case .nameTaken: "key-name-taken"
    case .versionUnknown: "key-version-unknown"
    case .otherKind: "key-kind"
    case .state, .suspended: "key-state"
    case .move: "key-move"
    case .belowMinimum: "key-version-below-minimum"
    case .minima: "key-minima"
    case .otherRing: "key-other"
    case .exhausted: "key-exhausted"
    case .notExportable: "key-not-exportable"
    case .groupNeeded: "key-group-needed"
    case .tooManyInGroup: "too-many-group-keys"
    case .tooManyVersions: "too-many-key-versions"
    }
  }

  public var description: String {
    switch self {
    case .unknown: "expected a key ring of that name, found none"
    case .nameTaken(let name): "expected a name that is free, found a key ring named \(name)"
    case .versionUnknown(let version): "expected a version that the key ring has, found \(version)"
    case .otherKind(let use, let kind): "expected a key ring to \(use.verb) with, found one of kind \(kind.rawValue)"
    case .state(let state, let use): "expected a version to \(use.verb) with, found one that is \(state.rawValue)"
    case .move(let from, let to):
      "expected a version that can become \(to.rawValue), found one that is \(from.rawValue)"
    case .belowMinimum(let version, let minimum): "expected version \(minimum) or later, found \(version)"
    case .minima(let minima, let newest):
      "expected minima with 1 ≤ decrypt ≤ encrypt ≤ \(newest), found \(minima.decrypt) and \(minima.encrypt)"
    case .otherRing: "expected what this key ring made, found what another did"
    case .exhausted(let limit): "expected a version that protected less than \(limit) times, found it used up: rotate"
    case .suspended(let version): "expected a version that is not suspended, found \(version)"
    case .notExportable: "expected a key ring that was made exportable, found one that was not"
    case .groupNeeded(let kind): "expected the group that a key ring of kind \(kind.rawValue) is for, found none"
    case .tooManyInGroup:
      "expected fewer than \(RingSnapshot.groupLimit) key rings by which boards enroll into the group, found as many"
    case .tooManyVersions:
      "expected fewer than \(RingSnapshot.boardVersionLimit) versions by which boards enroll, found as many: raise the "
        + "minimum to decrypt, or destroy old ones"
    }
  }
}

extension RingUse {
  fileprivate var verb: String {
    switch self {
    case .encrypt: "encrypt"
    case .decrypt: "decrypt"
    case .rewrap: "rewrap"
    case .mac: "authenticate"
    case .verify: "verify"
    case .sign: "sign"
    case .derive: "derive"
    case .dataKey: "make a data key"
    }
  }
}

extension RingSnapshot {
  /// Why a version is not used so; nil where it may be.
  public func refusal(of use: RingUse, _ version: KeyVersionSnapshot) -> RingRefusal? {
    guard kind.uses.contains(use) else { return .otherKind(use, kind) }
    guard version.state.permits(use) else { return .state(version.state, use) }
    let minimum = use.protects ? minima.encrypt : minima.decrypt
    return version.number < minimum ? .belowMinimum(version.number, minimum: minimum) : nil
  }

  /// How many versions of a ring, and how many rings of a group, are tried for a board's token: what a stranger makes us try is
  /// bounded.
  public static let boardVersionLimit = 16
  public static let groupLimit = 4

  /// Whether boards whose keys come from a version enroll: rotating breaks none of them.
  public func enrollsBoards(by version: KeyVersionSnapshot) -> Bool {
    kind == .groupEnrollment && version.state.permits(.verify) && version.number >= minima.decrypt
  }

  /// Why a version's key does not leave; nil where it may.
  public func refusal(ofExport version: KeyVersionSnapshot) -> RingRefusal? {
    if version.state == .suspended { return .suspended(version.number) }
    return version.number < minima.decrypt ? .belowMinimum(version.number, minimum: minima.decrypt) : nil
  }

  /// Whether the minima may be these.
  public func refusal(of minima: RingMinima) -> RingRefusal? {
    let isOrdered = 1 <= minima.decrypt && minima.decrypt <= minima.encrypt && minima.encrypt <= newest
    return isOrdered ? nil : .minima(minima, newest: newest)
  }

  /// A version's way to another state. A version that is let in again is active only while it is the newest.
  public func move(
    _ version: KeyVersionSnapshot, to state: KeyState
  ) -> Result<KeyStateChanged, RingRefusal> {
    let state = state == .active && version.number != newest ? .deactivated : state
    // What protects is deactivated by the version that takes over, and by nothing else.
    let isRotation = version.state == .active && state == .deactivated
    guard version.state.next.contains(state), !isRotation else {
      return .failure(.move(from: version.state, to: state))
    }
    return .success(KeyStateChanged(ring: record, version: version.number, from: version.state, to: state))
  }
}
