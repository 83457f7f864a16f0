import KeyVault
import MusterModel

/// Key rings and their versions; the bytes are sealed elsewhere.
enum KeyRingView: Projection {
  static func register(in projections: inout Projections) {
    registerGroupKeys(in: &projections)
    projections.on(KeyRingCreated.self, created)
    projections.onErasure(of: KeyRingCreated.self) { (event, db) throws(StoreError) in
      try db.run("UPDATE key_ring SET name = NULL, folded = NULL WHERE record = ?", event.body.ring)
    }
    projections.on(KeyVersionMade.self, made)
    projections.on(KeyStateChanged.self) { (event, db) throws(StoreError) in
      let body = event.body
      try db.change(
        """
        UPDATE key_version SET state = ?, since = ?, destroy_at = NULL
        WHERE ring = ? AND number = ? AND state = ?
        """, body.to.rawValue, event.origin.at, body.ring, body.version, body.from.rawValue)
    }
    projections.on(KeyMinimaChanged.self) { (event, db) throws(StoreError) in
      let body = event.body
      try db.change(
        "UPDATE key_ring SET min_decrypt = ?, min_encrypt = ? WHERE record = ?", body.minima.decrypt,
        body.minima.encrypt, body.ring)
    }
    projections.on(KeyDestructionScheduled.self) { (event, db) throws(StoreError) in
      let body = event.body
      try db.change(
        "UPDATE key_version SET destroy_at = ? WHERE ring = ? AND number = ?", body.destroyAt, body.ring, body.version)
    }
    projections.on(KeyUsesGranted.self) { (event, db) throws(StoreError) in
      let body = event.body
      try db.change(
        "UPDATE key_version SET uses = uses + ?, protections = protections + ? WHERE ring = ? AND number = ?",
        body.uses, body.use.protects ? body.uses : 0, body.ring, body.version)
    }
  }

  private static func created(_ event: Recorded<KeyRingCreated>, _ db: Connection) throws(StoreError) {
    let (body, settings) = (event.body, event.body.settings)
    try db.run(
      """
      INSERT INTO key_ring(
        record, name, folded, kind, device_group, is_exportable, destroy_wait, rotate_every, protection_limit,
        min_decrypt, min_encrypt, newest, created_at, position)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1, 0, ?, ?)
      """, body.ring, event.details?.name.text, event.details?.name.folded, body.of.rawValue, body.group,
      settings.isExportable, settings.destroyWait, settings.rotateEvery, settings.protectionLimit, event.origin.at,
      event.origin.position)
  }

  private static func made(_ event: Recorded<KeyVersionMade>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.change(
      "UPDATE key_ring SET newest = ?1 WHERE record = ?2 AND newest = ?1 - 1", body.version, body.ring)
    try db.run(
      """
      INSERT INTO key_version(
        ring, number, record, state, key_check, public_key, is_imported, created_at, since, position)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)
      """, body.ring, body.version, body.key, KeyState.preActivation.rawValue, body.check,
      body.publicKey.flatMap(Base64URL.decode), body.isImported, origin.at, origin.position)
  }
}

// MARK: - Keys of groups from before they were rings

extension KeyRingView {
  /// They had no period: what is replaced, is by hand.
  private static let century = RingSettings(
    isExportable: false, destroyWait: 0, rotateEvery: 100 * 366 * 86_400, protectionLimit: nil)

  fileprivate static func registerGroupKeys(in projections: inout Projections) {
    projections.on(GroupKeyAdded.self, added)
    projections.on(GroupKeyRemoved.self) { (event, db) throws(StoreError) in
      try db.change(
        "UPDATE key_version SET state = ?, since = ? WHERE ring = ? AND state = ?", KeyState.destroyed.rawValue,
        event.origin.at, event.body.key, KeyState.active.rawValue)
    }
  }

  /// A ring with one version, both by the key's record, which is the ring's name too.
  private static func added(_ event: Recorded<GroupKeyAdded>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.run(
      """
      INSERT INTO key_ring(
        record, name, folded, kind, device_group, is_exportable, destroy_wait, rotate_every, min_decrypt, min_encrypt,
        newest, created_at, position)
      VALUES (?1, ?1, ?1, ?2, ?3, ?4, ?5, ?6, 1, 1, ?7, ?8, ?9)
      """, body.key, RingKind.groupEnrollment.rawValue, body.group, century.isExportable, century.destroyWait,
      century.rotateEvery, GroupKeyAdded.version, origin.at, origin.position)
    try db.run(
      """
      INSERT INTO key_version(ring, number, record, state, key_check, is_imported, created_at, since, position)
      VALUES (?1, ?2, ?1, ?3, ?4, 0, ?5, ?5, ?6)
      """, body.key, GroupKeyAdded.version, KeyState.active.rawValue, body.check, origin.at, origin.position)
  }
}
