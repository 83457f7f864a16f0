import KeyVault
import MusterModel

/// The vault's key-encryption keys and slots, as far as events tell of them.
enum VaultView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(KEKCreated.self) { (event, db) throws(StoreError) in
      try db.run(
        "INSERT INTO kek(kek, key_check, created_at, position) VALUES (?, ?, ?, ?)", event.body.kek, event.body.check,
        event.origin.at, event.origin.position)
    }
    projections.on(KEKRetired.self) { (event, db) throws(StoreError) in
      try db.run("DELETE FROM kek WHERE kek = ?", event.body.kek)
    }
    projections.on(SlotAdded.self) { (event, db) throws(StoreError) in
      try db.run(
        "INSERT INTO slot(slot, protector, added_at, position) VALUES (?, ?, ?, ?)", event.body.slot,
        event.body.protector.rawValue, event.origin.at, event.origin.position)
    }
    projections.on(SlotRemoved.self) { (event, db) throws(StoreError) in
      try db.run("DELETE FROM slot WHERE slot = ?", event.body.slot)
    }
  }
}
