public import Attestation
public import CertificateAuthority
public import DeviceRegistry
public import KeyVault
public import MusterModel

// What people and programs see of each record. Field names are those of the API's JSON.

public struct DeviceSummary: Codable, Sendable, Hashable {
  public let record: RecordID
  public let deviceID: DeviceID
  public let state: DeviceState
  public let group: RecordName?
  public let hub: RecordName?
  /// Grows with each swap: epoch · 10⁶ + n.
  public let generation: UInt64
  public let enrolled: Timestamp
  /// When the device last called in and was answered.
  public let lastSeen: Timestamp?

  public init(
    record: RecordID, deviceID: DeviceID, state: DeviceState, group: RecordName?, hub: RecordName?,
    generation: UInt64, enrolled: Timestamp, lastSeen: Timestamp?
  ) {
    self.record = record
    self.deviceID = deviceID
    self.state = state
    self.group = group
    self.hub = hub
    self.generation = generation
    self.enrolled = enrolled
    self.lastSeen = lastSeen
  }
}

/// Where a device's private key lives, as far as its evidence shows.
public enum KeyResidence: String, Codable, Sendable, CaseIterable {
  /// The device made the key, and nothing shows where it is kept.
  case notAttested = "not-attested"
  /// In a TPM, which it cannot leave: `KeyAttestationSummary` says on what evidence. No other evidence says where a key
  /// lives: a ticket is an operator's word, a maker's certificate tells of another key.
  case tpm
}

/// One screen: what it is, on which hardware, until when, last seen, its hub, why it was last refused.
public struct DeviceDetail: Codable, Sendable, Hashable {
  public struct Hardware: Codable, Sendable, Hashable {
    public let hardware: HardwareID
    public let assurance: Assurance
    public init(hardware: HardwareID, assurance: Assurance) {
      self.hardware = hardware
      self.assurance = assurance
    }
  }

  public let summary: DeviceSummary
  public let hardware: [Hardware]
  public let boundSince: Timestamp?
  /// What the active binding was made from; nil where there is none.
  public let evidence: Evidence.Kind?
  public let keyResidence: KeyResidence?
  /// Of the key of its newest certificate, where a TPM holds it.
  public let attestation: KeyAttestationSummary?
  /// Of a factory line's device.
  public let provisioned: ProvisioningSummary?
  public let certificates: [CertificateSummary]
  /// Of its symmetric keys, the newest version first; empty where it never had any.
  public let keys: [DeviceKeyVersion]
  public let lastRefusal: RefusalSummary?
  /// The aggregate's version: the `ETag`.
  public let version: UInt64

  public init(
    summary: DeviceSummary, hardware: [Hardware], boundSince: Timestamp?, evidence: Evidence.Kind?,
    attestation: KeyAttestationSummary? = nil, provisioned: ProvisioningSummary? = nil,
    certificates: [CertificateSummary], keys: [DeviceKeyVersion], lastRefusal: RefusalSummary?,
    version: UInt64
  ) {
    self.summary = summary
    self.hardware = hardware
    self.boundSince = boundSince
    self.evidence = evidence
    keyResidence = evidence == nil ? nil : attestation == nil ? .notAttested : .tpm
    self.attestation = attestation
    self.provisioned = provisioned
    self.certificates = certificates
    self.keys = keys
    self.lastRefusal = lastRefusal
    self.version = version
  }
}

public struct RefusalSummary: Codable, Sendable, Hashable {
  public let at: Timestamp
  public let code: String
  /// nil where it was erased.
  public let reason: String?

  public init(at: Timestamp, code: String, reason: String?) {
    self.at = at
    self.code = code
    self.reason = reason
  }
}

public struct CertificateSummary: Codable, Sendable, Hashable {
  public enum Status: String, Codable, Sendable { case good, held, revoked }
  public let record: RecordID
  public let subject: RecordID?
  /// The device ID or name of the subject, where it has one.
  public let subjectName: String?
  public let issuerKeyID: String
  public let serial: String
  /// SHA-256 of the DER, in hex.
  public let fingerprint: String
  public let profile: String
  public let notBefore: Timestamp
  public let notAfter: Timestamp
  public let status: Status
  public let revoked: Timestamp?
  public let reason: RevocationReason?
  /// The ledger position of the event that issued it.
  public let position: UInt64
  /// Where one certificate is shown, and a TPM holds its key.
  public private(set) var attestation: KeyAttestationSummary?

  public init(
    record: RecordID, subject: RecordID?, subjectName: String?, issuerKeyID: String, serial: String,
    fingerprint: String, profile: String, notBefore: Timestamp, notAfter: Timestamp, status: Status,
    revoked: Timestamp?, reason: RevocationReason?, position: UInt64
  ) {
    self.record = record
    self.subject = subject
    self.subjectName = subjectName
    self.issuerKeyID = issuerKeyID
    self.serial = serial
    self.fingerprint = fingerprint
    self.profile = profile
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.status = status
    self.revoked = revoked
    self.reason = reason
    self.position = position
  }

