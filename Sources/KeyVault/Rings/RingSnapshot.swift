public import MusterModel

/// A key ring as the registry has it.
public struct RingSnapshot: Sendable, Hashable {
  public let record: RecordID
  /// As an aggregate.
  public let version: UInt64
  public let name: RecordName
  public let kind: RingKind
  public let settings: RingSettings
  public let minima: RingMinima
  /// The number of the newest version, from 1.
  public let newest: UInt32
  /// Whose it is, where it is a group's.
  public let group: RecordID?

  public init(
    record: RecordID, version: UInt64, name: RecordName, kind: RingKind, settings: RingSettings, minima: RingMinima,
    newest: UInt32, group: RecordID?
  ) {
    self.record = record
    self.version = version
    self.name = name
    self.kind = kind
    self.settings = settings
    self.minima = minima
    self.newest = newest
    self.group = group
  }
}

/// What is fixed when a ring is made.
public struct RingSettings: Codable, Sendable, Hashable {
  /// Whether its keys may leave, wrapped for whoever asks.
  public let isExportable: Bool
  /// How long a version that is to be destroyed is still there, in seconds.
  public let destroyWait: Int64
  /// After how many seconds a version is replaced.
  public let rotateEvery: Int64
  /// How often a version may protect something; nil where nothing bounds it.
  public let protectionLimit: UInt64?

  public init(isExportable: Bool, destroyWait: Int64, rotateEvery: Int64, protectionLimit: UInt64?) {
    self.isExportable = isExportable
    self.destroyWait = destroyWait
    self.rotateEvery = rotateEvery
    self.protectionLimit = protectionLimit
  }
}

/// The lowest versions that still open, and that protect.
public struct RingMinima: Codable, Sendable, Hashable {
  public let decrypt: UInt32
  public let encrypt: UInt32

  public init(decrypt: UInt32, encrypt: UInt32) {
    self.decrypt = decrypt
    self.encrypt = encrypt
  }
}

/// One version of a ring.
public struct KeyVersionSnapshot: Sendable, Hashable {
  /// The version's own record, which owns its sealed bytes.
  public let record: RecordID
  public let number: UInt32
  public let state: KeyState
  /// The key check, in hex.
  public let check: String
  /// SPKI in DER; nil for a symmetric key.
  public let publicKey: [UInt8]?
  public let isImported: Bool
  public let created: Timestamp
  /// Since when it is in its state.
  public let since: Timestamp
  /// How often it may have protected something so far.
  public let protections: UInt64
  /// How often it may have been used at all.
  public let uses: UInt64
  /// When its bytes will go, where that was asked for and is waited for.
  public let destroyAt: Timestamp?
  /// nil once it is destroyed.
  public let sealed: SealedSecret?

  public init(
    record: RecordID, number: UInt32, state: KeyState, check: String, publicKey: [UInt8]?, isImported: Bool,
    created: Timestamp, since: Timestamp, protections: UInt64, uses: UInt64, destroyAt: Timestamp?,
    sealed: SealedSecret?
  ) {
    self.record = record
    self.number = number
    self.state = state
    self.check = check
    self.publicKey = publicKey
    self.isImported = isImported
    self.created = created
    self.since = since
    self.protections = protections
    self.uses = uses
    self.destroyAt = destroyAt
    self.sealed = sealed
  }
}
