public import KeyVault
public import MusterModel

/// Who asks: the hub, by its certificate. Both were in office when the request came.
public struct HubCredential: Sendable, Hashable {
  public let hub: RecordID
  public let certificate: RecordID
  /// The versions that it was authenticated from.
  public let reads: ReadSet

  public init(hub: RecordID, certificate: RecordID, reads: ReadSet) {
    self.hub = hub
    self.certificate = certificate
    self.reads = reads
  }
}

/// A place in the ledger: how many events, and the root over them.
public struct LedgerPlace: Codable, Sendable, Hashable {
  public let size: UInt64
  /// In hex.
  public let root: String

  public init(size: UInt64, root: Digest) {
    self.size = size
    self.root = root.hex
  }
}

/// The key that a hub registered, and what it was read from.
public struct RegisteredKey: Sendable, Hashable {
  public let key: SealKey
  public let reads: ReadSet

  public init(key: SealKey, reads: ReadSet) {
    self.key = key
    self.reads = reads
  }
}

/// How a hub names a certificate: by what a TLS peer shows.
public enum CertificateKey: Sendable, Hashable {
  case fingerprint(Digest)
  /// In hex, of whichever of the instance's issuers.
  case serial(String)
}

/// The registry and the ledger as hubs read them. Each answer is one snapshot, no older than the last commit that was
/// answered, and shows what is assigned to the hub and nothing else.
public protocol HubReader: Sendable {
  /// What the hub must know from `place` on, at most `limit` changes.
  func feed(of credential: HubCredential, after place: LedgerPlace, limit: Int) async throws -> FeedReading

  /// Wakes whoever waits for a hub's changes.
  var signal: HubSignal { get }

  /// Devices in the order in which they came to be, after the cursor, at most `limit`; those that are retired are not
  /// there any more.
  func devices(of hub: RecordID, after cursor: Int64, limit: Int, at time: Timestamp) async throws -> DeviceReading

  /// nil for what is not assigned to the hub.
  func device(_ id: DeviceID, of hub: RecordID, at time: Timestamp) async throws -> SealedDevice?

  /// In the order asked for; nil for what is not assigned to the hub.
  func holders(_ ids: [DeviceID], of hub: RecordID) async throws -> [KeyHolder?]

  /// The device that a certificate is of; nil where it is not assigned to the hub.
  func device(of certificate: CertificateKey, hub: RecordID, at time: Timestamp) async throws -> SealedDevice?

  /// The hub's host; nil where it is in office no more.
  func host(of hub: RecordID) async throws -> String?

  /// Whether hub and certificate are.
  func isInOffice(_ credential: HubCredential) async throws -> Bool

  /// What its devices' keys are sealed to; nil where it registered none.
  func sealKey(of hub: RecordID) async throws -> RegisteredKey?

  /// Whether the ledger had this root at this size.
  func holds(_ place: LedgerPlace) async throws -> Bool

  /// Whether a receipt up to `size` would say more than the hub's last: something that the hub must know stands between the
  /// two, or it gave none before.
  func saysMore(_ size: UInt64, from hub: RecordID) async throws -> Bool

  func statuses() async throws -> [HubStatus]

  /// Which hubs must enforce the last change of a certificate's status, and whether they do.
  func enforcement(ofCertificate record: RecordID) async throws -> Enforcement
}

/// The first line of a snapshot's part.
public struct SnapshotHead: Codable, Sendable, Hashable {
  public let place: LedgerPlace
  public let checkpoint: String
  public let key: String
  /// Absent in the last part.
  public let next: String?

  public init(_ reading: DeviceReading) { self.init(reading, next: reading.next) }

  init(_ reading: DeviceReading, next: Int64?) {
    place = reading.place
    checkpoint = reading.checkpoint
    key = reading.key
    self.next = next.map { String($0) }
  }
}

/// The last line of a whole fleet: without it something is missing.
public struct SnapshotEnd: Codable, Sendable, Hashable {
  /// How many there were.
  public let devices: Int

  public init(devices: Int) { self.devices = devices }
}

public enum FeedReading: Sendable {
  case page(FeedPage)
  /// The ledger is not the continuation of what the hub saw.
  case rolledBack
  /// The hub was removed, or its certificate revoked, while it waited.
  case notInOffice
}

/// A part of the snapshot that a hub starts from.
public struct DeviceReading: Sendable {
  /// What the feed is to be asked for next, if this is the first part.
  public let place: LedgerPlace
  public let checkpoint: String
  /// The ledger's verifier key: who has it from elsewhere compares.
  public let key: String
  public let devices: [SealedDevice]
  /// nil for the last part.
  public let next: Int64?

  public init(place: LedgerPlace, checkpoint: String, key: String, devices: [SealedDevice], next: Int64?) {
    self.place = place
    self.checkpoint = checkpoint
    self.key = key
    self.devices = devices
    self.next = next
  }
}

/// How far a hub is behind.
public struct HubStatus: Codable, Sendable, Hashable {
  public let hub: RecordID
  public let name: RecordName
  public let host: String
  /// Up to which size its receipts say that it enforces; nil before the first.
  public let enforced: UInt64?
  /// When its last receipt came.
  public let received: Timestamp?
  /// How many changes it must know of that no receipt covers yet, counted to `pendingLimit`.
  public let pending: UInt64
  /// Whether there are more.
  public let isMorePending: Bool
  /// A hub that was away for long is to be helped, not counted.
  public static let pendingLimit: UInt64 = 10_000
  /// Since when the oldest of them waits.
  public let pendingSince: Timestamp?

  public init(
    hub: RecordID, name: RecordName, host: String, enforced: UInt64?, received: Timestamp?, pending: UInt64,
    isMorePending: Bool, pendingSince: Timestamp?
  ) {
    self.hub = hub
    self.name = name
    self.host = host
    self.enforced = enforced
    self.received = received
    self.pending = pending
    self.isMorePending = isMorePending
    self.pendingSince = pendingSince
  }
}

/// Whether the hubs that concern know what became of a certificate.
public struct Enforcement: Codable, Sendable, Hashable {
  public struct Hub: Codable, Sendable, Hashable {
    public let name: RecordName
    public let isEnforced: Bool
    /// When the first receipt that covers it came.
    public let received: Timestamp?

    public init(name: RecordName, isEnforced: Bool, received: Timestamp?) {
      self.name = name
      self.isEnforced = isEnforced
      self.received = received
    }
  }

  /// The event that revoked or released it last; nil where none did.
  public let position: UInt64?
  public let at: Timestamp?
  public let hubs: [Hub]

  public init(position: UInt64?, at time: Timestamp?, hubs: [Hub]) {
    self.position = position
    at = time
    self.hubs = hubs
  }
}
