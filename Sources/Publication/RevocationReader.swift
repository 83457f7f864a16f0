public import CertificateAuthority
public import MusterModel

/// What publication asks the store. Each call is one snapshot that holds every commit answered before it.
public protocol RevocationReader: Sendable {
  /// The newest CRL of each issuer and shard, the root's too.
  func publishedCRLs() async throws -> [PublishedCRL]
  /// The greatest shard of the issuer's certificates; nil before its first.
  func lastShard(ofIssuer keyID: String) async throws -> UInt32?
  /// Every certificate of the issuer that is revoked or on hold and not expired at `time`, by ascending serial.
  func revocations(ofIssuer keyID: String, unexpiredAt time: Timestamp) async throws -> Revocations
  /// What is known of serial numbers (32 digits of lower-case hex), in their order; `unknown` for what the issuer did
  /// not issue.
  func statuses(of serials: [String], issuer keyID: String) async throws -> [CertificateStatus]
  /// Certificates that were renewed, whose overlap ended at `time` or before, that are neither revoked nor on hold, and
  /// that would have outlived the overlap; at most `limit`.
  func superseded(at time: Timestamp, limit: Int) async throws -> [SupersededCertificate]
}

/// A CRL as the store keeps it: what its event says, and its DER.
public struct PublishedCRL: Sendable, Hashable {
  public let published: CRLPublished
  public let der: [UInt8]

  public init(published: CRLPublished, der: [UInt8]) {
    self.published = published
    self.der = der
  }
}

/// What an issuer's CRLs have to list, as of one snapshot.
public struct Revocations: Sendable, Hashable {
  public let lastShard: UInt32?
  /// By ascending serial.
  public let certificates: [ShardedRevocation]

  public init(lastShard: UInt32?, certificates: [ShardedRevocation]) {
    self.lastShard = lastShard
    self.certificates = certificates
  }
}

/// A revoked certificate, and in which shard's CRL it stands.
public struct ShardedRevocation: Sendable, Hashable {
  public let shard: UInt32
  public let certificate: RevokedCertificate

  public init(shard: UInt32, certificate: RevokedCertificate) {
    self.shard = shard
    self.certificate = certificate
  }
}

/// A certificate that a renewal replaced and whose overlap is over.
public struct SupersededCertificate: Sendable, Hashable {
  public let record: RecordID
  /// The version of its aggregate.
  public let version: UInt64
  /// The device, operator or hub that it names.
  public let subject: RecordID?
  public let issuerKeyID: String
  public let serial: String

  public init(record: RecordID, version: UInt64, subject: RecordID?, issuerKeyID: String, serial: String) {
    self.record = record
    self.version = version
    self.subject = subject
    self.issuerKeyID = issuerKeyID
    self.serial = serial
  }

  /// Its revocation, by the service, as long as nothing else happened to it.
  func revocation(at time: Timestamp) throws -> UnitOfWork {
    let event = try Event(
      at: time, by: .service, on: [.record(record)] + (subject.map { [.record($0)] } ?? []),
      CertificateRevoked(certificate: record, issuerKeyID: issuerKeyID, serial: serial, reason: .superseded))
    return UnitOfWork(reads: ReadSet([.record(record): version]), events: [event])
  }
}
