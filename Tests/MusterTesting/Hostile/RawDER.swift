/// DER (X.690 §10) as tests write it: by another hand than the one under test, and without a check, so that what is
/// written can be wrong.
package enum RawDER {
  static func tlv(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] { tlv(tag, parts) }

  static func tlv(_ tag: UInt8, _ parts: [[UInt8]]) -> [UInt8] {
    let count = parts.reduce(0) { $0 + $1.count }
    var bytes = [tag] + length(count)
    bytes.reserveCapacity(bytes.count + count)
    for part in parts { bytes += part }
    return bytes
  }

  static func sequence(_ parts: [UInt8]...) -> [UInt8] { tlv(0x30, parts) }
  static func set(_ parts: [UInt8]...) -> [UInt8] { tlv(0x31, parts) }
  static func bits(_ bytes: [UInt8]) -> [UInt8] { tlv(0x03, [0], bytes) }
  static func utf8(_ text: String) -> [UInt8] { tlv(0x0c, Array(text.utf8)) }

  static func length(_ count: Int) -> [UInt8] {
    guard count >= 0x80 else { return [UInt8(count)] }
    var bytes: [UInt8] = []
    var rest = count
    while rest > 0 {
      bytes.insert(UInt8(rest & 0xff), at: 0)
      rest >>= 8
    }
    return [0x80 | UInt8(bytes.count)] + bytes
  }

  /// Two arcs of one byte together first, the others in base 128.
  static func oid(_ arcs: Int...) -> [UInt8] {
    var bytes = [UInt8(arcs[0] * 40 + arcs[1])]
    for arc in arcs.dropFirst(2) {
      var groups = [UInt8(arc & 0x7f)]
      var rest = arc >> 7
      while rest > 0 {
        groups.insert(0x80 | UInt8(rest & 0x7f), at: 0)
        rest >>= 7
      }
      bytes += groups
    }
    return tlv(0x06, bytes)
  }

  /// SEQUENCEs inside each other, written from the inside in one pass.
  package static func nested(_ depth: Int) -> [UInt8] {
    var reversed: [UInt8] = [0, 5]
    for _ in 0..<depth { reversed += ([0x30] + length(reversed.count)).reversed() }
    return reversed.reversed()
  }

  /// What stands after tag and length.
  static func contents(_ bytes: [UInt8]) -> [UInt8] {
    Array(bytes.dropFirst(bytes[1] < 0x80 ? 2 : 2 + Int(bytes[1] & 0x7f)))
  }

  /// The same contents under an indefinite length (X.690 §8.1.3.6), which BER has and DER has not.
  static func indefinite(_ bytes: [UInt8]) -> [UInt8] { [bytes[0], 0x80] + contents(bytes) + [0, 0] }
}
