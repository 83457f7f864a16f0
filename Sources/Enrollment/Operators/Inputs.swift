public import MusterModel

// What operators ask for, as the API's JSON says it. Texts are parsed by the use case, so that what is malformed is
// refused with a code of its own.

public struct TicketInput: Codable, Sendable, Hashable {
  public let hardware: String
  public let deviceID: String
  public let swap: Bool?
  /// How long it is good for, in seconds; 24 hours by default.
  public let validSeconds: Int?
  public let group: String?

  public init(hardware: String, deviceID: String, swap: Bool?, validSeconds: Int?, group: String?) {
    self.hardware = hardware
    self.deviceID = deviceID
    self.swap = swap
    self.validSeconds = validSeconds
    self.group = group
  }
}

/// A ticket as it is issued: the one time that its code is shown.
public struct IssuedTicket: Codable, Sendable, Hashable {
  public let record: RecordID
  public let code: String
  public let expires: Timestamp
}

public struct GroupInput: Codable, Sendable, Hashable {
  public let name: String
  public let profile: String?
  public let hub: String?
  /// Certificates in PEM.
  public let trustAnchors: [String]?

  public init(name: String, profile: String?, hub: String?, trustAnchors: [String]?) {
    self.name = name
    self.profile = profile
    self.hub = hub
    self.trustAnchors = trustAnchors
  }
}

public struct HardwareInput: Codable, Sendable, Hashable {
  public let hardware: String
  public let group: String?
  public let reason: String?

  public init(hardware: String, group: String?, reason: String?) {
    self.hardware = hardware
    self.group = group
    self.reason = reason
  }
}

/// One row's fate in an import.
public struct HardwareResult: Codable, Sendable, Hashable {
  public let hardware: String
  /// nil where it was done.
  public let code: String?
  public let reason: String?

  public init(hardware: String, refusal: Refusal?) {
    self.hardware = hardware
    code = refusal?.code
    reason = refusal?.reason
  }
}

public struct ReasonInput: Codable, Sendable, Hashable {
  public let reason: String?
  public init(reason: String?) { self.reason = reason }
}

public struct OperatorInput: Codable, Sendable, Hashable {
  public let name: String
  public let role: String
  public let groups: [String]?
  /// PKCS #10 (RFC 2986), DER in base64: the key was made where it will be used.
  public let csr: String

  public init(name: String, role: String, groups: [String]?, csr: String) {
    self.name = name
    self.role = role
    self.groups = groups
    self.csr = csr
  }
}

public struct HubInput: Codable, Sendable, Hashable {
  public let name: String
  public let host: String
  public let groups: [String]?
  public let csr: String
  /// The P-256 public key to which its devices' keys are sealed, PEM.
  public let sealKey: String?

  public init(name: String, host: String, groups: [String]?, csr: String, sealKey: String? = nil) {
    self.name = name
    self.host = host
    self.groups = groups
    self.csr = csr
    self.sealKey = sealKey
  }
}

public struct SealKeyInput: Codable, Sendable, Hashable {
  /// A P-256 public key, PEM.
  public let sealKey: String
  public init(sealKey: String) { self.sealKey = sealKey }
}

/// The key that a hub has registered.
public struct RegisteredSealKey: Codable, Sendable, Hashable {
  public let hub: RecordID
  /// SHA-256 of its SubjectPublicKeyInfo, in hex.
  public let sealKey: String

  public init(hub: RecordID, sealKey: String) {
    self.hub = hub
    self.sealKey = sealKey
  }
}

/// A request for the caller's own next certificate: PKCS #10, DER in base64.
public struct RenewalInput: Codable, Sendable, Hashable {
  public let csr: String
  public init(csr: String) { self.csr = csr }
}

/// A certificate as it is handed out: PEM, the leaf, its issuer, the trust anchor.
public struct IssuedIdentity: Codable, Sendable, Hashable {
  public let record: RecordID
  public let certificate: String
  public let issuer: String
  public let trustAnchor: String
  public let position: UInt64

  public init(record: RecordID, certificate: String, issuer: String, trustAnchor: String, position: UInt64) {
    self.record = record
    self.certificate = certificate
    self.issuer = issuer
    self.trustAnchor = trustAnchor
    self.position = position
  }
}

public struct RevocationInput: Codable, Sendable, Hashable {
  /// A reason of RFC 5280 in kebab-case; `unspecified` by default.
  public let reason: String?
  public init(reason: String?) { self.reason = reason }
}

/// What opens the vault: exactly one of them.
public struct UnsealInput: Codable, Sendable {
  public let passphrase: String?
  public let recoveryCode: String?
  /// One of several.
  public let share: String?

  public init(passphrase: String? = nil, recoveryCode: String? = nil, share: String? = nil) {
    self.passphrase = passphrase
    self.recoveryCode = recoveryCode
    self.share = share
  }
}

/// What opens the slots of the vault that do not open by themselves, for another root; or one of a slot's shares alone, which is
/// kept until there are enough of them.
public struct RekeyInput: Codable, Sendable {
  public let passphrases: [String]?
  public let recoveryCodes: [String]?
  public let share: String?

  public init(passphrases: [String]? = nil, recoveryCodes: [String]? = nil, share: String? = nil) {
    self.passphrases = passphrases
    self.recoveryCodes = recoveryCodes
    self.share = share
  }

  /// The most texts of one request, each of which is stretched for each slot.
  public static let limit = 8
}

/// An issuing CA or the root, as `ca show` shows it.
public struct IssuerSummary: Codable, Sendable, Hashable {
  public let use: String
  public let issuerKeyID: String
  public let subject: String
  public let notAfter: Timestamp
  public let issued: UInt64
  /// When the root revoked it.
  public let revoked: Timestamp?
  public let crl: String
  /// PEM.
  public let certificate: String

  public init(
    use: String, issuerKeyID: String, subject: String, notAfter: Timestamp, issued: UInt64, revoked: Timestamp?,
    crl: String, certificate: String
  ) {
    self.use = use
    self.issuerKeyID = issuerKeyID
    self.subject = subject
    self.notAfter = notAfter
    self.issued = issued
    self.revoked = revoked
    self.crl = crl
    self.certificate = certificate
  }
}
