/// Bytes that are not the TPM structure they should be. Caught inside the module and made a refusal.
struct MalformedTPM: Error, Hashable {
  let expected: String
  let found: String
}

/// Reads TPM 2.0 structures in place: numbers big-endian, byte strings behind their size (TPM 2.0 Library part 2 §4).
/// Each size is held to its bound and to what is there before anything is taken.
struct TPMReader {
  private var rest: ArraySlice<UInt8>
  private let what: StaticString

  init(_ bytes: ArraySlice<UInt8>, _ what: StaticString) {
    rest = bytes
    self.what = what
  }

  mutating func take(_ count: Int, _ member: StaticString) throws(MalformedTPM) -> ArraySlice<UInt8> {
    guard count <= rest.count else {
      throw MalformedTPM(expected: "\(count) bytes of \(member) in \(what)", found: "\(rest.count)")
    }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  mutating func uint8(_ member: StaticString) throws(MalformedTPM) -> UInt8 { UInt8(try number(1, member)) }
  mutating func uint16(_ member: StaticString) throws(MalformedTPM) -> UInt16 { UInt16(try number(2, member)) }
  mutating func uint32(_ member: StaticString) throws(MalformedTPM) -> UInt32 { UInt32(try number(4, member)) }
  mutating func uint64(_ member: StaticString) throws(MalformedTPM) -> UInt64 { try number(8, member) }

  /// A number of at most 8 bytes with the least significant first, as event logs have them.
  mutating func little(_ width: Int, _ member: StaticString) throws(MalformedTPM) -> UInt64 {
    try take(width, member).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A TPM2B: its size in two bytes, at most `limit`, then so many bytes.
  mutating func sized(_ member: StaticString, limit: Int) throws(MalformedTPM) -> ArraySlice<UInt8> {
    let size = Int(try uint16(member))
    guard size <= limit else {
      throw MalformedTPM(expected: "at most \(limit) bytes of \(member) in \(what)", found: "\(size)")
    }
    return try take(size, member)
  }

  var isAtEnd: Bool { rest.isEmpty }

  func end() throws(MalformedTPM) {
    guard rest.isEmpty else { throw MalformedTPM(expected: "the end of \(what)", found: "\(rest.count) more bytes") }
  }

  private mutating func number(_ width: Int, _ member: StaticString) throws(MalformedTPM) -> UInt64 {
    try take(width, member).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
