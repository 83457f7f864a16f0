public import Attestation
public import CertificateAuthority
public import DeviceRegistry
public import KeyVault
public import MusterModel

/// All that one use case was told, in one snapshot. Each fact holds its version; `reads` holds the versions of what has no
/// snapshot of its own here.
public struct Facts: Sendable {
  /// The policies in force, the vault, and each record below. What is signed before a seal is stale after it.
  public var reads = ReadSet()
  public var ticket: TicketSnapshot?
  /// With `deviceOfHardware`, the device that the first hardware ID is bound to; else, or where there is none,
  /// the device that is not retired and has the ID that an order allows that hardware for, unless the query names an
  /// order; else the ID asked for or the ticket's; else the subject of the certificate
  /// asked for.
  public var device: DeviceSnapshot?
  /// Each hardware ID asked for, then the ticket's, with what is known of it; each once.
  public var hardware: [KnownHardware] = []
  /// The records of `device`'s active binding.
  public var boundHardware: [HardwareSnapshot] = []
  public var patterns = PatternsSnapshot()
  public var order: OrderSnapshot?
  /// Whose the run asked for is; nil while it is nobody's.
  public var batchHolder: BatchHolder?
  /// The order that the ticket names; with `deviceOfHardware`, the one by which the first hardware ID may enroll.
  public var allowingOrder: OrderSnapshot?
  /// With `secret`, the one-time secret of the first hardware ID, by an order that is open.
  public var secret: OpenSecret?
  /// With an order, how the active binding of `device` came to be.
  public var bindingOrigin: BindingOrigin?
  /// With an order, the line of the event that issued the first certificate of that binding.
  public var bindingEvent: [UInt8]?
  /// The group asked for; else the order's; else the ticket's; else the device's; else the key ring's; else the one the first
  /// allowed hardware is allowed for.
  public var group: GroupSnapshot?
  /// The record that holds or held the public key asked for.
  public var publicKeyOwner: RecordID?
  /// Whether a certificate for the public key asked for was revoked because the key is known to others.
  public var publicKeyIsCompromised = false
  /// The certificate asked for; else the one that the ticket's redemption got.
  public var certificate: CertificateSnapshot?
  /// Certificates of `device` (or, where asked, of the operator or hub) that are neither over nor revoked for good.
  public var deviceCertificates: [CertificateSnapshot] = []
  /// Where they were asked for.
  public var deviceKeys: DeviceKeysSnapshot?
  /// Of the rollover that the device is in; else of the last that took its old key.
  public var deviceRollover: DeviceRollover?
  /// The one asked for.
  public var rollover: RolloverSnapshot?
  public var hasDeviceKeys = false
  public var deviceHub: HubSnapshot?
  public var `operator`: OperatorSnapshot?
  public var hub: HubSnapshot?
  /// The groups asked for by name that exist.
  public var groups: [GroupSnapshot] = []
  /// By which boards enroll into `group`, where they were asked for: `RingSnapshot.groupLimit` at most.
  public var boardRings: [BoardRing] = []
  /// By how many of the ring's versions they do; one more than may be, at most.
  public var boardVersions = 0
  /// How many devices that are not retired are in `group`.
  public var groupDevices = 0
  /// The challenge asked for, where it is open; its time may be over.
  public var challenge: OpenChallenge?
  /// The key of the device's active binding, where it was attested to be in a TPM: the SHA-256 of its SPKI.
  public var attestedKey: Digest?
  public var ring: RingSnapshot?
  /// Of `ring`, by number: the newest, and those that were asked for and exist.
  public var ringVersions: [UInt32: KeyVersionSnapshot] = [:]
  /// Where it was asked for, and there is one.
  public var wrappingKey: SealedSecret?

  public init() {}
}

/// Facts as one step hands them to the next: by reference, for to copy them all is to count dozens of references.
@dynamicMemberLookup
public final class GivenFacts: Sendable {
  public let all: Facts

  public init(_ facts: Facts) { all = facts }

  @inlinable public subscript<Fact>(dynamicMember fact: KeyPath<Facts, Fact>) -> Fact { all[keyPath: fact] }
}

/// A certificate that this instance issued.
public struct CertificateSnapshot: Sendable, Hashable {
  public enum Status: Sendable, Hashable {
    case good
    case held
    case revoked(RevocationReason, at: Timestamp)
  }

  public let record: RecordID
  public let version: UInt64
  public let issuerKeyID: String
  public let serial: String
  public let subject: RecordID?
  public let profile: String
  public let publicKey: Digest
  /// SHA-256 of the DER.
  public let fingerprint: Digest
  public let notBefore: Timestamp
  public let notAfter: Timestamp
  public let status: Status
  /// Whether it is on hold because its device is disabled: enabling that lifts this hold and no other.
  public let isHeldWithDevice: Bool
  /// The certificate that it renewed.
  public let replaces: RecordID?
  /// Set once it was renewed itself: from then on it is over.
  public let overlapUntil: Timestamp?
  /// Where it was issued, and its DER.
  public let position: UInt64
  public let der: [UInt8]

