public import CertificateAuthority
public import Enrollment
public import HubAccess
public import MusterModel
public import Policy

/// What the routes ask of: the use cases' instance, its readers, and what is published.
public struct ServiceRooms: Sendable {
  public let instance: Instance
  public let reader: any InstanceReader
  public let vault: VaultAdministration
  public let points: PublicationPoints
  public let status: any StatusPublisher
  public let hubs: any HubReader
  /// The ledger's origin without its epoch: what hubs' receipts, and what is sealed to them, are bound to.
  public let ledger: String
  let tokens = TokenTally()

  public init(
    instance: Instance, reader: any InstanceReader, vault: VaultAdministration, points: PublicationPoints,
    status: any StatusPublisher, hubs: any HubReader, ledger: String
  ) {
    self.instance = instance
    self.reader = reader
    self.vault = vault
    self.points = points
    self.status = status
    self.hubs = hubs
    self.ledger = ledger
  }

  var administration: Administration { Administration(instance) }

  /// Throws unless the caller may.
  func check(_ operation: Policy.Operation, for caller: Caller) async throws {
    _ = try await administration.grant(operation, to: caller).answered()
  }
}

/// What tells relying parties which certificates are still good. Each answer is one that is ready, or signed within
/// the publisher's own bounds.
public protocol StatusPublisher: Sendable {
  /// The CRL of an issuer, a shard of it or all; nil where there is none.
  func revocationList(of issuerKeyID: String, shard: UInt32?) async throws -> SignedStatus?

  /// Signs every CRL of the issuing CAs now, whatever was due, and says so in the caller's name.
  func publishLists(by grant: AccessGrant, for caller: Caller) async throws -> Outcome<[PublishedList]>

  /// The answer to an OCSP request in DER (RFC 6960), which says itself where it is malformed.
  func certificateStatus(_ request: [UInt8], source: String) async throws -> SignedStatus
}

/// A CRL or an OCSP response in DER, until when it may be kept, and its validators (RFC 9110 §8.8).
public struct SignedStatus: Sendable, Hashable {
  public let der: [UInt8]
  /// nil for what must not be kept.
  public let nextUpdate: Timestamp?
  /// A strong entity tag with its quotes.
  public let entityTag: String?
  public let lastModified: Timestamp?

  public init(der: [UInt8], nextUpdate: Timestamp?, entityTag: String? = nil, lastModified: Timestamp? = nil) {
    self.der = der
    self.nextUpdate = nextUpdate
    self.entityTag = entityTag
    self.lastModified = lastModified
  }
}

/// A CRL that was signed.
public struct PublishedList: Codable, Sendable, Hashable {
  public let issuerKeyID: String
  /// nil for the full list.
  public let shard: UInt32?
  public let number: UInt64
  public let thisUpdate: Timestamp
  public let nextUpdate: Timestamp
  public let entries: Int

  public init(
    issuerKeyID: String, shard: UInt32?, number: UInt64, thisUpdate: Timestamp, nextUpdate: Timestamp, entries: Int
  ) {
    self.issuerKeyID = issuerKeyID
    self.shard = shard
    self.number = number
    self.thisUpdate = thisUpdate
    self.nextUpdate = nextUpdate
    self.entries = entries
  }
}
