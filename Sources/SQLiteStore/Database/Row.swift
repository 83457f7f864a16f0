import GRDBSQLite
import MusterModel

/// The row on which a statement stands. What is read is parsed into its type; a value that does not parse was not
/// written by Muster.
struct Row {
  private let statement: OpaquePointer

  init(_ statement: OpaquePointer) { self.statement = statement }

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

  func int(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

  func bool(_ column: Int32) -> Bool { int(column) != 0 }

  func text(_ column: Int32) -> String {
    guard let start = sqlite3_column_text(statement, column) else { return "" }
    let count = Int(sqlite3_column_bytes(statement, column))
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  func bytes(_ column: Int32) -> [UInt8] {
    guard let start = sqlite3_column_blob(statement, column) else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
  }

  func position(_ column: Int32) throws(StoreError) -> UInt64 { try parsed(column, UInt64(exactly: int(column))) }

  func number(_ column: Int32) throws(StoreError) -> UInt32 { try parsed(column, UInt32(exactly: int(column))) }

  func time(_ column: Int32) -> Timestamp { Timestamp(milliseconds: int(column)) }

  func record(_ column: Int32) throws(StoreError) -> RecordID {
    guard let start = sqlite3_column_text(statement, column) else { return try parsed(column, nil) }
    let count = Int(sqlite3_column_bytes(statement, column))
    return try parsed(column, RecordID(utf8: UnsafeBufferPointer(start: start, count: count)))
  }

  func digest(_ column: Int32) throws(StoreError) -> Digest {
    let start = sqlite3_column_blob(statement, column)
    let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
    return try parsed(column, Digest(bytes: bytes))
  }

  /// A value of a closed list.
  func value<Value: RawRepresentable<String>>(_ column: Int32, _: Value.Type = Value.self) throws(StoreError) -> Value {
    try parsed(column, Value(rawValue: text(column)))
  }

  /// What `read` makes of the column; nil where it is NULL.
  func optional<Value>(
    _ column: Int32, _ read: (Row) -> (Int32) throws(StoreError) -> Value
  ) throws(StoreError) -> Value? {
    isNull(column) ? nil : try read(self)(column)
  }

  func parsed<Value>(_ column: Int32, _ value: Value?) throws(StoreError) -> Value {
    guard let value else {
      let name = sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "\(column)"
      throw .damaged("a value of another form in column \(name)")
    }
    return value
  }
}
