/// Crockford's base 32, most significant bit first, as record IDs, tickets and the recovery code are written.
public enum Crockford {
  private static let upper: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
  private static let lower: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"

  public enum LetterCase: Sendable { case upper, lower }

  /// ⌈8n/5⌉ characters. Where the bits do not fill the first character, it is padded with zero bits in front,
  /// so that equal-length values sort as their bytes do.
  public static func encode(_ bytes: some Collection<UInt8>, letterCase: LetterCase = .upper) -> String {
    let alphabet = (letterCase == .upper ? upper : lower).utf8Start
    return bytes.withContiguousStorageIfAvailable { text(of: $0, alphabet) }
      ?? Array(bytes).withUnsafeBufferPointer { text(of: $0, alphabet) }
  }

  /// Apart from the generic function, so that it is compiled for bytes that lie in a row.
  private static func text(of bytes: UnsafeBufferPointer<UInt8>, _ alphabet: UnsafePointer<UInt8>) -> String {
    let count = (bytes.count * 8 + 4) / 5
    return String(unsafeUninitializedCapacity: count) { out in
      var buffer: UInt32 = 0
      var held = count * 5 - bytes.count * 8
      var end = 0
      for byte in bytes {
        buffer = buffer << 8 | UInt32(byte)
        held += 8
        while held >= 5 {
          held -= 5
          out[end] = alphabet[Int(buffer >> UInt32(held)) & 31]
          end += 1
        }
        buffer &= (1 << UInt32(held)) - 1
      }
      return end
    }
  }

  /// The `count` bytes that `text` stands for; nil where the length, a character or the leading padding is off.
  /// Either case is read, `O` as `0`, `I` and `L` as `1`, as Crockford has it.
  public static func decode(_ text: some StringProtocol, count: Int) -> [UInt8]? {
    guard text.utf8.count == (count * 8 + 4) / 5 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    var buffer: UInt32 = 0
    var held = -(text.utf8.count * 5 - count * 8)
    for character in text.utf8 {
      guard let value = value(of: character) else { return nil }
      buffer = buffer << 5 | UInt32(value)
      held += 5
      if held < 5, buffer >> UInt32(max(held, 0)) != 0 { return nil }
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(held)))
        buffer &= (1 << UInt32(held)) - 1
      }
    }
    return bytes
  }

  /// The five bits of a character that `encode` writes in lower case; nil for any other.
  static func lowerValue(of character: UInt8) -> UInt8? {
    guard let value = value(of: character), lowerCharacter(of: value) == character else { return nil }
    return value
  }

  static func lowerCharacter(of value: UInt8) -> UInt8 { lower.utf8Start[Int(value & 31)] }

  private static let values: [UInt8?] = {
    var table = [UInt8?](repeating: nil, count: 256)
    for alphabet in [upper, lower] {
      for value in 0..<32 { table[Int(alphabet.utf8Start[value])] = UInt8(value) }
    }
    for (alias, value) in zip("OoIiLl".utf8, [0, 0, 1, 1, 1, 1] as [UInt8]) { table[Int(alias)] = value }
    return table
  }()

  /// The five bits of a character as `decode` reads it; nil where it reads none.
  public static func value(of character: UInt8) -> UInt8? { values[Int(character)] }
}
