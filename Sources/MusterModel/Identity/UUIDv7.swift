/// A UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits. It grows with time, which keeps
/// the end of an index warm; what must not be guessed is never made of it.
public struct UUIDv7: Hashable, Sendable {
  public let bytes: [UInt8]

  /// Random bits come from the system's generator, always: no seam lets another near an identity.
  public init(at time: Timestamp) {
    var generator = SystemRandomNumberGenerator()
    let high = generator.next()
    let low = generator.next()
    var bytes = [UInt8](repeating: 0, count: 16)
    for index in 0..<6 { bytes[index] = UInt8(truncatingIfNeeded: time.milliseconds >> Int64(40 - 8 * index)) }
    bytes[6] = 0x70 | UInt8(truncatingIfNeeded: high >> 8) & 0x0f
    bytes[7] = UInt8(truncatingIfNeeded: high)
    for index in 0..<8 { bytes[8 + index] = UInt8(truncatingIfNeeded: low >> UInt64(56 - 8 * index)) }
    bytes[8] = 0x80 | bytes[8] & 0x3f
    self.bytes = bytes
  }

  /// nil unless these are 16 bytes with version 7 and the RFC's variant.
  public init?(bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == 16, bytes[6] >> 4 == 7, bytes[8] >> 6 == 2 else { return nil }
    self.bytes = bytes
  }

  public var time: Timestamp {
    Timestamp(milliseconds: bytes.prefix(6).reduce(0) { $0 << 8 | Int64($1) })
  }
}
