import Ledger
import MusterModel

/// Whose ledger it is.
enum InstanceView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(InstanceCreated.self, created)
  }

  private static func created(_ event: Recorded<InstanceCreated>, _ db: Connection) throws(StoreError) {
    try db.run(
      """
      INSERT INTO instance(id, origin, epoch, trust_domain, publish_url, created_at, position)
      VALUES (1, ?, ?, ?, ?, ?, ?)
      """, event.body.origin, event.body.epoch, event.body.trustDomain.name, event.body.publishURL, event.origin.at,
      event.origin.position)
  }
}
