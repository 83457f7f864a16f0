import Crypto

/// What an Ed25519 public key must be beyond its length (RFC 8032 §5.1.3).
enum EdwardsKeyRules {
  static func key(_ bits: [UInt8]) throws(RequestRefusal) -> Curve25519.Signing.PublicKey {
    guard bits.count == 32 else {
      throw .keyEncoding("expected an Ed25519 key of 32 bytes, found \(bits.count)")
    }
    var y = bits
    y[31] &= 0x7f
    guard isBelowPrime(y) else { throw .keyEncoding("expected a y coordinate below 2^255 − 19, found a larger one") }
    // A point of order 1, 2, 4 or 8 verifies signatures that nobody made.
    guard !smallOrder.contains(y) else { throw .keyPoint }
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bits) else { throw .keyPoint }
    return key
  }

  /// Little-endian `y` < 2²⁵⁵ − 19; the sign bit is cleared.
  private static func isBelowPrime(_ y: [UInt8]) -> Bool {
    y[31] != 0x7f || y[1..<31].contains { $0 != 0xff } || y[0] < 0xed
  }

  /// The canonical y coordinates of the eight points of small order: 0, 1, −1, and those of order 8.
  private static let smallOrder: Set<[UInt8]> = [
    [UInt8](repeating: 0, count: 32),
    [1] + [UInt8](repeating: 0, count: 31),
    [0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
    [
      0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac,
      0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
      0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53,
      0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
  ]
}