  public func with(_ attestation: KeyAttestationSummary?) -> CertificateSummary {
    var summary = self
    summary.attestation = attestation
    return summary
  }
}

/// A hardware ID or a pattern on record: it is one of them, unless what it said was erased.
public struct HardwareSummary: Codable, Sendable, Hashable {
  /// nil for a pattern, and for what is on no list and has none.
  public let record: RecordID?
  public let hardware: HardwareID?
  public let pattern: HardwarePattern?
  public let listing: HardwareListed.Listing
  public let group: RecordName?
  /// The device it is bound to.
  public let device: DeviceID?
  public let reason: String?

  public init(
    record: RecordID?, hardware: HardwareID?, listing: HardwareListed.Listing, group: RecordName?, device: DeviceID?,
    reason: String?
  ) {
    self.record = record
    self.hardware = hardware
    pattern = nil
    self.listing = listing
    self.group = group
    self.device = device
    self.reason = reason
  }

  public init(
    pattern: HardwarePattern, listing: HardwareListed.Listing, group: RecordName?, reason: String?
  ) {
    record = nil
    hardware = nil
    self.pattern = pattern
    self.listing = listing
    self.group = group
    device = nil
    self.reason = reason
  }
}

public struct GroupSummary: Codable, Sendable, Hashable {
  public let record: RecordID
  public let name: RecordName
  public let profile: String?
  public let hub: RecordName?
  public let trustAnchors: [Digest]
  public let devices: Int

  public init(
    record: RecordID, name: RecordName, profile: String?, hub: RecordName?, trustAnchors: [Digest], devices: Int
  ) {
    self.record = record
    self.name = name
    self.profile = profile
    self.hub = hub
    self.trustAnchors = trustAnchors
    self.devices = devices
  }
}

public struct TicketSummary: Codable, Sendable, Hashable {
  public enum State: String, Codable, Sendable { case open, redeemed, cancelled, expired }
  public let record: RecordID
  public let deviceID: DeviceID?
  public let hardware: HardwareID?
  public let isSwap: Bool
  public let group: RecordName?
  public let issued: Timestamp
  public let issuedBy: RecordName?
  public let expires: Timestamp
  public let state: State
  public let redeemed: Timestamp?
  /// Why a redemption was refused: `used 14:02 by another key`.
  public let lastRefusal: RefusalSummary?

  public init(
    record: RecordID, deviceID: DeviceID?, hardware: HardwareID?, isSwap: Bool, group: RecordName?,
    issued: Timestamp, issuedBy: RecordName?, expires: Timestamp, state: State, redeemed: Timestamp?,
    lastRefusal: RefusalSummary?
  ) {
    self.record = record
    self.deviceID = deviceID
    self.hardware = hardware
    self.isSwap = isSwap
    self.group = group
    self.issued = issued
    self.issuedBy = issuedBy
    self.expires = expires
    self.state = state
    self.redeemed = redeemed
    self.lastRefusal = lastRefusal
  }
}

public struct OperatorSummary: Codable, Sendable, Hashable {
  public let record: RecordID
  public let name: RecordName
  public let role: Role
  public let groups: [RecordName]
  public let added: Timestamp
  public let certificateExpires: Timestamp?

  public init(
    record: RecordID, name: RecordName, role: Role, groups: [RecordName], added: Timestamp,
    certificateExpires: Timestamp?
  ) {
    self.record = record
    self.name = name
    self.role = role
    self.groups = groups
    self.added = added
    self.certificateExpires = certificateExpires
  }
}

public struct HubSummary: Codable, Sendable, Hashable {
  public let record: RecordID
  public let name: RecordName
  public let host: String
  public let groups: [RecordName]
  public let added: Timestamp
  public let certificateExpires: Timestamp?
  /// SHA-256 of the key that its devices' keys are sealed to, in hex.
  public let sealKey: String?

  public init(
    record: RecordID, name: RecordName, host: String, groups: [RecordName], added: Timestamp,
    certificateExpires: Timestamp?, sealKey: String?
  ) {
    self.record = record
    self.name = name
    self.host = host
    self.groups = groups
    self.added = added
    self.certificateExpires = certificateExpires
    self.sealKey = sealKey
  }
}

/// One event of a record's history.
public struct HistoryEntry: Codable, Sendable, Hashable {
  public let position: UInt64
  public let at: Timestamp
  public let kind: String
  /// Who: a name where the record has one, else the actor as the event says it.
  public let by: String
  /// In a sentence; `erased` where what it said is gone.
  public let what: String

  public init(position: UInt64, at: Timestamp, kind: String, by: String, what: String) {
    self.position = position
    self.at = at
    self.kind = kind
    self.by = by
    self.what = what
  }
}
