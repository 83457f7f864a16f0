import GRDBSQLite

/// Rows of one form that one statement inserts together, up to sixteen: what SQLite does for each statement, and its way
/// down from each tree's root, is done once for all of them, which halves what a row costs.
final class RowInsert {
  /// What becomes of rows that are there.
  enum Conflict {
    /// The transaction is to be taken back.
    case fails
    /// They stay, and what was to be inserted is dropped.
    case ignored
    /// They are changed as the clause says, and each row must be written or change one.
    case resolved(by: StaticString)
  }

  private static let width: Int32 = 16

  private let statement: Statement
  private let columns: Int32
  private let isExact: Bool
  /// Apart from the connection's own: what waits here stays while other statements run.
  private let space = ParameterSpace()
  private var count: Int32 = 0

  /// `into` names a table and its columns, the first of which is never NULL.
  init(_ into: StaticString, _ conflict: Conflict, on connection: OpaquePointer) throws(StoreError) {
    let columns = "\(into)".count { $0 == "," } + 1
    let row = "(" + Array(repeating: "?", count: columns).joined(separator: ",") + ")"
    let rows = Array(repeating: row, count: Int(RowInsert.width)).joined(separator: ",")
    // FAIL: to take back a statement by itself SQLite would copy every page before it changes, and here all is taken back.
    var text = "INSERT OR FAIL INTO "
    var clause = ""
    switch conflict {
    case .fails: isExact = true
    case .ignored: (text, isExact) = ("INSERT OR IGNORE INTO ", false)
    case .resolved(let by): (clause, isExact) = (" ON CONFLICT \(by)", true)
    }
    // Of fewer than sixteen the rest is NULL, and passed over.
    text += "\(into) SELECT * FROM (VALUES \(rows)) WHERE column1 IS NOT NULL" + clause
    statement = try Array(text.utf8).withUnsafeBufferPointer { (sql) throws(StoreError) in
      try Statement(sql, on: connection)
    }
    self.columns = Int32(columns)
  }

  var isFull: Bool { count == RowInsert.width }

  func add<each Value: Bindable>(_ values: repeat each Value) {
    var index = count * columns
    for value in repeat each values {
      index += 1
      value.fill(index, of: statement.handle, in: space)
    }
    count += 1
  }

  /// Throws `conflict` for a row that may not be there.
  func write(on connection: OpaquePointer) throws(StoreError) {
    guard count > 0 else { return }
    let rows = count
    defer { forget() }
    while try statement.step() {}
    guard !isExact || sqlite3_changes(connection) == rows else {
      throw .conflict("expected \(rows) rows written, found \(sqlite3_changes(connection))")
    }
  }

  /// What waits is not written.
  func forget() {
    statement.reset()
    sqlite3_clear_bindings(statement.handle)
    space.leave(to: 0)
    count = 0
  }
}
