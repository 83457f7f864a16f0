import KeyVault
import MusterModel

/// The keys that each device has in use: their versions and checks; the bytes are sealed elsewhere.
enum DeviceKeyView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(DeviceKeysMade.self, made)
    projections.on(DeviceKeysProved.self) { (event, db) throws(StoreError) in
      for proof in event.body.proved {
        try db.run(
          "UPDATE device_key SET proved_version = ?, proved_at = ?, deliver_until = NULL WHERE device = ?",
          proof.version, event.origin.at, proof.device)
      }
    }
    projections.on(DeviceKeysConfirmed.self) { (event, db) throws(StoreError) in
      for device in event.body.devices {
        try db.run("UPDATE device_key SET deliver_until = NULL WHERE device = ?", device)
      }
    }
  }

  private static func made(_ event: Recorded<DeviceKeysMade>, _ db: Connection) throws(StoreError) {
    let body = event.body
    try db.run(
      """
      INSERT INTO device_key(
        device, generation, primary_version, primary_check, secondary_version, secondary_check, last_version, position,
        deliver_until)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, max(?3, ?5), ?7, ?8)
      ON CONFLICT (device) DO UPDATE SET generation = excluded.generation,
        primary_version = excluded.primary_version, primary_check = excluded.primary_check,
        secondary_version = excluded.secondary_version, secondary_check = excluded.secondary_check,
        last_version = max(last_version, excluded.last_version), position = excluded.position,
        deliver_until = excluded.deliver_until
      """, body.device, body.generation, body.primary.version, body.primary.check, body.secondary.version,
      body.secondary.check, event.origin.position, body.deliverUntil)
  }
}
