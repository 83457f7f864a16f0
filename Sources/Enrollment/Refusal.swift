public import Attestation
public import CertificateAuthority
public import DeviceRegistry
public import KeyVault
public import Policy

/// Why a request was not done: a value with a stable code, and who must act.
public struct Refusal: Sendable, Hashable, Error {
  /// What the caller can make of it; HTTP maps it to a status in one place.
  public enum Kind: Sendable, Hashable {
    /// What was sent is not what was expected.
    case invalid
    /// Nobody has shown who they are, or not well enough.
    case unauthenticated
    case forbidden
    case notFound
    /// The state of things does not allow it.
    case conflict
    /// `If-Match` names another version.
    case preconditionFailed
    /// Not now: sealed, contended.
    case unavailable
    /// Asked too often.
    case tooMany
  }

  public let kind: Kind
  /// Stable, in kebab-case.
  public let code: String
  /// What was expected and what was found.
  public let reason: String
  /// Whether an event says so: else it is to be counted.
  public internal(set) var isRecorded = false

  public init(_ kind: Kind, _ code: String, _ reason: String) {
    self.kind = kind
    self.code = code
    self.reason = reason
  }
}

/// What came of a request.
public enum Outcome<Value: Sendable>: Sendable {
  case done(Value)
  case refused(Refusal)

  public func get() throws(Refusal) -> Value {
    switch self {
    case .done(let value): value
    case .refused(let refusal): throw refusal
    }
  }
}

// MARK: - Refusals of the rooms below

extension Refusal {
  public init(_ refusal: RequestRefusal) { self.init(.invalid, refusal.code, refusal.description) }

  public init(_ refusal: AttestationRefusal) { self.init(.unauthenticated, refusal.code, refusal.description) }

  public init(_ refusal: EnrollmentRefusal) { self.init(.forbidden, refusal.code, refusal.description) }

  public init(_ refusal: AccessRefusal) { self.init(.forbidden, refusal.code, refusal.description) }

  public init(_ refusal: RegistryRefusal) {
    let kind: Kind =
      switch refusal {
      case .deviceUnknown, .ticketUnknown, .groupUnknown, .orderUnknown, .stationUnknown: .notFound
      case .noHardware, .ticketLifetime, .tooManyTrustAnchors, .reasonTooLong, .orderCount, .orderOver: .invalid
      case .hardwareBlocked, .deviceDisabled: .forbidden
      default: .conflict
      }
    self.init(kind, refusal.code, refusal.description)
  }

  public init(_ refusal: RingRefusal) {
    let kind: Kind =
      switch refusal {
      case .unknown, .versionUnknown: .notFound
      case .otherKind, .minima, .otherRing, .groupNeeded: .invalid
      case .state, .suspended, .belowMinimum, .notExportable: .forbidden
      case .nameTaken, .move, .exhausted, .tooManyInGroup, .tooManyVersions: .conflict
      }
    self.init(kind, refusal.code, refusal.description)
  }

  public static let sealed = Refusal(.unavailable, "vault-sealed", "expected an unsealed vault, found it sealed")
  static let contended = Refusal(
    .unavailable, "contended", "expected the facts to stand still for one commit, found them changed three times")
}
