/// Base64 with the URL alphabet and without padding (RFC 4648 §5), as events hold bytes.
public enum Base64URL {
  private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

  private static let values: [UInt8?] = {
    var table = [UInt8?](repeating: nil, count: 256)
    for value in 0..<64 { table[Int(alphabet.utf8Start[value])] = UInt8(value) }
    return table
  }()

  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    Array(bytes).withUnsafeBytes { append($0, to: &text) }
    return String(decoding: text, as: UTF8.self)
  }

  /// The same, appended as UTF-8.
  static func append(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
    let alphabet = alphabet.utf8Start
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: (bytes.count * 4 + 2) / 3) { out in
      var (buffer, held, end) = (UInt32(0), UInt32(0), 0)
      for byte in bytes {
        buffer = buffer << 8 | UInt32(byte)
        held += 8
        while held >= 6 {
          held -= 6
          out[end] = alphabet[Int(buffer >> held & 63)]
          end += 1
        }
      }
      if held > 0 { out[end] = alphabet[Int(buffer << (6 - held) & 63)] }
      text.append(contentsOf: UnsafeBufferPointer(out))
    }
  }

  /// nil unless `text` is exactly what `encode` writes: other alphabets, padding and loose last bits are refused.
  public static func decode(_ text: String) -> [UInt8]? {
    guard text.utf8.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count * 3 / 4)
    var (buffer, held) = (UInt32(0), UInt32(0))
    for character in text.utf8 {
      guard let value = values[Int(character)] else { return nil }
      buffer = buffer << 6 | UInt32(value)
      held += 6
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: buffer >> held))
      }
    }
    return buffer & (1 << held - 1) == 0 ? bytes : nil
  }
}
