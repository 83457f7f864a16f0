import Ledger

/// The database's schema. What is true changes by steps that keep it; the views are made anew from the events where their
/// form changed, as a replay makes them.
enum Schema {
  /// `application_id` of the file header (https://www.sqlite.org/fileformat2.html §1.3): "Mstr".
  static let applicationID: Int64 = 0x4d73_7472

  /// The number of the schema. A change of `ledgerTables` or of a view's form is a new one.
  static let version = 13

  /// Brings the database to this schema, in one transaction. Throws `foreignDatabase`, `newerSchema` and `unknownKinds`
  /// before anything is written.
  static func migrate(_ db: Connection, path: String) throws(StoreError) {
    let found = try checkedVersion(db, path: path)
    guard found < version else { return }
    if found > 0 { try db.refuseUnknownKinds(.muster) }
    try db.execute("BEGIN IMMEDIATE")
    do throws(StoreError) {
      if found == 0 { try db.execute(ledgerTables) }
      // A row of one hash is a row of hashes.
      if (1..<8).contains(found) { try db.execute("ALTER TABLE open_leaf RENAME COLUMN hash TO hashes") }
      try makeViews(db)
      try db.pragma("application_id = \(applicationID)")
      try db.pragma("user_version = \(version)")
      try db.execute("COMMIT")
    } catch {
      try? db.execute("ROLLBACK")
      throw error
    }
  }

  /// The views of all events, in place of what there was of them.
  private static func makeViews(_ db: Connection) throws(StoreError) {
    let old = try db.all(
      "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' ORDER BY type DESC"
    ) { (row) throws(StoreError) in (type: row.text(0), name: row.text(1)) }
    for (type, name) in old where !ledgerTableNames.contains(name) { try db.execute("DROP \(type) \(name)") }
    try db.execute(
      viewTables + orderTables + hubTables + attestationTables + ringTables + rolloverTables + sealKeyTables)
    var replay = Replay(from: db, to: db)
    try replay.run()
  }

  /// The version of the database at hand; 0 for an empty one.
  static func checkedVersion(_ db: Connection, path: String) throws(StoreError) -> Int {
    let found = try db.number("PRAGMA user_version")
    let application = try db.number("PRAGMA application_id")
    let isEmpty = try db.number("SELECT count(*) FROM sqlite_schema") == 0
    guard application == applicationID || isEmpty && found == 0 else { throw .foreignDatabase(path: path) }
    guard found <= version else { throw .newerSchema(found: Int(found), known: version) }
    return Int(found)
  }
}
