public import CertificateAuthority
public import Enrollment
public import HubAccess
public import MusterModel

/// What the routes ask of: the use cases' instance, its readers, and what is published.
public struct ServiceRooms: Sendable {
  public let instance: Instance
  public let reader: any InstanceReader
  public let vault: VaultAdministration
  public let points: PublicationPoints
  public let status: any StatusPublisher
  public let hubs: any HubReader
  let tokens = TokenTally()

  public init(
    instance: Instance, reader: any InstanceReader, vault: VaultAdministration, points: PublicationPoints,
    status: any StatusPublisher, hubs: any HubReader
  ) {
    self.instance = instance
    self.reader = reader
    self.vault = vault
    self.points = points
    self.status = status
    self.hubs = hubs
  }

  var administration: Administration { Administration(instance) }
}

/// What tells relying parties which certificates are still good. Each answer is one that is ready, or signed within
/// the publisher's own bounds.
public protocol StatusPublisher: Sendable {
  /// The CRL of an issuer, a shard of it or all; nil where there is none.
  func revocationList(of issuerKeyID: String, shard: UInt32?) async throws -> SignedStatus?

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
