import MusterModel
import Policy

/// What devices talk to, and which groups it sees.
enum HubView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(HubAdded.self, added)
    projections.on(HubRemoved.self) { (event, db) throws(StoreError) in
      try db.change(
        "UPDATE hub SET removed_at = ? WHERE record = ? AND removed_at IS NULL", event.origin.at, event.body.hub)
    }
    projections.onErasure(of: HubAdded.self) { (event, db) throws(StoreError) in
      try db.run("UPDATE hub SET name = NULL, folded = NULL, host = NULL WHERE record = ?", event.body.hub)
    }
  }

  private static func added(_ event: Recorded<HubAdded>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.run(
      "INSERT INTO hub(record, name, folded, host, groups, added_at, position) VALUES (?, ?, ?, ?, ?, ?, ?)",
      body.hub, event.details?.name.text, event.details?.name.folded, event.details?.host,
      RecordList.text(body.groups), origin.at, origin.position)
  }
}
