import MusterModel

/// One DER value where it lies: its tag, its content, and the whole of it.
struct DERValue {
  let tag: UInt8
  let content: ArraySlice<UInt8>
  let whole: ArraySlice<UInt8>
}

/// Reads DER in place, one value after the other: tags of one byte, definite lengths in their fewest bytes (X.690 §10.1).
/// For what is read thousands of times a second; tests hold it to SwiftASN1.
struct DERReader {
  private var rest: ArraySlice<UInt8>
  private let what: StaticString

  init(_ content: ArraySlice<UInt8>, _ what: StaticString) {
    rest = content
    self.what = what
  }

  var isAtEnd: Bool { rest.isEmpty }
  /// The tag of the next value; nil at the end.
  var next: UInt8? { rest.first }

  /// The next value, of any tag.
  mutating func take(_ member: StaticString) throws(MalformedDER) -> DERValue {
    guard let extent = rest.withUnsafeBufferPointer(DERReader.extent) else {
      throw MalformedDER(expected: "\(member) in \(what)", found: "no value in DER")
    }
    let (start, end) = (rest.startIndex + extent.start, rest.startIndex + extent.end)
    let value = DERValue(tag: extent.tag, content: rest[start..<end], whole: rest[..<end])
    rest = rest[end...]
    return value
  }

  /// The next value, of this tag.
  mutating func take(_ tag: UInt8, _ member: StaticString) throws(MalformedDER) -> DERValue {
    guard rest.first == tag else {
      throw MalformedDER(expected: "\(member) in \(what)", found: rest.first.map { "the tag \($0)" } ?? "its end")
    }
    return try take(member)
  }

  /// The members of the next value, which is constructed and has this tag: SEQUENCE, where none is said.
  mutating func members(_ member: StaticString, tag: UInt8 = 0x30) throws(MalformedDER) -> DERReader {
    DERReader(try take(tag, member).content, member)
  }

  func end() throws(MalformedDER) {
    guard isAtEnd else { throw MalformedDER(expected: "the end of \(what)", found: "more") }
  }

  /// The first value's tag, and from where to where its content is; nil where that is not all there, or its length not in
  /// its one form.
  private static func extent(of bytes: UnsafeBufferPointer<UInt8>) -> (tag: UInt8, start: Int, end: Int)? {
    guard bytes.count >= 2, bytes[0] & 0x1f != 0x1f else { return nil }
    let octet = bytes[1]
    var (start, count) = (2, Int(octet))
    if octet >= 0x80 {
      start += Int(octet & 0x7f)
      guard (3...6).contains(start), start <= bytes.count, bytes[2] != 0 else { return nil }
      count = bytes[2..<start].reduce(0) { $0 << 8 | Int($1) }
      guard count >= 0x80 else { return nil }
    }
    return count <= bytes.count - start ? (bytes[0], start, start + count) : nil
  }
}

extension DERValue {
  /// The content of a BIT STRING that has no unused bits.
  func wholeBits(_ what: StaticString) throws(MalformedDER) -> ArraySlice<UInt8> {
    guard tag == 0x03, content.first == 0 else {
      throw MalformedDER(expected: "\(what) as a bit string without unused bits", found: "another value")
    }
    return content.dropFirst()
  }

  /// The magnitude of an INTEGER that is minimal and not negative, without a leading zero byte; empty for zero.
  func magnitude(_ what: StaticString) throws(MalformedDER) -> ArraySlice<UInt8> {
    guard tag == 0x02, let first = content.first, first & 0x80 == 0 else {
      throw MalformedDER(expected: "\(what) as an integer that is not negative", found: "another value")
    }
    let magnitude = first == 0 ? content.dropFirst() : content
    guard first != 0 || (magnitude.first ?? 0x80) & 0x80 != 0 else {
      throw MalformedDER(expected: "\(what) in its shortest form", found: "a leading zero")
    }
    return magnitude
  }

  /// UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 has them: seconds, `Z`, no fractions.
  func time() throws(MalformedDER) -> Timestamp {
    let isShort = tag == 0x17
    guard isShort || tag == 0x18, content.count == (isShort ? 13 : 15), content.last == UInt8(ascii: "Z"),
      content.dropLast().allSatisfy({ (0x30...0x39).contains($0) })
    else { throw MalformedDER(expected: "a time", found: "another value") }
    func two(_ place: Int) -> Int {
      let index = content.startIndex + (isShort ? place - 2 : place)
      return Int(content[index] - 0x30) * 10 + Int(content[index + 1] - 0x30)
    }
    // Two digits stand for 1950 to 2049.
    let year = isShort ? (two(2) < 50 ? 2000 : 1900) + two(2) : two(0) * 100 + two(2)
    let parts = CivilTime(
      year: year, month: two(4), day: two(6), hour: two(8), minute: two(10), second: two(12))
    guard let time = parts.timestamp else { throw MalformedDER(expected: "a time", found: "a date that is none") }
    return time
  }
}
