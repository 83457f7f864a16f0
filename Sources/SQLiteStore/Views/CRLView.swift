import CertificateAuthority
import MusterModel

/// The newest CRL of each issuer and shard. The DER is an attachment of its event.
enum CRLView: Projection {
  /// The full CRL's place among the shards.
  static let full: Int64 = -1

  static func register(in projections: inout Projections) {
    projections.on(CRLPublished.self, published)
  }

  private static func published(_ event: Recorded<CRLPublished>, _ db: Connection) throws(StoreError) {
    let body = event.body
    try db.change(
      """
      INSERT INTO crl(issuer, shard, number, this_update, next_update, entries, der, position)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (issuer, shard) DO UPDATE SET number = excluded.number, this_update = excluded.this_update,
        next_update = excluded.next_update, entries = excluded.entries, der = excluded.der,
        position = excluded.position
      WHERE excluded.number > number
      """, body.issuerKeyID, body.shard.map { Int64($0) } ?? full, body.number, body.thisUpdate, body.nextUpdate,
      body.entries, body.der, event.origin.position)
  }
}