  public init(
    record: RecordID, version: UInt64, issuerKeyID: String, serial: String, subject: RecordID?, profile: String,
    publicKey: Digest, fingerprint: Digest, notBefore: Timestamp, notAfter: Timestamp, status: Status,
    isHeldWithDevice: Bool,
    replaces: RecordID?, overlapUntil: Timestamp?, position: UInt64, der: [UInt8]
  ) {
    self.record = record
    self.version = version
    self.issuerKeyID = issuerKeyID
    self.serial = serial
    self.subject = subject
    self.profile = profile
    self.publicKey = publicKey
    self.fingerprint = fingerprint
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.status = status
    self.isHeldWithDevice = isHeldWithDevice
    self.replaces = replaces
    self.overlapUntil = overlapUntil
    self.position = position
    self.der = der
  }
}

public struct OperatorSnapshot: Sendable, Hashable {
  public let record: RecordID
  public let version: UInt64
  public let name: RecordName
  public let role: Role
  public let groups: [RecordID]
  public let isRemoved: Bool

  public init(
    record: RecordID, version: UInt64, name: RecordName, role: Role, groups: [RecordID], isRemoved: Bool
  ) {
    self.record = record
    self.version = version
    self.name = name
    self.role = role
    self.groups = groups
    self.isRemoved = isRemoved
  }
}

public struct HubSnapshot: Sendable, Hashable {
  public let record: RecordID
  public let version: UInt64
  public let name: RecordName
  public let host: String
  public let groups: [RecordID]
  public let isRemoved: Bool

  public init(
    record: RecordID, version: UInt64, name: RecordName, host: String, groups: [RecordID], isRemoved: Bool
  ) {
    self.record = record
    self.version = version
    self.name = name
    self.host = host
    self.groups = groups
    self.isRemoved = isRemoved
  }
}

/// The symmetric keys that a device has, as they lie sealed.
public struct DeviceKeysSnapshot: Sendable, Hashable {
  /// The binding that they were made for.
  public let generation: UInt64
  public let primary: SealedSecret
  /// nil once a rollover has ended the old one.
  public let secondary: SealedSecret?
  /// Until when the enrollment that made them may ask for them again; nil once they are confirmed or proved.
  public let deliverUntil: Timestamp?
  /// The last version that the device ever had.
  public let lastVersion: UInt32
  /// The version that the device proved last.
  public let proved: UInt32?

  public init(
    generation: UInt64, primary: SealedSecret, secondary: SealedSecret?, deliverUntil: Timestamp?, lastVersion: UInt32,
    proved: UInt32?
  ) {
    self.generation = generation
    self.primary = primary
    self.secondary = secondary
    self.deliverUntil = deliverUntil
    self.lastVersion = lastVersion
    self.proved = proved
  }

  /// What the device is not to lose: the version that it proved last, where that is one of the two; else the primary.
  public var lastUsed: SealedSecret { secondary.flatMap { $0.version == proved ? $0 : nil } ?? primary }

  /// The sealed key of a version that the device has.
  public func sealed(_ version: UInt32) -> SealedSecret? {
    [primary, secondary].compactMap(\.self).first { $0.version == version }
  }
}

/// A key ring by which boards enroll into a group, with the versions whose boards do.
public struct BoardRing: Sendable, Hashable {
  public let ring: RingSnapshot
  /// The newest first, `RingSnapshot.boardVersionLimit` at most.
  public let versions: [KeyVersionSnapshot]

  public init(ring: RingSnapshot, versions: [KeyVersionSnapshot]) {
    self.ring = ring
    self.versions = versions
  }
}

/// Whose a certificate is: what each request with a client certificate asks first.
public struct IdentityFacts: Sendable {
  public enum Subject: Sendable {
    case device(DeviceSnapshot)
    case `operator`(OperatorSnapshot)
    case hub(HubSnapshot)
  }

  public let certificate: CertificateSnapshot
  public let subject: Subject
  /// Of a device, where it stands in a rollover of certificates; nil where it is in none.
  public let certificateRollover: CertificateRolloverStanding?

  public init(
    certificate: CertificateSnapshot, subject: Subject, certificateRollover: CertificateRolloverStanding? = nil
  ) {
    self.certificate = certificate
    self.subject = subject
    self.certificateRollover = certificateRollover
  }
}

/// A maker's certificate under which IDevIDs enroll into a group.
public struct GroupAnchor: Sendable, Hashable {
  public let group: RecordID
  public let der: [UInt8]

  public init(group: RecordID, der: [UInt8]) {
    self.group = group
    self.der = der
  }
}

/// The certificates of TPM makers that are trusted, in DER, and the version of their list.
public struct TPMMakersSnapshot: Sendable, Hashable {
  public let version: UInt64
  public let certificates: [[UInt8]]

  public init(version: UInt64, certificates: [[UInt8]]) {
    self.version = version
    self.certificates = certificates
  }
}
