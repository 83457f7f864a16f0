import GRDBSQLite
import MusterModel

/// A value as a statement's parameter.
protocol Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace)
}

/// SQLite copies what is bound, before the pointer ends.
private let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

extension ParameterSpace {
  fileprivate func bind(text: UnsafeBufferPointer<UInt8>, _ index: Int32, of statement: OpaquePointer) {
    if let start = keep(UnsafeRawBufferPointer(text)) {
      sqlite3_bind_text(statement, index, start.assumingMemoryBound(to: CChar.self), Int32(text.count), nil)
    } else {
      text.withMemoryRebound(to: CChar.self) {
        _ = sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), copied)
      }
    }
  }

  fileprivate func bind(blob: UnsafeRawBufferPointer, _ index: Int32, of statement: OpaquePointer) {
    if let start = keep(blob) {
      sqlite3_bind_blob(statement, index, start, Int32(blob.count), nil)
    } else {
      sqlite3_bind_blob(statement, index, blob.baseAddress, Int32(blob.count), copied)
    }
  }
}

extension Int64: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    sqlite3_bind_int64(statement, index, self)
  }
}

extension Int: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    Int64(self).fill(index, of: statement, in: space)
  }
}

extension UInt32: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    Int64(self).fill(index, of: statement, in: space)
  }
}

/// Positions, versions and numbers, all below 2⁶³.
extension UInt64: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    Int64(clamping: self).fill(index, of: statement, in: space)
  }
}

extension Bool: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    Int64(self ? 1 : 0).fill(index, of: statement, in: space)
  }
}

extension String: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    var text = self
    text.withUTF8 { space.bind(text: $0, index, of: statement) }
  }
}

extension [UInt8]: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    // The address of nothing may be null, which would bind NULL.
    guard !isEmpty else {
      sqlite3_bind_zeroblob(statement, index, 0)
      return
    }
    withUnsafeBytes { space.bind(blob: $0, index, of: statement) }
  }
}

extension Optional: Bindable where Wrapped: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    if let value = self {
      value.fill(index, of: statement, in: space)
    } else {
      sqlite3_bind_null(statement, index)
    }
  }
}

extension RecordID: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    withUTF8 { space.bind(text: $0, index, of: statement) }
  }
}

/// As `concern` has it: the bytes of a record's UUID, of a list the bytes of its name. Without the record's kind in front,
/// so that what came at the same time stands side by side.
extension Aggregate: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    switch self {
    case .record(let id):
      id.uuid.withUnsafeBytes { space.bind(blob: $0, index, of: statement) }
    default: Array(name.utf8).fill(index, of: statement, in: space)
    }
  }
}

extension Digest: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    withUnsafeBytes { space.bind(blob: $0, index, of: statement) }
  }
}

extension Timestamp: Bindable {
  func fill(_ index: Int32, of statement: OpaquePointer, in space: ParameterSpace) {
    milliseconds.fill(index, of: statement, in: space)
  }
}
