import KeyVault
import MusterModel

/// The enrollment keys of groups: their checks; the bytes are sealed elsewhere.
enum GroupKeyView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(GroupKeyAdded.self) { (event, db) throws(StoreError) in
      let (body, origin) = (event.body, event.origin)
      try db.run(
        "INSERT INTO group_key(record, device_group, key_check, added_at, position) VALUES (?, ?, ?, ?, ?)", body.key,
        body.group, body.check, origin.at, origin.position)
    }
    projections.on(GroupKeyRemoved.self) { (event, db) throws(StoreError) in
      try db.change(
        "UPDATE group_key SET removed_at = ? WHERE record = ? AND removed_at IS NULL", event.origin.at, event.body.key)
    }
  }
}
