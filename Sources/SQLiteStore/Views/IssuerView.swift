import CertificateAuthority
import MusterModel

/// The CAs of this instance, and how many certificates each has issued, up to which shard.
enum IssuerView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(IssuerAdded.self, added)
    projections.on(IssuerRevoked.self) { (event, db) throws(StoreError) in
      try db.change(
        "UPDATE issuer SET revoked_at = ? WHERE key_id = ?", event.origin.at, event.body.issuerKeyID)
    }
    projections.on(CertificateIssued.self) { (event, db) throws(StoreError) in
      try db.countCertificate(of: event.body.issued.issuerKeyID, in: event.body.issued.shard)
    }
  }

  private static func added(_ event: Recorded<IssuerAdded>, _ db: Connection) throws(StoreError) {
    let body = event.body
    try db.run(
      """
      INSERT INTO issuer(key_id, use, key, certificate, not_before, not_after, issued, position)
      VALUES (?, ?, ?, ?, ?, ?, 0, ?)
      """, body.issuerKeyID, body.use.rawValue, body.key, body.certificate, body.notBefore, body.notAfter,
      event.origin.position)
  }
}
