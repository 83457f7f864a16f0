import DeviceRegistry
import MusterModel

/// Groups of devices and their trust anchors.
enum GroupView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(GroupAdded.self, added)
    projections.on(GroupRemoved.self) { (event, db) throws(StoreError) in
      // An enrollment is no change of its group: one that came since the removal was decided is found here.
      try db.change(
        "UPDATE device_group SET removed_at = ? WHERE record = ? AND removed_at IS NULL AND devices = 0",
        event.origin.at, event.body.group)
    }
    projections.onErasure(of: GroupAdded.self) { (event, db) throws(StoreError) in
      try db.run("UPDATE device_group SET name = NULL, folded = NULL WHERE record = ?", event.body.group)
    }
  }

  private static func added(_ event: Recorded<GroupAdded>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.run(
      """
      INSERT INTO device_group(record, name, folded, profile, hub, devices, added_at, position)
      VALUES (?, ?, ?, ?, ?, 0, ?, ?)
      """, body.group, event.details?.name.text, event.details?.name.folded, body.profile, body.hub, origin.at,
      origin.position)
    for anchor in body.trustAnchors {
      try db.run(
        "INSERT OR IGNORE INTO group_anchor(device_group, digest, position) VALUES (?, ?, ?)", body.group, anchor,
        origin.position)
    }
  }
}
