import MusterModel

/// DER, written by composition (X.690 §10): each function gives one complete value, tag and length included.
enum TLV {
  static func encode(_ tag: UInt8, _ parts: [[UInt8]]) -> [UInt8] {
    let length = parts.reduce(0) { $0 + $1.count }
    var out: [UInt8] = []
    out.reserveCapacity(length + 6)
    out.append(tag)
    appendLength(length, to: &out)
    for part in parts { out.append(contentsOf: part) }
    return out
  }

  static func appendLength(_ length: Int, to out: inout [UInt8]) {
    if length < 128 {
      out.append(UInt8(length))
      return
    }
    let bytes = bigEndian(UInt64(length))
    out.append(0x80 | UInt8(bytes.count))
    out.append(contentsOf: bytes)
  }

  static func sequence(_ parts: [UInt8]...) -> [UInt8] { encode(0x30, parts) }
  static func sequence(of parts: [[UInt8]]) -> [UInt8] { encode(0x30, parts) }
  /// The caller gives the parts in the order of their encodings (X.690 §11.6).
  static func set(_ parts: [UInt8]...) -> [UInt8] { encode(0x31, parts) }
  static func octetString(_ bytes: [UInt8]) -> [UInt8] { encode(0x04, [bytes]) }
  /// A BIT STRING of whole bytes.
  static func bitString(_ bytes: [UInt8]) -> [UInt8] { encode(0x03, [[0], bytes]) }
  static func utf8String(_ text: String) -> [UInt8] { encode(0x0c, [Array(text.utf8)]) }
  static func enumerated(_ value: UInt8) -> [UInt8] { [0x0a, 1, value] }
  static let null: [UInt8] = [0x05, 0]
  static let `true`: [UInt8] = [0x01, 1, 0xff]

  /// A context-specific tag around other values, or over the content of a constructed one.
  static func tagged(_ number: UInt8, _ parts: [UInt8]...) -> [UInt8] { encode(0xa0 | number, parts) }
  /// A context-specific tag over the content of a primitive value.
  static func primitive(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { encode(0x80 | number, [content]) }

  /// A non-negative INTEGER from its magnitude, most significant byte first.
  static func integer(_ magnitude: some Collection<UInt8>) -> [UInt8] {
    let digits = Array(magnitude.drop { $0 == 0 })
    guard let first = digits.first else { return [0x02, 1, 0] }
    return encode(0x02, first & 0x80 == 0 ? [digits] : [[0], digits])
  }

  static func integer(_ value: UInt64) -> [UInt8] { integer(bigEndian(value)) }

  /// RFC 5280 §4.1.2.5: UTCTime to the end of 2049, GeneralizedTime from 2050 on.
  static func time(_ time: Timestamp) -> [UInt8] {
    let parts = CivilTime(time)
    guard (1950..<2050).contains(parts.year) else { return generalizedTime(time) }
    return encode(0x17, [digits(parts.year % 100) + monthToSecond(parts)])
  }

  /// `YYYYMMDDHHMMSSZ`, without fractions (RFC 5280 §4.1.2.5.2).
  static func generalizedTime(_ time: Timestamp) -> [UInt8] {
    let parts = CivilTime(time)
    return encode(0x18, [digits(parts.year / 100) + digits(parts.year % 100) + monthToSecond(parts)])
  }

  private static func monthToSecond(_ parts: CivilTime) -> [UInt8] {
    digits(parts.month) + digits(parts.day) + digits(parts.hour) + digits(parts.minute) + digits(parts.second)
      + [UInt8(ascii: "Z")]
  }

  private static func digits(_ number: Int) -> [UInt8] {
    [UInt8(ascii: "0") + UInt8(number / 10 % 10), UInt8(ascii: "0") + UInt8(number % 10)]
  }

  private static func bigEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }.drop { $0 == 0 }.map { $0 }
  }

  /// An OBJECT IDENTIFIER of at least two arcs.
  static func objectIdentifier(_ arcs: [UInt64]) -> [UInt8] {
    let subidentifiers = [arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2)
    return encode(0x06, subidentifiers.map(base128))
  }

  private static func base128(_ value: UInt64) -> [UInt8] {
    var groups = [UInt8(value & 0x7f)]
    var rest = value >> 7
    while rest > 0 {
      groups.append(0x80 | UInt8(rest & 0x7f))
      rest >>= 7
    }
    return groups.reversed()
  }
}
