/// A UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits. It grows with time, which keeps
/// the end of an index warm; what must not be guessed is never made of it.
public struct UUIDv7: Hashable, Sendable {
  /// The bytes, big endian, in two words.
  let high, low: UInt64

  /// Random bits come from the system's generator, always: no seam lets another near an identity.
  public init(at time: Timestamp) {
    let random = SystemRandomBytes.words()
    high = UInt64(truncatingIfNeeded: time.milliseconds) << 16 | 0x7000 | random.0 & 0xfff
    low = 1 << 63 | random.1 & (1 << 62 - 1)
  }

  /// nil unless these are 16 bytes with version 7 and the RFC's variant.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    let words = bytes.reduce(into: (high: UInt64(0), low: UInt64(0))) { words, byte in
      words.high = words.high << 8 | words.low >> 56
      words.low = words.low << 8 | UInt64(byte)
    }
    self.init(high: words.high, low: words.low)
  }

  init?(high: UInt64, low: UInt64) {
    guard high >> 12 & 0xf == 7, low >> 62 == 2 else { return nil }
    self.high = high
    self.low = low
  }

  public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

  /// Calls `body` with the 16 bytes.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Swift.withUnsafeBytes(of: (high.bigEndian, low.bigEndian), body)
  }

  public var time: Timestamp { Timestamp(milliseconds: Int64(high >> 16)) }
}

// MARK: - In text

// Crockford's base 32 as `Crockford` writes it in lower case, in two words: a commit writes and reads dozens of them.
extension UUIDv7 {
  static let textLength = 26

  /// Writes `textLength` characters.
  func write(to text: UnsafeMutableBufferPointer<UInt8>) {
    var (high, low) = (high, low)
    for index in (0..<UUIDv7.textLength).reversed() {
      text[index] = Crockford.lowerCharacter(of: UInt8(truncatingIfNeeded: low))
      low = low >> 5 | high << 59
      high >>= 5
    }
  }

  /// Reads what `write` writes; nil for anything else.
  init?(text: some Collection<UInt8>) {
    guard text.count == UUIDv7.textLength else { return nil }
    var (high, low) = (UInt64(0), UInt64(0))
    for character in text {
      guard high >> 59 == 0, let value = Crockford.lowerValue(of: character) else { return nil }
      high = high << 5 | low >> 59
      low = low << 5 | UInt64(value)
    }
    self.init(high: high, low: low)
  }
}
