public import KeyVault
public import MusterModel

/// A key ring as a listing shows it.
public struct KeyRingSummary: Codable, Sendable, Hashable {
  public let record: RecordID
  public let name: RecordName
  public let kind: RingKind
  public let settings: RingSettings
  public let minima: RingMinima
  public let newest: KeyVersionSummary
  public let created: Timestamp
  /// Whose it is, where it is a group's.
  public let group: RecordName?

  public init(
    record: RecordID, name: RecordName, kind: RingKind, settings: RingSettings, minima: RingMinima,
    newest: KeyVersionSummary, created: Timestamp, group: RecordName?
  ) {
    self.record = record
    self.name = name
    self.kind = kind
    self.settings = settings
    self.minima = minima
    self.newest = newest
    self.created = created
    self.group = group
  }

  /// When its newest version is replaced.
  public var rotates: Timestamp { newest.created + .seconds(settings.rotateEvery) }

  /// How often the newest version may still protect something; nil where nothing bounds it.
  public var protectionsLeft: UInt64? { settings.protectionLimit.map { $0 - min($0, newest.protections) } }
}

/// One version of a ring, never its bytes.
public struct KeyVersionSummary: Codable, Sendable, Hashable {
  public let number: UInt32
  public let record: RecordID
  public let state: KeyState
  public let check: String
  /// SPKI in DER, base64; nil for a symmetric key.
  public let publicKey: String?
  public let isImported: Bool
  public let created: Timestamp
  /// Since when it is in its state.
  public let since: Timestamp
  /// How often it may have protected something, and been used at all, so far.
  public let protections: UInt64
  public let uses: UInt64
  public let destroyAt: Timestamp?

  public init(
    number: UInt32, record: RecordID, state: KeyState, check: String, publicKey: String?, isImported: Bool,
    created: Timestamp, since: Timestamp, protections: UInt64, uses: UInt64, destroyAt: Timestamp?
  ) {
    self.number = number
    self.record = record
    self.state = state
    self.check = check
    self.publicKey = publicKey
    self.isImported = isImported
    self.created = created
    self.since = since
    self.protections = protections
    self.uses = uses
    self.destroyAt = destroyAt
  }
}

extension KeyVersionSummary {
  /// The same in another state from now on.
  func moved(to state: KeyState, at time: Timestamp) -> KeyVersionSummary {
    KeyVersionSummary(
      number: number, record: record, state: state, check: check, publicKey: publicKey, isImported: isImported,
      created: created, since: time, protections: protections, uses: uses, destroyAt: nil)
  }

  func destroyed(at time: Timestamp?) -> KeyVersionSummary {
    KeyVersionSummary(
      number: number, record: record, state: state, check: check, publicKey: publicKey, isImported: isImported,
      created: created, since: since, protections: protections, uses: uses, destroyAt: time)
  }
}

extension KeyVersionSnapshot {
  var summary: KeyVersionSummary {
    KeyVersionSummary(
      number: number, record: record, state: state, check: check,
      publicKey: publicKey.map { String(decoding: Base64.encode($0), as: UTF8.self) }, isImported: isImported,
      created: created, since: since, protections: protections, uses: uses, destroyAt: destroyAt)
  }
}

/// A ring with its versions, the newest first.
public struct KeyRingDetail: Codable, Sendable, Hashable {
  public let ring: KeyRingSummary
  public let versions: [KeyVersionSummary]

  public init(ring: KeyRingSummary, versions: [KeyVersionSummary]) {
    self.ring = ring
    self.versions = versions
  }
}

/// What the passing of time asks of key rings.
public struct DueRings: Sendable, Hashable {
  /// With the version that is to be replaced.
  public var rotate: [Ring] = []
  public var destroy: [Version] = []

  public struct Ring: Sendable, Hashable {
    public let name: RecordName
    public let newest: UInt32
    public init(name: RecordName, newest: UInt32) {
      self.name = name
      self.newest = newest
    }
  }

  public struct Version: Sendable, Hashable {
    public let ring: RecordName
    public let number: UInt32
    public init(ring: RecordName, number: UInt32) {
      self.ring = ring
      self.number = number
    }
  }

  public init() {}
}
