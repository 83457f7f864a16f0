import Enrollment
import Foundation
import KeyVault
import MusterModel

extension Snapshot {
  func keyRings(_ request: PageRequest, in scope: GroupScope) throws -> Page<KeyRingSummary> {
    request.page(
      try db.all(
        """
        SELECT id, record, name, kind, is_exportable, destroy_wait, rotate_every, protection_limit, min_decrypt,
          min_encrypt, created_at, device_group
        FROM key_ring WHERE id > ?1 AND name IS NOT NULL
          AND (?2 IS NULL OR device_group IN (SELECT value FROM json_each(?2))) ORDER BY id LIMIT ?3
        """, try request.start(), scope.list, request.probe
      ) { (row) throws(StoreError) in Placed(place: row.int(0), summary: try keyRing(row)) })
  }

  func keyRing(_ name: RecordName) throws(StoreError) -> KeyRingDetail? {
    let ring = try db.first(
      """
      SELECT id, record, name, kind, is_exportable, destroy_wait, rotate_every, protection_limit, min_decrypt,
        min_encrypt, created_at, device_group
      FROM key_ring WHERE folded = ?
      """, name.folded
    ) { (row) throws(StoreError) in
      try keyRing(row)
    }
    guard let ring = ring.flatMap({ $0 }) else { return nil }
    return KeyRingDetail(ring: ring, versions: try versions(of: ring.record, upTo: PageRequest.limits.upperBound))
  }

  private func keyRing(_ row: Row) throws(StoreError) -> KeyRingSummary? {
    let record = try row.record(1)
    guard let newest = try versions(of: record, upTo: 1).first else { return nil }
    return KeyRingSummary(
      record: record, name: try row.name(2), kind: try row.value(3), settings: try settings(row, at: 4),
      minima: RingMinima(decrypt: try row.number(8), encrypt: try row.number(9)), newest: newest, created: row.time(10),
      group: try recordName(of: row.optional(11, Row.record)))
  }

  private func versions(of ring: RecordID, upTo limit: Int) throws(StoreError) -> [KeyVersionSummary] {
    try db.all(
      """
      SELECT number, record, state, key_check, public_key, is_imported, created_at, since, protections, uses, destroy_at
      FROM key_version WHERE ring = ? ORDER BY number DESC LIMIT ?
      """, ring, limit
    ) { (row) throws(StoreError) in
      KeyVersionSummary(
        number: try row.number(0), record: try row.record(1), state: try row.value(2), check: row.text(3),
        publicKey: row.isNull(4) ? nil : Data(row.bytes(4)).base64EncodedString(), isImported: row.bool(5),
        created: row.time(6), since: row.time(7), protections: try row.position(8), uses: try row.position(9),
        destroyAt: row.isNull(10) ? nil : row.time(10))
    }
  }

  /// Rings are few: each one's newest version is looked at.
  func dueRings(at time: Timestamp) throws(StoreError) -> DueRings {
    var due = DueRings()
    due.rotate = try db.all(
      """
      SELECT name, newest FROM key_ring JOIN key_version ON ring = key_ring.record AND number = newest
      WHERE state = 'active' AND name IS NOT NULL
        AND (key_version.created_at + rotate_every * 1000 <= ? OR protections >= protection_limit / 4 * 3)
      ORDER BY id
      """, time
    ) { (row) throws(StoreError) in DueRings.Ring(name: try row.name(0), newest: try row.number(1)) }
    due.destroy = try db.all(
      """
      SELECT name, number FROM key_version JOIN key_ring ON key_ring.record = ring
      WHERE destroy_at <= ? AND name IS NOT NULL ORDER BY destroy_at
      """, time
    ) { (row) throws(StoreError) in DueRings.Version(ring: try row.name(0), number: try row.number(1)) }
    return due
  }
}
