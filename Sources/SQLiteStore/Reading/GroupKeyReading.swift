import Enrollment
import KeyVault
import MusterModel

extension Snapshot {
  /// The enrollment keys that a group has in use, the oldest first.
  func groupKeys(of group: RecordID) throws(StoreError) -> [GroupKeySnapshot] {
    try db.all(
      """
      SELECT record, key_check, added_at, secret.bytes
      FROM group_key JOIN secret ON secret.owner = record AND purpose = ?2 AND version = ?3
      WHERE device_group = ?1 AND removed_at IS NULL ORDER BY position
      """, group, GroupKey.purpose, GroupKey.version
    ) { (row) throws(StoreError) in
      let record = try row.record(0)
      return GroupKeySnapshot(
        record: record, check: row.text(1), added: row.time(2),
        sealed: SealedSecret(owner: record, purpose: GroupKey.purpose, version: GroupKey.version, bytes: row.bytes(3)))
    }
  }
}
