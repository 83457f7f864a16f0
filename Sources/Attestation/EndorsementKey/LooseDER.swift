import MusterModel

/// One value where it lies.
struct LooseValue {
  let tag: UInt8
  let content: ArraySlice<UInt8>
  let whole: ArraySlice<UInt8>
}

/// Reads what TPM makers put into certificates: definite lengths and tags of one byte, but sets in any order, defaults
/// written out, and lengths in more bytes than needed. Nothing is ever encoded again: signatures are checked over the
/// bytes as they came. For these certificates alone; everywhere else DER is DER.
struct LooseDER {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }
  var next: UInt8? { rest.first }
  /// What was not read.
  var remainder: ArraySlice<UInt8> { rest }

  mutating func take(_ member: StaticString) throws(MalformedTPM) -> LooseValue {
    guard let tag = rest.first, tag & 0x1f != 0x1f, let (start, count) = length, count <= rest.endIndex - start else {
      throw MalformedTPM(expected: "\(member)", found: "no value in DER")
    }
    let value = LooseValue(tag: tag, content: rest[start..<start + count], whole: rest[rest.startIndex..<start + count])
    rest = rest[(start + count)...]
    return value
  }

  mutating func take(_ tag: UInt8, _ member: StaticString) throws(MalformedTPM) -> LooseValue {
    guard rest.first == tag else {
      throw MalformedTPM(expected: "\(member)", found: rest.first.map { "the tag \($0)" } ?? "the end")
    }
    return try take(member)
  }

  /// The next value, where it has this tag.
  mutating func takeOptional(_ tag: UInt8, _ member: StaticString) throws(MalformedTPM) -> LooseValue? {
    rest.first == tag ? try take(member) : nil
  }

  mutating func sequence(_ member: StaticString) throws(MalformedTPM) -> LooseDER {
    LooseDER(try take(0x30, member).content)
  }

  func end(_ what: StaticString) throws(MalformedTPM) {
    guard isAtEnd else { throw MalformedTPM(expected: "the end of \(what)", found: "more") }
  }

  private var length: (start: Int, count: Int)? {
    let first = rest.startIndex + 1
    guard first < rest.endIndex else { return nil }
    let octet = rest[first]
    guard octet >= 0x80 else { return (first + 1, Int(octet)) }
    let bytes = Int(octet & 0x7f)
    guard (1...4).contains(bytes), bytes < rest.endIndex - first else { return nil }
    return (first + 1 + bytes, rest[(first + 1)...(first + bytes)].reduce(0) { $0 << 8 | Int($1) })
  }
}

extension LooseValue {
  /// The content of a BIT STRING of whole bytes.
  func wholeBits(_ what: StaticString) throws(MalformedTPM) -> ArraySlice<UInt8> {
    guard tag == 0x03, content.first == 0 else {
      throw MalformedTPM(expected: "\(what) as a bit string of whole bytes", found: "another value")
    }
    return content.dropFirst()
  }

  /// UTCTime or GeneralizedTime with seconds and `Z` (RFC 5280 §4.1.2.5).
  func time() throws(MalformedTPM) -> Timestamp {
    let isShort = tag == 0x17
    guard isShort || tag == 0x18, content.count == (isShort ? 13 : 15), content.last == UInt8(ascii: "Z"),
      content.dropLast().allSatisfy({ (0x30...0x39).contains($0) })
    else { throw MalformedTPM(expected: "a time", found: "another value") }
    let digits = content.dropLast().map { Int($0 - 0x30) }
    func two(_ place: Int) -> Int {
      let index = isShort ? place - 2 : place
      return digits[index] * 10 + digits[index + 1]
    }
    let year = isShort ? (two(2) < 50 ? 2000 : 1900) + two(2) : two(0) * 100 + two(2)
    let parts = CivilTime(
      year: year, month: two(4), day: two(6), hour: two(8), minute: two(10), second: two(12))
    guard let time = parts.timestamp else { throw MalformedTPM(expected: "a time", found: "a date that is none") }
    return time
  }
}
