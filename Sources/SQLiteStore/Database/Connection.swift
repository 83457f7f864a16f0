import CSQLite
import GRDB
import GRDBSQLite

/// One SQLite connection with its prepared statements, for one thread at a time. GRDB opens and closes it; the
/// statements go straight to SQLite, because a commit runs dozens of them.
final class Connection {
  // Of one thread at a time, and never while it is in use: what Swift would check at each of a commit's dozens of uses.
  @exclusivity(unchecked) private var statements: [UnsafePointer<UInt8>: Statement] = [:]
  private let space = ParameterSpace()
  @exclusivity(unchecked) private var rowInserts: [UnsafePointer<UInt8>: RowInsert] = [:]
  /// Whether a row is written as it comes, so that it is known of each whether it could be.
  var writesRowsAtOnce = false
  private let queue: DatabaseQueue
  let handle: OpaquePointer
  /// Of the open transaction.
  var memory = GroupMemory()
  /// Of the transaction that began last.
  let digests: DigestIndex
  private let logCount = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

  enum Access { case readWrite, readOnly }

  /// Once, before the first connection.
  private static let isConfigured = sqlite_configure_memory() == SQLITE_OK && sqlite_gather_log_writes() == SQLITE_OK

  /// In milliseconds: how long a statement waits for another connection.
  static let busyTimeout: Int32 = 5000

