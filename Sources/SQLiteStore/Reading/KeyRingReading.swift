import Enrollment
import KeyVault
import MusterModel

extension Snapshot {
  func ring(_ name: RecordName) throws(StoreError) -> RingSnapshot? {
    try db.first(
      """
      SELECT record, name, kind, is_exportable, destroy_wait, rotate_every, protection_limit, min_decrypt, min_encrypt,
        newest, device_group
      FROM key_ring WHERE folded = ?
      """, name.folded, read: ring)
  }

  /// By which boards enroll into a group, the newest first, with those of their versions that are tried.
  func boardRings(of group: RecordID) throws(StoreError) -> [BoardRing] {
    let found = try db.all(
      """
      SELECT record, name, kind, is_exportable, destroy_wait, rotate_every, protection_limit, min_decrypt, min_encrypt,
        newest, device_group
      FROM key_ring WHERE device_group = ?1 AND kind = ?2 AND name IS NOT NULL AND EXISTS (
        SELECT 1 FROM key_version
        WHERE ring = key_ring.record AND number >= min_decrypt AND state IN ('active', 'deactivated'))
      ORDER BY id DESC LIMIT ?3
      """, group, RingKind.groupEnrollment.rawValue, RingSnapshot.groupLimit, read: ring)
    return try found.map { ring throws(StoreError) in BoardRing(ring: ring, versions: try boardVersions(of: ring)) }
  }

  /// One more than may be, at most.
  func boardVersionCount(of ring: RingSnapshot, from minimum: UInt32?) throws(StoreError) -> Int {
    guard ring.kind == .groupEnrollment else { return 0 }
    return try db.all(
      """
      SELECT number FROM key_version WHERE ring = ? AND number >= ? AND state IN ('active', 'deactivated') LIMIT ?
      """, ring.record, minimum ?? ring.minima.decrypt, RingSnapshot.boardVersionLimit + 1
    ) { (row) throws(StoreError) in row.int(0) }.count
  }

  /// From the minimum on, the newest first.
  private func boardVersions(of ring: RingSnapshot) throws(StoreError) -> [KeyVersionSnapshot] {
    try db.all(
      """
      SELECT record, number, state, key_check, public_key, is_imported, created_at, since, protections, uses,
        destroy_at, purpose, secret.bytes
      FROM key_version LEFT JOIN secret ON secret.owner = record AND secret.version = number
        AND purpose IN ('ring-key', 'group-enrollment-key')
      WHERE ring = ? AND number >= ? AND state IN ('active', 'deactivated') ORDER BY number DESC LIMIT ?
      """, ring.record, ring.minima.decrypt, RingSnapshot.boardVersionLimit, read: keyVersion)
  }

  private func ring(_ row: Row) throws(StoreError) -> RingSnapshot {
    let record = try row.record(0)
    return RingSnapshot(
      record: record, version: try version(of: .record(record)), name: try row.name(1), kind: try row.value(2),
      settings: try settings(row, at: 3),
      minima: RingMinima(decrypt: try row.number(7), encrypt: try row.number(8)), newest: try row.number(9),
      group: try row.optional(10, Row.record))
  }

  func settings(_ row: Row, at first: Int32) throws(StoreError) -> RingSettings {
    RingSettings(
      isExportable: row.bool(first), destroyWait: row.int(first + 1), rotateEvery: row.int(first + 2),
      protectionLimit: try row.optional(first + 3, Row.position))
  }

  func keyVersion(_ number: UInt32, of ring: RecordID) throws(StoreError) -> KeyVersionSnapshot? {
    try db.first(
      """
      SELECT record, number, state, key_check, public_key, is_imported, created_at, since, protections, uses,
        destroy_at, purpose, secret.bytes
      FROM key_version LEFT JOIN secret ON secret.owner = record AND secret.version = number
        AND purpose IN ('ring-key', 'group-enrollment-key')
      WHERE ring = ? AND number = ?
      """, ring, number, read: keyVersion)
  }

  private func keyVersion(_ row: Row) throws(StoreError) -> KeyVersionSnapshot {
    let (record, number) = (try row.record(0), try row.number(1))
    return KeyVersionSnapshot(
      record: record, number: number, state: try row.value(2), check: row.text(3),
      publicKey: row.isNull(4) ? nil : row.bytes(4), isImported: row.bool(5), created: row.time(6),
      since: row.time(7), protections: try row.position(8), uses: try row.position(9),
      destroyAt: row.isNull(10) ? nil : row.time(10),
      sealed: row.isNull(11)
        ? nil : SealedSecret(owner: record, purpose: row.text(11), version: number, bytes: row.bytes(12)))
  }
}
