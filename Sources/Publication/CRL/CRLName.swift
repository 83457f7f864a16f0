import CertificateAuthority

/// Which CRL: of which issuer, and of which shard of its certificates. Written as in its address.
public struct CRLName: Hashable, Sendable, CustomStringConvertible {
  /// First 20 bytes of SHA-256 over the SPKI, in lower-case hex.
  public let issuerKeyID: String
  /// nil for the full CRL.
  public let shard: UInt32?

  public init(issuerKeyID: String, shard: UInt32?) {
    self.issuerKeyID = issuerKeyID
    self.shard = shard
  }

  init(_ published: CRLPublished) { self.init(issuerKeyID: published.issuerKeyID, shard: published.shard) }

  public var description: String { shard.map { "\(issuerKeyID)/\($0)" } ?? issuerKeyID }
}
