public import CertificateAuthority
public import MusterModel
public import Publication

extension FolderStore: RevocationReader {
  public func publishedCRLs() async throws -> [PublishedCRL] { try await read { try $0.publishedCRLs() } }

  public func lastShard(ofIssuer keyID: String) async throws -> UInt32? {
    try await read { try $0.lastShard(keyID) }
  }

  public func revocations(ofIssuer keyID: String, unexpiredAt time: Timestamp) async throws -> Revocations {
    try await read { snapshot in
      Revocations(
        lastShard: try snapshot.lastShard(keyID), certificates: try snapshot.revocations(keyID, unexpiredAt: time))
    }
  }

  public func statuses(of serials: [String], issuer keyID: String) async throws -> [CertificateStatus] {
    try await read { snapshot in try serials.map { try snapshot.status($0, issuer: keyID) } }
  }

  public func superseded(at time: Timestamp, limit: Int) async throws -> [SupersededCertificate] {
    try await read { try $0.superseded(at: time, limit: limit) }
  }
}

extension Snapshot {
  func publishedCRLs() throws(StoreError) -> [PublishedCRL] {
    try db.all(
      """
      SELECT issuer, shard, number, this_update, next_update, entries, der, attachment.bytes
      FROM crl LEFT JOIN attachment
        ON attachment.id BETWEEN crl.position * 1024 AND crl.position * 1024 + 1023 AND attachment.digest = crl.der
      ORDER BY issuer, shard
      """
    ) { (row) throws(StoreError) in
      PublishedCRL(
        published: CRLPublished(
          issuerKeyID: row.text(0), shard: row.int(1) == CRLView.full ? nil : try row.number(1),
          number: try row.position(2), thisUpdate: row.time(3), nextUpdate: row.time(4), entries: Int(row.int(5)),
          der: try row.digest(6)),
        der: row.bytes(7))
    }
  }

  fileprivate func lastShard(_ issuer: String) throws(StoreError) -> UInt32? {
    try db.first("SELECT last_shard FROM issuer WHERE key_id = ? AND last_shard IS NOT NULL", issuer) {
      (row) throws(StoreError) in try row.number(0)
    }
  }

  fileprivate func revocations(
    _ issuer: String, unexpiredAt time: Timestamp
  ) throws(StoreError) -> [ShardedRevocation] {
    try db.all(
      """
      SELECT shard, serial, revoked_at, revoked_reason FROM certificate INDEXED BY certificate_revoked
      WHERE issuer = ? AND revoked_at IS NOT NULL AND not_after > ? ORDER BY serial
      """, issuer, time
    ) { (row) throws(StoreError) in
      ShardedRevocation(
        shard: try row.number(0),
        certificate: RevokedCertificate(serial: row.bytes(1), at: row.time(2), reason: try row.value(3)))
    }
  }

  fileprivate func status(_ serial: String, issuer: String) throws(StoreError) -> CertificateStatus {
    try db.first(
      "SELECT revoked_at, revoked_reason FROM certificate WHERE issuer = ? AND serial = ?", issuer,
      Hex.decode(serial)
    ) { (row) throws(StoreError) in
      row.isNull(0) ? CertificateStatus.good : .revoked(try row.value(1), at: row.time(0))
    } ?? .unknown
  }

  fileprivate func superseded(at time: Timestamp, limit: Int) throws(StoreError) -> [SupersededCertificate] {
    let ended = try db.all(
      """
      SELECT record, subject, issuer, serial FROM certificate INDEXED BY certificate_superseded
      WHERE overlap_until <= ?1 AND overlap_until < not_after AND revoked_at IS NULL AND not_after > ?1
      ORDER BY overlap_until LIMIT ?2
      """, time, limit
    ) { (row) throws(StoreError) in
      (try row.record(0), try row.optional(1, Row.record), row.text(2), row.bytes(3))
    }
    return try ended.map { (record, subject, issuer, serial) throws(StoreError) in
      SupersededCertificate(
        record: record, version: try version(of: record), subject: subject, issuerKeyID: issuer,
        serial: Hex.encode(serial))
    }
  }
}
