import GRDBSQLite
import MusterModel

/// A value as a statement's parameter.
protocol Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer)
}

/// SQLite copies what is bound, before the pointer ends.
private let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

extension Int64: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) { sqlite3_bind_int64(statement, index, self) }
}

extension Int: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) { Int64(self).fill(index, of: statement) }
}

extension UInt32: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) { Int64(self).fill(index, of: statement) }
}

/// Positions, versions and numbers, all below 2⁶³.
extension UInt64: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) {
    Int64(clamping: self).fill(index, of: statement)
  }
}

extension Bool: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) { Int64(self ? 1 : 0).fill(index, of: statement) }
}

extension String: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) {
    var text = self
    text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        _ = sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), copied)
      }
    }
  }
}

extension [UInt8]: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) {
    // The address of nothing may be null, which would bind NULL.
    guard !isEmpty else {
      sqlite3_bind_zeroblob(statement, index, 0)
      return
    }
    _ = withUnsafeBytes { sqlite3_bind_blob(statement, index, $0.baseAddress, Int32($0.count), copied) }
  }
}

extension Optional: Bindable where Wrapped: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) {
    if let value = self {
      value.fill(index, of: statement)
    } else {
      sqlite3_bind_null(statement, index)
    }
  }
}

extension RecordID: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) {
    withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) {
        _ = sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), copied)
      }
    }
  }
}

/// As `concern` has it: the bytes of a record's UUID, of a list the bytes of its name. Without the record's kind in front,
/// so that what came at the same time stands side by side.
extension Aggregate: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) {
    switch self {
    case .record(let id):
      id.uuid.withUnsafeBytes { _ = sqlite3_bind_blob(statement, index, $0.baseAddress, Int32($0.count), copied) }
    default: Array(name.utf8).fill(index, of: statement)
    }
  }
}

extension Digest: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) {
    withUnsafeBytes { _ = sqlite3_bind_blob(statement, index, $0.baseAddress, Int32($0.count), copied) }
  }
}

extension Timestamp: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer) { milliseconds.fill(index, of: statement) }
}
