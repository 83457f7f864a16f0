/// The database's schema as numbered steps. A step that was shipped is never changed: a change is a new step.
enum Schema {
  /// `application_id` of the file header (https://www.sqlite.org/fileformat2.html §1.3): "Mstr".
  static let applicationID: Int64 = 0x4d73_7472

  static let migrations = [
    Migration(sql: ledgerTables + viewTables),
    Migration(sql: orderTables),
    Migration(sql: hubTables, fills: Projections([HubFeedView.self, HubReceiptView.self, DeviceKeyView.self])),
    Migration(sql: endedBindings),
    Migration(sql: keyTables),
    Migration(sql: groupIndexes),
  ]

  struct Migration: Sendable {
    let sql: String
    /// The views that it adds: an older ledger's events are projected into them by the same step.
    var fills: Projections?
  }

  /// Brings the database to the newest schema, each step once, in a transaction of its own. Throws
  /// `foreignDatabase` and `newerSchema` before anything is written.
  static func migrate(_ db: Connection, path: String) throws(StoreError) {
    let version = try checkedVersion(db, path: path)
    for (number, migration) in migrations.enumerated().dropFirst(version) {
      try db.execute("BEGIN IMMEDIATE")
      do throws(StoreError) {
        try db.execute(migration.sql)
        if let views = migration.fills { try fill(views, db) }
        try db.pragma("application_id = \(applicationID)")
        try db.pragma("user_version = \(number + 1)")
        try db.execute("COMMIT")
      } catch {
        try? db.execute("ROLLBACK")
        throw error
      }
    }
  }

  private static func fill(_ views: Projections, _ db: Connection) throws(StoreError) {
    try db.each(
      """
      SELECT event.position, event.bytes, private_attachment.bytes
      FROM event LEFT JOIN private_attachment USING (position) ORDER BY event.position
      """
    ) { (row) throws(StoreError) in
      let details = row.isNull(2) ? nil : row.bytes(2)
      try views.apply(try AnyRecorded(row.bytes(1), details: details, at: row.position(0), .muster), db)
    }
  }

  /// The version of the database at hand; 0 for an empty one.
  static func checkedVersion(_ db: Connection, path: String) throws(StoreError) -> Int {
    let version = try db.number("PRAGMA user_version")
    let application = try db.number("PRAGMA application_id")
    let isEmpty = try db.number("SELECT count(*) FROM sqlite_schema") == 0
    guard application == applicationID || isEmpty && version == 0 else { throw .foreignDatabase(path: path) }
    guard version <= migrations.count else { throw .newerSchema(found: Int(version), known: migrations.count) }
    return Int(version)
  }
}

/// Finds whether hardware left a device, and gives the vault a version by its seals, so that what was signed before one
/// is stale after it.
private let endedBindings = """
  CREATE INDEX bound_hardware_ended ON bound_hardware(hardware) WHERE ended_at IS NOT NULL;

  UPDATE OR IGNORE concern SET changes = 1 WHERE record = 'vault' AND changes = 0 AND (
    SELECT json_extract(CAST(bytes AS TEXT), '$.kind') FROM event WHERE event.position = concern.position
  ) = 'vault-sealed';
  """
