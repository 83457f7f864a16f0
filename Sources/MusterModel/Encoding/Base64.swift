/// Base64 with the standard alphabet and padding (RFC 4648 §4).
public enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let pad = UInt8(ascii: "=")

  /// A character's six bits; `none` for any other.
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: none, count: 256)
    for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
    return table
  }()
  private static let none: UInt8 = 0xff

  /// In ASCII, in one line.
  public static func encode(_ bytes: [UInt8]) -> [UInt8] {
    let alphabet = alphabet
    return [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { out, end in
      for start in stride(from: 0, to: bytes.count, by: 3) {
        let count = min(3, bytes.count - start)
        let second = count > 1 ? bytes[start + 1] : 0
        let third = count > 2 ? bytes[start + 2] : 0
        let group = Int(bytes[start]) << 16 | Int(second) << 8 | Int(third)
        out[end] = alphabet[group >> 18]
        out[end + 1] = alphabet[group >> 12 & 63]
        out[end + 2] = count > 1 ? alphabet[group >> 6 & 63] : pad
        out[end + 3] = count > 2 ? alphabet[group & 63] : pad
        end += 4
      }
    }
  }

  /// nil unless `text` is exactly what `encode` writes, line breaks (CR, LF) apart: other characters, missing padding and
  /// loose last bits are refused.
  public static func decode(_ text: [UInt8]) -> [UInt8]? {
    let values = values
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var (group, held, padding) = (0, 0, 0)
    for character in text where character != UInt8(ascii: "\r") && character != UInt8(ascii: "\n") {
      let value = values[Int(character)]
      if character == pad, held >= 2 {
        padding += 1
      } else if value == none || padding > 0 {
        return nil
      }
      group = group << 6 | (character == pad ? 0 : Int(value))
      held += 1
      guard held == 4 else { continue }
      guard group & (1 << (8 * padding) - 1) == 0 else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: group >> 16))
      if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
      if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: group)) }
      (group, held) = (0, 0)
      // Nothing follows what was padded.
      if padding > 0 { padding = 4 }
    }
    return held == 0 ? bytes : nil
  }
}
