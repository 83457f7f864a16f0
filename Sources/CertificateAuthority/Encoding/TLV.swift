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

  /// Definite, in the fewest bytes (X.690 §10.1).
  static func appendLength(_ length: Int, to out: inout [UInt8]) {
    guard length >= 128 else {
      out.append(UInt8(length))
      return
    }
    let count = (Int.bitWidth - length.leadingZeroBitCount + 7) / 8
    out.append(0x80 | UInt8(count))
    for index in (0..<count).reversed() { out.append(UInt8(truncatingIfNeeded: length >> (8 * index))) }
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

  static func integer(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { integer($0) } }

  /// RFC 5280 §4.1.2.5: UTCTime to the end of 2049, GeneralizedTime from 2050 on.
  static func time(_ time: Timestamp) -> [UInt8] {
    let parts = CivilTime(time)
    return (1950..<2050).contains(parts.year) ? encode(parts, 0x17, century: false) : encode(parts, 0x18, century: true)
  }

  /// `YYYYMMDDHHMMSSZ`, without fractions (RFC 5280 §4.1.2.5.2).
  static func generalizedTime(_ time: Timestamp) -> [UInt8] { encode(CivilTime(time), 0x18, century: true) }

  private static func encode(_ parts: CivilTime, _ tag: UInt8, century: Bool) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(17)
    func append(_ number: Int) {
      out.append(UInt8(ascii: "0") + UInt8(number / 10 % 10))
      out.append(UInt8(ascii: "0") + UInt8(number % 10))
    }
    out.append(tag)
    out.append(century ? 15 : 13)
    if century { append(parts.year / 100) }
    append(parts.year % 100)
    append(parts.month)
    append(parts.day)
    append(parts.hour)
    append(parts.minute)
    append(parts.second)
    out.append(UInt8(ascii: "Z"))
    return out
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
