/// One JSON object (RFC 8259) whose fields hold texts, whole numbers, truth values or null, each field once: a line of
/// NDJSON as stations and the service send them by the thousand. What is nested, fractional or said twice is refused.
public struct FlatObject: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case text(String)
    case number(UInt64)
    case bool(Bool)
  }

  /// In their order; null is left out.
  public private(set) var fields: [(name: String, value: Value)] = []

  /// The most fields that are read.
  public static let fieldLimit = 64

  public static func == (left: FlatObject, right: FlatObject) -> Bool {
    left.fields.elementsEqual(right.fields) { $0.name == $1.name && $0.value == $1.value }
  }

  public func hash(into hasher: inout Hasher) {
    for field in fields {
      hasher.combine(field.name)
      hasher.combine(field.value)
    }
  }

  public subscript(_ name: String) -> Value? { fields.first { $0.name == name }?.value }

  /// nil where the field is absent or is no text.
  public func text(_ name: String) -> String? {
    if case .text(let text)? = self[name] { text } else { nil }
  }

  /// nil where the field is absent or is no whole number.
  public func number(_ name: String) -> UInt64? {
    if case .number(let number)? = self[name] { number } else { nil }
  }

  /// nil unless `line` is one such object and nothing else but blanks.
  public init?(_ line: some Sequence<UInt8>) {
    var reading = Reading(bytes: Array(line))
    guard let fields = reading.object() else { return nil }
    self.fields = fields
  }
}

/// The bytes and how far they are read.
private struct Reading {
  let bytes: [UInt8]
  var index = 0

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  mutating func object() -> [(name: String, value: FlatObject.Value)]? {
    var fields: [(name: String, value: FlatObject.Value)] = []
    var names: [String] = []
    guard take("{") else { return nil }
    if !take("}") {
      repeat {
        skipBlanks()
        guard names.count < FlatObject.fieldLimit, let name = string(), !names.contains(name), take(":"),
          let value = value()
        else { return nil }
        names.append(name)
        if case .some(let value) = value { fields.append((name, value)) }
      } while take(",")
      guard take("}") else { return nil }
    }
    skipBlanks()
    return index == bytes.count ? fields : nil
  }

  /// The outer nil is no value, the inner one is null.
  private mutating func value() -> FlatObject.Value?? {
    skipBlanks()
    switch next {
    case UInt8(ascii: "\""): return string().map { .text($0) }
    case (0x30...0x39)?: return number().map { .number($0) }
    default: break
    }
    if word("null") { return .some(nil) }
    if word("true") { return .bool(true) }
    return word("false") ? .bool(false) : nil
  }

  private mutating func number() -> UInt64? {
    let start = index
    while let digit = next, (0x30...0x39).contains(digit) { index += 1 }
    let digits = bytes[start..<index]
    guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
    return UInt64(String(decoding: digits, as: UTF8.self))
  }

  /// nil where what stands there is no string, or not UTF-8.
  private mutating func string() -> String? {
    guard next == UInt8(ascii: "\"") else { return nil }
    index += 1
    let plain = bytes[index...].prefix { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    index = plain.endIndex
    if next == UInt8(ascii: "\"") {
      index += 1
      return String(validating: plain, as: UTF8.self)
    }
    var text = Array(plain)
    while let byte = next {
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let escaped = escape() else { return nil }
        text.append(contentsOf: String(escaped).utf8)
      case 0..<0x20: return nil
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    guard let byte = next else { return nil }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return scalar()
    default: return nil
    }
  }

  /// A surrogate stands in its pair alone.
  private mutating func scalar() -> Unicode.Scalar? {
    guard let first = unit() else { return nil }
    guard (0xd800...0xdbff).contains(first) else { return Unicode.Scalar(first) }
    guard word("\\u"), let second = unit(), (0xdc00...0xdfff).contains(second) else { return nil }
    return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
  }

  private mutating func unit() -> UInt32? {
    guard index + 4 <= bytes.count, let octets = Hex.decode(String(decoding: bytes[index..<index + 4], as: UTF8.self))
    else { return nil }
    index += 4
    return UInt32(octets[0]) << 8 | UInt32(octets[1])
  }

  private mutating func word(_ word: StaticString) -> Bool {
    word.withUTF8Buffer { word in
      guard bytes[index...].starts(with: word) else { return false }
      index += word.count
      return true
    }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    skipBlanks()
    return self.word(word)
  }

  private mutating func skipBlanks() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { index += 1 }
  }
}
