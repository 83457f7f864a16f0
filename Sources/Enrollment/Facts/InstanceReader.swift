public import CertificateAuthority
public import MusterModel
public import Policy

/// What the service must know of its own instance to start.
public protocol InstanceReader: Sendable {
  /// nil in a ledger without its first event.
  func instance() async throws -> InstanceRecord?
  func issuers() async throws -> [IssuerRecord]
  /// How many certificates of an issuing CA that name somebody are in force.
  func certificatesInForce(ofIssuer keyID: String) async throws -> UInt64
  /// The files of the last `policies-activated`; empty before the first.
  func policiesInForce() async throws -> [PoliciesActivated.File]
  /// Sealed bytes of one purpose, by owner and version.
  func secrets(purpose: String) async throws -> [SealedSecret]
  /// What is sealed under an older KEK than this one, among the next `limit` rows; nil for all but slots, whatever its bytes
  /// say.
  func sealed(under older: UInt32?, from place: SealedPlace, atMost limit: Int) async throws -> SealedPage
  /// The newest good certificate of a profile that names no record (the service's own), by its issuer.
  func ownCertificate(profile: String, issuerKeyID: String) async throws -> CertificateSnapshot?
}

/// How far what is sealed was looked through, from the beginning on.
public struct SealedPlace: Sendable, Hashable {
  public let row: Int64
  public let isInAnswers: Bool

  public static let beginning = SealedPlace(row: 0, isInAnswers: false)

  public init(row: Int64, isInAnswers: Bool) {
    self.row = row
    self.isInAnswers = isInAnswers
  }
}

public struct SealedPage: Sendable, Hashable {
  public let secrets: [SealedSecret]
  /// How many rows were looked at.
  public let passed: Int
  /// nil at the end.
  public let next: SealedPlace?

  public init(secrets: [SealedSecret], passed: Int, next: SealedPlace?) {
    self.secrets = secrets
    self.passed = passed
    self.next = next
  }
}

public struct InstanceRecord: Sendable, Hashable {
  /// `<trust-domain>/muster/<instance>`
  public let origin: String
  public let epoch: UInt32
  public let trustDomain: TrustDomain
  public let publishURL: String
  /// nil where they were erased.
  public let hostnames: [String]?

  public init(origin: String, epoch: UInt32, trustDomain: TrustDomain, publishURL: String, hostnames: [String]?) {
    self.origin = origin
    self.epoch = epoch
    self.trustDomain = trustDomain
    self.publishURL = publishURL
    self.hostnames = hostnames
  }
}

public struct IssuerRecord: Sendable, Hashable {
  public let use: IssuerUse
  public let keyID: String
  /// The record under which its key is sealed; nil for the root.
  public let key: RecordID?
  public let der: [UInt8]
  /// How many certificates it has issued.
  public let issued: UInt64
  /// When the root revoked it.
  public let revoked: Timestamp?

  public init(use: IssuerUse, keyID: String, key: RecordID?, der: [UInt8], issued: UInt64, revoked: Timestamp?) {
    self.revoked = revoked
    self.use = use
    self.keyID = keyID
    self.key = key
    self.der = der
    self.issued = issued
  }
}
