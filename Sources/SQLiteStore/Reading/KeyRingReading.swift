import Enrollment
import KeyVault
import MusterModel

extension Snapshot {
  func ring(_ name: RecordName) throws(StoreError) -> RingSnapshot? {
    let found = try db.first(
      """
      SELECT record, name, kind, is_exportable, destroy_wait, rotate_every, protection_limit, min_decrypt, min_encrypt,
        newest
      FROM key_ring WHERE folded = ?
      """, name.folded
    ) { (row) throws(StoreError) in
      RingSnapshot(
        record: try row.record(0), version: 0, name: try row.name(1), kind: try row.value(2),
        settings: try settings(row, at: 3),
        minima: RingMinima(decrypt: try row.number(7), encrypt: try row.number(8)), newest: try row.number(9))
    }
    guard let found else { return nil }
    return RingSnapshot(
      record: found.record, version: try version(of: .record(found.record)), name: found.name, kind: found.kind,
      settings: found.settings, minima: found.minima, newest: found.newest)
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
        destroy_at, secret.bytes
      FROM key_version LEFT JOIN secret ON secret.owner = record AND purpose = ?3 AND secret.version = number
      WHERE ring = ?1 AND number = ?2
      """, ring, number, Vault.ringPurpose
    ) { (row) throws(StoreError) in
      let (record, number) = (try row.record(0), try row.number(1))
      return KeyVersionSnapshot(
        record: record, number: number, state: try row.value(2), check: row.text(3),
        publicKey: row.isNull(4) ? nil : row.bytes(4), isImported: row.bool(5), created: row.time(6),
        since: row.time(7), protections: try row.position(8), uses: try row.position(9),
        destroyAt: row.isNull(10) ? nil : row.time(10),
        sealed: row.isNull(11)
          ? nil : SealedSecret(owner: record, purpose: Vault.ringPurpose, version: number, bytes: row.bytes(11)))
    }
  }
}
