import Ledger
import MusterModel

/// What the hubs said that they enforce.
enum HubReceiptView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(ReceiptGiven.self) { (event, db) throws(StoreError) in
      // The first one counts: a second for the same size says nothing new.
      try db.run(
        """
        INSERT OR IGNORE INTO hub_receipt(hub, size, root, given_at, received_at, position)
        VALUES (?, ?, ?, ?, ?, ?)
        """, event.body.hub, event.body.size, event.body.root, event.body.at, event.origin.at, event.origin.position)
    }
  }
}
