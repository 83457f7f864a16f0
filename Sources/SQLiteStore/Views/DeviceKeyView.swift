import KeyVault
import MusterModel

/// The keys that each device has in use: their versions and checks; the bytes are sealed elsewhere.
enum DeviceKeyView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(DeviceKeysMade.self, made)
    projections.on(DeviceKeysProved.self) { (event, db) throws(StoreError) in
      try proved(event.body.proved, event.origin, db)
    }
    projections.on(RolloverKeysProved.self) { (event, db) throws(StoreError) in
      try proved(event.body.proved, event.origin, db)
    }
    projections.on(RolloverKeyMade.self, made)
    projections.on(RolloverKeyEnded.self, ended)
    projections.on(DeviceKeysDestroyed.self) { (event, db) throws(StoreError) in
      try db.change("UPDATE device_key SET is_destroyed = 1 WHERE device = ?", event.body.device)
    }
    projections.on(DeviceKeysConfirmed.self) { (event, db) throws(StoreError) in
      for device in event.body.devices {
        try db.run("UPDATE device_key SET deliver_until = NULL WHERE device = ?", device)
      }
    }
  }

  private static func proved(
    _ proofs: [DeviceKeysProved.Proof], _ origin: EventOrigin, _ db: Connection
  ) throws(StoreError) {
    for proof in proofs {
      try db.run(
        "UPDATE device_key SET proved_version = ?, proved_at = ?, deliver_until = NULL WHERE device = ?",
        proof.version, origin.at, proof.device)
    }
  }

  /// The kept version was in either slot.
  private static func made(_ event: Recorded<RolloverKeyMade>, _ db: Connection) throws(StoreError) {
    let body = event.body
    try db.change(
      """
      UPDATE device_key SET primary_version = ?1, primary_check = ?2, secondary_version = ?3,
        secondary_check = CASE ?3 WHEN primary_version THEN primary_check WHEN secondary_version THEN secondary_check END,
        last_version = max(last_version, ?1), position = ?4, deliver_until = NULL
      WHERE device = ?5 AND generation = ?6 AND (?3 IS NULL OR ?3 = primary_version OR ?3 IS secondary_version)
      """, body.key.version, body.key.check, body.keeps, event.origin.position, body.device, body.generation)
  }

  private static func ended(_ event: Recorded<RolloverKeyEnded>, _ db: Connection) throws(StoreError) {
    let body = event.body
    try db.change(
      """
      UPDATE device_key SET primary_version = ?1,
        primary_check = CASE ?1 WHEN primary_version THEN primary_check ELSE secondary_check END,
        secondary_version = NULL, secondary_check = NULL, position = ?2
      WHERE device = ?3 AND generation = ?4 AND (?1 = primary_version OR ?1 IS secondary_version)
      """, body.stays, event.origin.position, body.device, body.generation)
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
