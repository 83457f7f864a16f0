import MusterModel
import Policy

/// Who may act, and in which role.
enum OperatorView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(OperatorAdded.self, added)
    projections.on(OperatorRemoved.self) { (event, db) throws(StoreError) in
      try db.change(
        "UPDATE operator SET removed_at = ? WHERE record = ? AND removed_at IS NULL", event.origin.at,
        event.body.operator)
    }
    projections.onErasure(of: OperatorAdded.self) { (event, db) throws(StoreError) in
      try db.run("UPDATE operator SET name = NULL, folded = NULL WHERE record = ?", event.body.operator)
    }
  }

  private static func added(_ event: Recorded<OperatorAdded>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.run(
      "INSERT INTO operator(record, name, folded, role, groups, added_at, position) VALUES (?, ?, ?, ?, ?, ?, ?)",
      body.operator, event.details?.name.text, event.details?.name.folded, body.role.rawValue,
      RecordList.text(body.groups), origin.at, origin.position)
  }
}

/// A short list of records in one column: their IDs with a space between.
enum RecordList {
  static func text(_ records: [RecordID]) -> String { records.map(\.description).joined(separator: " ") }

  /// nil where a word is no record ID.
  static func records(_ text: String) -> [RecordID]? {
    let words = text.split(separator: " ")
    let records = words.compactMap { RecordID($0) }
    return records.count == words.count ? records : nil
  }
}
