public import MusterModel

/// What an issuing CA is for. A peer's rights come from here and from its record, never from a name.
public enum IssuerUse: String, Codable, Sendable, CaseIterable {
  case root
  /// Signs device certificates alone; a hub pins it.
  case devices
  /// Signs servers, operators, stations and hubs.
  case service
}

/// A CA of this instance came to be. Its certificate is an attachment.
public struct IssuerAdded: EventBody {
  public static let kind = "issuer-added"
  public let use: IssuerUse
  /// First 20 bytes of SHA-256 over the SPKI, in hex.
  public let issuerKeyID: String
  /// The key record whose sealed bytes sign; nil for the root, whose key lies offline.
  public let key: RecordID?
  /// SHA-256 of the DER.
  public let certificate: Digest
  public let notBefore: Timestamp
  public let notAfter: Timestamp

  public init(
    use: IssuerUse, issuerKeyID: String, key: RecordID?, certificate: Digest, notBefore: Timestamp,
    notAfter: Timestamp
  ) {
    self.use = use
    self.issuerKeyID = issuerKeyID
    self.key = key
    self.certificate = certificate
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}

/// The root revoked an issuing CA that another took over from: the root's `crl-published` beside it lists its certificate.
public struct IssuerRevoked: EventBody {
  public static let kind = "issuer-revoked"
  public let issuerKeyID: String

  public init(issuerKeyID: String) { self.issuerKeyID = issuerKeyID }
}

/// What an issued certificate is, as events say it. The DER and the request are attachments of the event.
public struct CertificateFacts: Codable, Hashable, Sendable {
  public let certificate: RecordID
  /// The device, operator or hub that it names; nil for the service's own.
  public let subject: RecordID?
  public let issuerKeyID: String
  /// The 16 bytes of a UUIDv7, in hex.
  public let serial: String
  public let profile: String
  public let notBefore: Timestamp
  public let notAfter: Timestamp
  /// Which CRL shard a revocation goes into.
  public let shard: UInt32
  /// SHA-256 of the SubjectPublicKeyInfo.
  public let publicKey: Digest
  /// SHA-256 of the certificate's DER.
  public let der: Digest
  /// SHA-256 of the request's DER; nil where the key was made by the service for itself.
  public let request: Digest?

  public init(
    certificate: RecordID, subject: RecordID?, issuerKeyID: String, serial: String, profile: String,
    notBefore: Timestamp, notAfter: Timestamp, shard: UInt32, publicKey: Digest, der: Digest, request: Digest?
  ) {
    self.certificate = certificate
    self.subject = subject
    self.issuerKeyID = issuerKeyID
    self.serial = serial
    self.profile = profile
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.shard = shard
    self.publicKey = publicKey
    self.der = der
    self.request = request
  }
}

/// A certificate was issued outside an enrollment: a renewal, an operator's, a hub's, the service's own.
public struct CertificateIssued: EventBody {
  public static let kind = "certificate-issued"
  public let issued: CertificateFacts
  /// The certificate it renews; it stays valid until `overlapUntil`.
  public let replaces: RecordID?
  public let overlapUntil: Timestamp?

  public struct Details: Codable, Hashable, Sendable {
    public let source: String?
    public let decision: String?
    public init(source: String?, decision: String?) {
      self.source = source
      self.decision = decision
    }
  }

  public init(issued: CertificateFacts, replaces: RecordID? = nil, overlapUntil: Timestamp? = nil) {
    self.issued = issued
    self.replaces = replaces
    self.overlapUntil = overlapUntil
  }
}

/// Why a certificate is revoked (RFC 5280 §5.3.1), as far as Muster uses it.
public enum RevocationReason: String, Codable, Sendable, CaseIterable {
  case unspecified
  case keyCompromise = "key-compromise"
  case affiliationChanged = "affiliation-changed"
  case superseded
  case cessationOfOperation = "cessation-of-operation"
  case certificateHold = "certificate-hold"
  case privilegeWithdrawn = "privilege-withdrawn"

  /// CRLReason of RFC 5280.
  public var code: Int {
    switch self {
    case .unspecified: 0
    case .keyCompromise: 1
    case .affiliationChanged: 3
    case .superseded: 4
    case .cessationOfOperation: 5
    case .certificateHold: 6
    case .privilegeWithdrawn: 9
    }
  }
}

/// A certificate is no longer trusted; with `certificateHold`, for now.
public struct CertificateRevoked: EventBody {
  public static let kind = "certificate-revoked"
  public let certificate: RecordID
  public let issuerKeyID: String
  public let serial: String
  public let reason: RevocationReason
  /// Whether it is a hold that came with the device's being disabled, and ends with that. Absent for one of its own.
  public let withDevice: Bool?

  public init(
    certificate: RecordID, issuerKeyID: String, serial: String, reason: RevocationReason, withDevice: Bool? = nil
  ) {
    self.withDevice = withDevice
    self.certificate = certificate
    self.issuerKeyID = issuerKeyID
    self.serial = serial
    self.reason = reason
  }
}

/// A hold was lifted.
public struct CertificateReleased: EventBody {
  public static let kind = "certificate-released"
  public let certificate: RecordID
  public let issuerKeyID: String
  public let serial: String

  public init(certificate: RecordID, issuerKeyID: String, serial: String) {
    self.certificate = certificate
    self.issuerKeyID = issuerKeyID
    self.serial = serial
  }
}

/// A CRL was signed and is offered.
public struct CRLPublished: EventBody {
  public static let kind = "crl-published"
  public static let changesRecords = false
  public let issuerKeyID: String
  /// nil for the full CRL.
  public let shard: UInt32?
  /// cRLNumber: epoch · 2³² + n.
  public let number: UInt64
  public let thisUpdate: Timestamp
  public let nextUpdate: Timestamp
  public let entries: Int
  /// SHA-256 of the DER.
  public let der: Digest

  public init(
    issuerKeyID: String, shard: UInt32?, number: UInt64, thisUpdate: Timestamp, nextUpdate: Timestamp, entries: Int,
    der: Digest
  ) {
    self.issuerKeyID = issuerKeyID
    self.shard = shard
    self.number = number
    self.thisUpdate = thisUpdate
    self.nextUpdate = nextUpdate
    self.entries = entries
    self.der = der
  }
}

/// The kinds of this room.
public enum CertificateEvents {
  public static let kinds: [EventKind] = [
    EventKind(IssuerAdded.self), EventKind(CertificateIssued.self), EventKind(CertificateRevoked.self),
    EventKind(CertificateReleased.self), EventKind(CRLPublished.self), EventKind(IssuerRevoked.self),
  ]
}
