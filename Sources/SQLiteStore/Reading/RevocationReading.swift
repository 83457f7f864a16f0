public import CertificateAuthority
public import MusterModel

/// A revoked certificate, as a CRL and OCSP tell of it.
public struct RevokedCertificate: Sendable, Hashable {
  public let serial: [UInt8]
  public let revoked: Timestamp
  public let reason: RevocationReason
  public let notAfter: Timestamp
}

/// What is known of a serial number.
public enum SerialStatus: Sendable, Hashable {
  case good
  case revoked(Timestamp, RevocationReason)
  /// Never issued here.
  case unknown
}

/// A CRL that was signed and published, and what is in it.
public struct PublishedCRL: Sendable, Hashable {
  public let number: UInt64
  public let thisUpdate: Timestamp
  public let nextUpdate: Timestamp
  public let entries: Int
  public let position: UInt64
  public let der: [UInt8]
}

extension Snapshot {
  /// The revoked certificates of an issuer, held ones too, whose end is after `time`; of one shard, or of all.
  public func revoked(
    issuer: String, shard: UInt32?, notOverAt time: Timestamp
  ) throws(StoreError) -> [RevokedCertificate] {
    try db.all(
      """
      SELECT serial, revoked_at, revoked_reason, not_after FROM certificate
      WHERE issuer = ?1 AND revoked_at IS NOT NULL AND (?2 IS NULL OR shard = ?2) AND not_after > ?3 ORDER BY id
      """, issuer, shard, time
    ) { (row) throws(StoreError) in
      RevokedCertificate(
        serial: row.bytes(0), revoked: row.time(1), reason: try row.value(2), notAfter: row.time(3))
    }
  }

  public func status(issuer: String, serial: [UInt8]) throws(StoreError) -> SerialStatus {
    try db.first(
      "SELECT revoked_at, revoked_reason FROM certificate WHERE issuer = ? AND serial = ?", issuer, serial
    ) { (row) throws(StoreError) in
      row.isNull(0) ? SerialStatus.good : .revoked(row.time(0), try row.value(1))
    } ?? .unknown
  }

  /// The newest CRL of an issuer: of a shard, or the full one.
  public func crl(issuer: String, shard: UInt32?) throws(StoreError) -> PublishedCRL? {
    try db.first(
      """
      SELECT number, this_update, next_update, entries, crl.position, attachment.bytes
      FROM crl JOIN attachment ON attachment.id BETWEEN crl.position * 1024 AND crl.position * 1024 + 1023
        AND attachment.digest = crl.der
      WHERE issuer = ? AND shard = ?
      """, issuer, shard.map { Int64($0) } ?? CRLView.full
    ) { (row) throws(StoreError) in
      PublishedCRL(
        number: try row.position(0), thisUpdate: row.time(1), nextUpdate: row.time(2), entries: Int(row.int(3)),
        position: try row.position(4), der: row.bytes(5))
    }
  }

  /// The bytes of an event's attachment; nil where it has none of that digest.
  public func attachment(_ digest: Digest, at position: UInt64) throws(StoreError) -> [UInt8]? {
    let first = AttachmentKey.first(of: position)
    return try db.first(
      "SELECT bytes FROM attachment WHERE id BETWEEN ? AND ? AND digest = ?", first,
      first + Int64(AttachmentKey.limit) - 1, digest
    ) { (row) throws(StoreError) in row.bytes(0) }
  }
}
