import MusterModel
import Policy

/// The key that each hub registered last.
enum HubSealKeyView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(HubSealKeySet.self) { (event, db) throws(StoreError) in
      guard let key = Base64URL.decode(event.body.publicKey) else {
        throw .damaged("no key in the event at \(event.origin.position)")
      }
      try db.run(
        """
        INSERT INTO hub_seal_key(hub, public_key, set_at, position) VALUES (?, ?, ?, ?)
        ON CONFLICT (hub) DO UPDATE SET public_key = excluded.public_key, set_at = excluded.set_at,
          position = excluded.position
        """, event.body.hub, key, event.origin.at, event.origin.position)
    }
  }
}