  /// Opens the database at `path`; an empty path is a scratch database of its own that is gone when it is closed.
  init(
    path: String, _ access: Access, cacheKiB: Int = 8192, digests: DigestIndex = DigestIndex()
  ) throws(StoreError) {
    self.digests = digests
    logCount.initialize(to: 0)
    _ = Connection.isConfigured
    var configuration = Configuration()
    configuration.readonly = access == .readOnly
    configuration.busyMode = .timeout(Double(Connection.busyTimeout) / 1000)
    // The views are derived and have no foreign keys: a replay holds them to the events.
    configuration.foreignKeysEnabled = false
    // After a failed commit the transaction is ended by hand.
    configuration.allowsUnsafeTransactions = true
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
      handle = try queue.inDatabase { database in
        guard let handle = database.sqliteConnection else { throw StoreError.damaged("a closed connection") }
        return handle
      }
      // The file's header is read by the first statement that needs it.
      try queue.inDatabase { try $0.execute(sql: "SELECT count(*) FROM sqlite_schema") }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
      throw .foreignDatabase(path: path)
    } catch {
      throw StoreError(error)
    }
    // GRDB's hooks serve its observers and ask for its queue. Nobody observes here, and the thread is our own.
    sqlite3_commit_hook(handle, nil, nil)
    sqlite3_rollback_hook(handle, nil, nil)
    try pragma("cache_size = -\(cacheKiB)")
    try pragma("temp_store = MEMORY")
    // Every query has the index that it needs; one that SQLite makes for a single query reads a whole table into memory.
    try pragma("automatic_index = OFF")
    try pragma("trusted_schema = OFF")
    try pragma("cell_size_check = ON")
  }

  deinit {
    sqlite3_wal_hook(handle, nil, nil)
    logCount.deallocate()
  }

  /// The connection as GRDB's own reading of rows wants it.
  func inDatabase<Result>(_ body: (Database) throws -> Result) rethrows -> Result {
    try queue.inDatabase(body)
  }

  func setBusyTimeout(milliseconds: Int32) { sqlite3_busy_timeout(handle, milliseconds) }

  func pragma(_ text: String) throws(StoreError) { try execute("PRAGMA " + text) }

  /// Runs SQL that has no parameters and whose rows nobody wants.
  func execute(_ sql: String) throws(StoreError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw StoreError(handle, code) }
  }

  /// Runs a statement for what it does.
  func run<each Value: Bindable>(_ sql: StaticString, _ values: repeat each Value) throws(StoreError) {
    try with(sql, repeat each values) { (statement) throws(StoreError) in while try statement.step() {} }
  }

  /// Runs a statement that must change exactly one row: an event about a record that is not there contradicts the views.
  func change<each Value: Bindable>(_ sql: StaticString, _ values: repeat each Value) throws(StoreError) {
    try run(sql, repeat each values)
    guard sqlite3_changes(handle) == 1 else { throw .conflict("no record to change by: \(sql)") }
  }

  /// Inserts a row `into` a table's columns with the next ones, at the latest by `writeRows`: what must not be asked for
  /// before. One place inserts into those columns: it says what becomes of rows that are there.
  func insert<each Value: Bindable>(
    into: StaticString, _ values: repeat each Value, conflict: RowInsert.Conflict = .fails
  ) throws(StoreError) {
    let insert = try rows(into, conflict)
    insert.add(repeat each values)
    if insert.isFull || writesRowsAtOnce { try insert.write(on: handle) }
  }

  /// Writes what waits to be inserted.
  func writeRows() throws(StoreError) {
    for insert in rowInserts.values { try insert.write(on: handle) }
  }

  /// What waits to be inserted was rolled back.
  func forgetRows() {
    for insert in rowInserts.values { insert.forget() }
  }

  /// Runs a statement that may find nothing to do; whether it changed a row.
  func inserts<each Value: Bindable>(_ sql: StaticString, _ values: repeat each Value) throws(StoreError) -> Bool {
    try run(sql, repeat each values)
    return sqlite3_changes(handle) > 0
  }

  /// The first row, as `read` makes it.
  func first<Value, each Parameter: Bindable>(
    _ sql: StaticString, _ parameters: repeat each Parameter, read: (Row) throws(StoreError) -> Value
  ) throws(StoreError) -> Value? {
    try with(sql, repeat each parameters) { (statement) throws(StoreError) in
      try statement.step() ? try read(Row(statement.handle)) : nil
    }
  }

  /// Every row, as `read` makes it.
  func all<Value, each Parameter: Bindable>(
    _ sql: StaticString, _ parameters: repeat each Parameter, read: (Row) throws(StoreError) -> Value
  ) throws(StoreError) -> [Value] {
    try with(sql, repeat each parameters) { (statement) throws(StoreError) in
      var values: [Value] = []
      while try statement.step() { values.append(try read(Row(statement.handle))) }
      return values
    }
  }

  /// Calls `body` with each row in turn.
  func each<each Parameter: Bindable>(
    _ sql: StaticString, _ parameters: repeat each Parameter, body: (Row) throws(StoreError) -> Void
  ) throws(StoreError) {
    try with(sql, repeat each parameters) { (statement) throws(StoreError) in
      while try statement.step() { try body(Row(statement.handle)) }
    }
  }

  /// The rows one by one, at the reader's pace.
  func cursor(_ sql: StaticString) throws(StoreError) -> Cursor { Cursor(try Statement(sql, on: handle)) }

  func exists<each Value: Bindable>(_ sql: StaticString, _ values: repeat each Value) throws(StoreError) -> Bool {
    try with(sql, repeat each values) { (statement) throws(StoreError) in try statement.step() }
  }

  /// The number that `sql` gives; 0 for none.
  func number(_ sql: StaticString) throws(StoreError) -> Int64 { try first(sql) { row in row.int(0) } ?? 0 }

  /// From now on SQLite brings nothing of the write-ahead log over by itself, and `logPages` says how long it is.
  func countLogPages() {
    let count: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 = {
      $0?.assumingMemoryBound(to: Int32.self).pointee = $3
      return SQLITE_OK
    }
    sqlite3_wal_hook(handle, count, logCount)
  }

  /// After the last commit here; 0 where they are not counted.
  var logPages: Int {
    get { Int(logCount.pointee) }
    set { logCount.pointee = Int32(newValue) }
  }

  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// One prepared statement per place in the source: a literal's address is its key.
  private func prepared(_ sql: StaticString) throws(StoreError) -> Statement {
    if let statement = statements[sql.utf8Start] { return statement }
    let statement = try Statement(sql, on: handle)
    statements[sql.utf8Start] = statement
    return statement
  }

  private func rows(_ into: StaticString, _ conflict: RowInsert.Conflict) throws(StoreError) -> RowInsert {
    if let insert = rowInserts[into.utf8Start] { return insert }
    let insert = try RowInsert(into, conflict, on: handle)
    rowInserts[into.utf8Start] = insert
    return insert
  }

  /// Calls `body` with the statement, ready for its first step.
  private func with<Result, each Value: Bindable>(
    _ sql: StaticString, _ values: repeat each Value, body: (Statement) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    let statement = try prepared(sql)
    let mark = space.end
    defer {
      statement.reset()
      space.leave(to: mark)
    }
    var index: Int32 = 0
    for value in repeat each values {
      index += 1
      value.fill(index, of: statement.handle, in: space)
    }
    return try body(statement)
  }
}

extension StoreError {
  /// What GRDB or we threw, as the module's one error.
  init(_ error: any Error) {
    switch error {
    case let error as StoreError: self = error
    case let error as DatabaseError:
      self = .database(code: error.extendedResultCode.rawValue, message: error.message ?? "an error without a text")
    default: self = .damaged("\(error)")
    }
  }
}
