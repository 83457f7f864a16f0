import CertificateAuthority
import MusterModel

/// Every certificate that was issued, whether it is revoked, and by them whose a public key is, for ever.
enum CertificateView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(CertificateIssued.self, issued)
    projections.on(CertificateRevoked.self, revoked)
    projections.on(CertificateReleased.self, released)
  }

  private static func issued(_ event: Recorded<CertificateIssued>, _ db: Connection) throws(StoreError) {
    let (facts, origin) = (event.body.issued, event.origin)
    if event.body.replaces != nil { try db.writeRows() }
    guard let serial = Hex.decode(facts.serial) else { throw .conflict("a serial number that is not hexadecimal") }
    guard try !db.hasPublicKey(facts.publicKey, ofOtherThan: facts.subject) else {
      throw .conflict("a public key of another record")
    }
    try db.insert(
      into: """
        certificate(
          record, subject, issuer, serial, profile, not_before, not_after, shard, public_key, der, request, issued_at,
          position, replaces)
        """, facts.certificate, facts.subject, facts.issuerKeyID, serial, facts.profile, facts.notBefore,
      facts.notAfter,
      facts.shard, facts.publicKey, facts.der, facts.request, origin.at, origin.position, event.body.replaces)
    db.issued(facts.publicKey)
    if let replaced = event.body.replaces {
      try db.change(
        "UPDATE certificate SET replaced_by = ?, overlap_until = ? WHERE record = ?", facts.certificate,
        event.body.overlapUntil, replaced)
    }
  }

  /// The first revocation's time stays where a hold becomes final (RFC 5280 §5.3.2 has the date of this one in the
  /// entry; what counts is since when it is not trusted).
  private static func revoked(_ event: Recorded<CertificateRevoked>, _ db: Connection) throws(StoreError) {
    try db.change(
      """
      UPDATE certificate SET revoked_at = coalesce(revoked_at, ?), revoked_reason = ?, held_with_device = ?
      WHERE record = ?
      """, event.origin.at, event.body.reason.rawValue, event.body.withDevice ?? false, event.body.certificate)
  }

  private static func released(_ event: Recorded<CertificateReleased>, _ db: Connection) throws(StoreError) {
    try db.change(
      """
      UPDATE certificate SET revoked_at = NULL, revoked_reason = NULL, held_with_device = 0
      WHERE record = ? AND revoked_reason = ?
      """, event.body.certificate, RevocationReason.certificateHold.rawValue)
  }
}

extension Connection {
  /// Whether a certificate says that the key is another record's; the service's own where `owner` is nil.
  func hasPublicKey(_ key: Digest, ofOtherThan owner: RecordID?) throws(StoreError) -> Bool {
    if hasIssued(key) {
      try writeRows()
      digests.outdate()
    }
    let holders = try certificates(
      with: key, "SELECT subject FROM certificate WHERE id = ? AND public_key = ?"
    ) { (row) throws(StoreError) in try row.optional(0, Row.record) }
    return holders.contains { $0 != owner }
  }
}
