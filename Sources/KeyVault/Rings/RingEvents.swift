public import MusterModel

/// The kinds of events of key rings.
public enum RingEvents {
  public static let kinds: [EventKind] = [
    EventKind(KeyRingCreated.self), EventKind(KeyVersionMade.self), EventKind(KeyStateChanged.self),
    EventKind(KeyMinimaChanged.self), EventKind(KeyDestructionScheduled.self), EventKind(KeyUsesGranted.self),
    EventKind(KeyExported.self), EventKind(WrappingKeyMade.self),
  ]
}

/// A key ring came to be; its first version is an event of its own.
public struct KeyRingCreated: EventBody {
  public static let kind = "key-ring-created"
  public let ring: RecordID
  public let of: RingKind
  public let settings: RingSettings
  /// Whose it is, where it is a group's.
  public let group: RecordID?

  public struct Details: Codable, Hashable, Sendable {
    public let name: RecordName
    public init(name: RecordName) { self.name = name }
  }

  public init(ring: RecordID, of kind: RingKind, settings: RingSettings, group: RecordID? = nil) {
    self.ring = ring
    of = kind
    self.settings = settings
    self.group = group
  }
}

/// A version came to be, in the state pre-activation. Its bytes are sealed and no part of the ledger.
public struct KeyVersionMade: EventBody {
  public static let kind = "key-version-made"
  public let ring: RecordID
  /// From 1, without gaps.
  public let version: UInt32
  /// The version's own record.
  public let key: RecordID
  /// The key check with the version's record as key ID, in hex.
  public let check: String
  /// SPKI in DER, base64url; nil for a symmetric key.
  public let publicKey: String?
  /// Whether it was made elsewhere.
  public let isImported: Bool

  public init(
    ring: RecordID, version: UInt32, key: RecordID, check: String, publicKey: String?, isImported: Bool
  ) {
    self.ring = ring
    self.version = version
    self.key = key
    self.check = check
    self.publicKey = publicKey
    self.isImported = isImported
  }
}

/// A version moved from one state to another. Once destroyed, its bytes are gone.
public struct KeyStateChanged: EventBody {
  public static let kind = "key-state-changed"
  public let ring: RecordID
  public let version: UInt32
  public let from: KeyState
  public let to: KeyState

  public struct Details: Codable, Hashable, Sendable {
    public let reason: String?
    public init(reason: String?) { self.reason = reason }
  }

  public init(ring: RecordID, version: UInt32, from: KeyState, to: KeyState) {
    self.ring = ring
    self.version = version
    self.from = from
    self.to = to
  }
}

/// Versions below these open, and protect, nothing more.
public struct KeyMinimaChanged: EventBody {
  public static let kind = "key-minima-changed"
  public let ring: RecordID
  public let minima: RingMinima

  public init(ring: RecordID, minima: RingMinima) {
    self.ring = ring
    self.minima = minima
  }
}

/// A version will be destroyed at a time; nil where it will not after all.
public struct KeyDestructionScheduled: EventBody {
  public static let kind = "key-destruction-scheduled"
  public let ring: RecordID
  public let version: UInt32
  public let destroyAt: Timestamp?

  public init(ring: RecordID, version: UInt32, destroyAt: Timestamp?) {
    self.ring = ring
    self.version = version
    self.destroyAt = destroyAt
  }
}

/// The actor may use a version so many times until then: recorded before the first of them leaves. Who uses it once is
/// granted one; who goes on is granted twice as many each time.
public struct KeyUsesGranted: EventBody {
  public static let kind = "key-uses-granted"
  public static let changesRecords = false
  public let ring: RecordID
  public let version: UInt32
  public let use: RingUse
  public let uses: UInt64
  public let until: Timestamp

  public init(ring: RecordID, version: UInt32, use: RingUse, uses: UInt64, until: Timestamp) {
    self.ring = ring
    self.version = version
    self.use = use
    self.uses = uses
    self.until = until
  }
}

/// A version's key was about to leave, sealed to the public key with this SHA-256 (of its 32 bytes).
public struct KeyExported: EventBody {
  public static let kind = "key-exported"
  public static let changesRecords = false
  public let ring: RecordID
  public let version: UInt32
  public let recipient: Digest

  public init(ring: RecordID, version: UInt32, recipient: Digest) {
    self.ring = ring
    self.version = version
    self.recipient = recipient
  }
}
