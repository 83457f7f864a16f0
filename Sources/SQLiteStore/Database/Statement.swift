import GRDBSQLite

/// A prepared statement of one connection. Whoever runs it resets it, so that it keeps no snapshot open.
final class Statement {
  let handle: OpaquePointer
  private let connection: OpaquePointer

  convenience init(_ sql: StaticString, on connection: OpaquePointer) throws(StoreError) {
    try self.init(UnsafeBufferPointer(start: sql.utf8Start, count: sql.utf8CodeUnitCount), on: connection)
  }

  init(_ sql: UnsafeBufferPointer<UInt8>, on connection: OpaquePointer) throws(StoreError) {
    var handle: OpaquePointer?
    let code = sql.withMemoryRebound(to: CChar.self) {
      sqlite3_prepare_v3(
        connection, $0.baseAddress, Int32($0.count), UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    }
    guard code == SQLITE_OK, let handle else { throw StoreError(connection, code) }
    self.handle = handle
    self.connection = connection
  }

  /// Whether there is a row to read.
  func step() throws(StoreError) -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw StoreError(connection, code)
    }
  }

  func reset() { sqlite3_reset(handle) }

  deinit { sqlite3_finalize(handle) }
}

/// The rows of one statement, read one by one.
final class Cursor {
  private let statement: Statement
  private var isAtEnd = false

  init(_ statement: Statement) { self.statement = statement }

  /// nil at the end.
  func next<Value>(_ read: (Row) throws(StoreError) -> Value) throws(StoreError) -> Value? {
    guard !isAtEnd, try statement.step() else {
      isAtEnd = true
      return nil
    }
    return try read(Row(statement.handle))
  }
}

extension StoreError {
  /// GRDB turns extended result codes on: the low byte is the code.
  init(_ connection: OpaquePointer, _ code: Int32) {
    let message = String(cString: sqlite3_errmsg(connection))
    self = code & 0xff == SQLITE_CONSTRAINT ? .conflict(message) : .database(code: code, message: message)
  }
}
