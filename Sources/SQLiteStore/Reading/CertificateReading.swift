import CertificateAuthority
import Enrollment
import MusterModel

// Certificates that were issued, with their DER from the attachment of the event that issued them.

extension Snapshot {
  func certificate(_ key: FactsQuery.CertificateKey) throws(StoreError) -> CertificateSnapshot? {
    let record: RecordID?
    switch key {
    case .named(let name): record = try certificateRecord(name)
    case .serial(let issuer, let serial):
      record = try db.first(
        "SELECT record FROM certificate WHERE issuer = ? AND serial = ?", issuer, Hex.decode(serial), read: Row.record)
    }
    return try record.flatMap { record throws(StoreError) in try certificate(record) }
  }

  func certificateRecord(_ name: CertificateName) throws(StoreError) -> RecordID? {
    switch name {
    case .record(let record):
      try db.first("SELECT record FROM certificate WHERE record = ?", record, read: Row.record)
    case .fingerprint(let digest):
      try db.certificates(
        with: digest, "SELECT record FROM certificate WHERE id = ? AND der = ?", read: Row.record
      ).first
    case .serial(let serial):
      // Serials are random beyond time: two issuers do not share one.
      try db.first(
        "SELECT record FROM certificate WHERE issuer IN (SELECT key_id FROM issuer) AND serial = ?",
        Hex.decode(serial), read: Row.record)
    }
  }

  func certificate(_ record: RecordID) throws(StoreError) -> CertificateSnapshot? {
    let version = try version(of: record)
    return try db.first(
      """
      SELECT record, issuer, serial, subject, profile, public_key, der, not_before, not_after, revoked_at,
        revoked_reason, replaces, overlap_until, certificate.position, attachment.bytes, held_with_device
      FROM certificate LEFT JOIN attachment
        ON attachment.id BETWEEN certificate.position * 1024 AND certificate.position * 1024 + 1023
        AND attachment.digest = certificate.der
      WHERE record = ?
      """, record
    ) { (row) throws(StoreError) in
      CertificateSnapshot(
        record: try row.record(0), version: version, issuerKeyID: row.text(1), serial: Hex.encode(row.bytes(2)),
        subject: try row.optional(3, Row.record), profile: row.text(4), publicKey: try row.digest(5),
        fingerprint: try row.digest(6), notBefore: row.time(7), notAfter: row.time(8),
        status: try row.certificateStatus(revokedAt: 9, reason: 10), isHeldWithDevice: row.bool(15),
        replaces: try row.optional(11, Row.record),
        overlapUntil: row.isNull(12) ? nil : row.time(12), position: try row.position(13), der: row.bytes(14))
    }
  }

  /// Certificates of a record that are neither over at `time` nor revoked for good, oldest first.
  func liveCertificates(of subject: RecordID, at time: Timestamp) throws(StoreError) -> [CertificateSnapshot] {
    let records = try db.all(
      """
      SELECT record FROM certificate
      WHERE subject = ? AND not_after > ? AND (overlap_until IS NULL OR overlap_until > ?)
        AND (revoked_at IS NULL OR revoked_reason = 'certificate-hold')
      ORDER BY id
      """, subject, time, time, read: Row.record)
    return try records.map { record throws(StoreError) in try certificate(record) }.compactMap(\.self)
  }

  /// The newest good certificate of a profile that names no record.
  func ownCertificate(profile: String, issuer: String) throws(StoreError) -> CertificateSnapshot? {
    let record = try db.first(
      """
      SELECT record FROM certificate WHERE subject IS NULL AND issuer = ? AND profile = ? AND revoked_at IS NULL
      ORDER BY id DESC LIMIT 1
      """, issuer, profile, read: Row.record)
    return try record.flatMap { record throws(StoreError) in try certificate(record) }
  }
}

extension Row {
  /// The first column as a record.
  static func record(_ row: Row) throws(StoreError) -> RecordID { try row.record(0) }

  fileprivate func certificateStatus(
    revokedAt: Int32, reason: Int32
  ) throws(StoreError) -> CertificateSnapshot.Status {
    guard !isNull(revokedAt) else { return .good }
    let why: RevocationReason = try value(reason)
    return why == .certificateHold ? .held : .revoked(why, at: time(revokedAt))
  }
}
