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
    [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { out, end in
      alphabet.withUnsafeBufferPointer { alphabet in
        bytes.withUnsafeBufferPointer { end = encode($0, alphabet, into: out) }
      }
    }
  }

  private static func encode(
    _ bytes: UnsafeBufferPointer<UInt8>, _ alphabet: UnsafeBufferPointer<UInt8>,
    into out: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    var (start, end) = (0, 0)
    while start + 2 < bytes.count {
      let group = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
      out[end] = alphabet[group >> 18]
      out[end + 1] = alphabet[group >> 12 & 63]
      out[end + 2] = alphabet[group >> 6 & 63]
      out[end + 3] = alphabet[group & 63]
      (start, end) = (start + 3, end + 4)
    }
    guard start < bytes.count else { return end }
    let hasTwo = start + 1 < bytes.count
    let group = Int(bytes[start]) << 16 | (hasTwo ? Int(bytes[start + 1]) << 8 : 0)
    out[end] = alphabet[group >> 18]
    out[end + 1] = alphabet[group >> 12 & 63]
    out[end + 2] = hasTwo ? alphabet[group >> 6 & 63] : pad
    out[end + 3] = pad
    return end + 4
  }

  /// nil unless `text` is exactly what `encode` writes, line breaks (CR, LF) apart: other characters, missing padding and
  /// loose last bits are refused.
  public static func decode(_ text: [UInt8]) -> [UInt8]? {
    let values = values
    var (bytes, start) = plain(text)
    var (group, held, padding) = (0, 0, 0)
    for character in text[start...] where character != UInt8(ascii: "\r") && character != UInt8(ascii: "\n") {
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

  /// What stands before the first group that holds something else than four characters of the alphabet, and where that is.
  private static func plain(_ text: [UInt8]) -> ([UInt8], end: Int) {
    var start = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { out, end in
      values.withUnsafeBufferPointer { values in
        text.withUnsafeBufferPointer { text in
          while start + 3 < text.count {
            let first = values[Int(text[start])], second = values[Int(text[start + 1])]
            let third = values[Int(text[start + 2])], fourth = values[Int(text[start + 3])]
            // No value but `none` has the highest bit.
            guard (first | second | third | fourth) & 0x80 == 0 else { return }
            out[end] = first << 2 | second >> 4
            out[end + 1] = second << 4 | third >> 2
            out[end + 2] = third << 6 | fourth
            (start, end) = (start + 4, end + 3)
          }
        }
      }
    }
    return (bytes, start)
  }
}
