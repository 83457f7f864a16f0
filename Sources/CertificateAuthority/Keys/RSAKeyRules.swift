import BigInt
import CryptoExtras
import MusterModel
import SwiftASN1

/// What an RSA public key must be, judged from its public numbers alone (NIST SP 800-89 §5.3.3, CA/Browser Forum
/// Baseline Requirements §6.1.1.3). Each check is bounded: a modulus has at most 4096 bits.
enum RSAKeyRules {
  /// Reads an RSAPublicKey (RFC 8017 §A.1.1). Throws `RequestRefusal` or `MalformedDER`.
  static func key(_ der: [UInt8]) throws -> _RSA.Signing.PublicKey {
    var fields = try Fields(of: ASN1Node.parse(der[...], "an RSA public key"), "an RSA public key")
    let modulus = Array(try fields.take("the modulus").magnitude("the modulus"))
    let exponent = Array(try fields.take("the exponent").magnitude("the exponent"))
    try fields.end()
    try check(modulus: modulus, exponent: exponent)
    guard let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent) else {
      throw RequestRefusal.keyEncoding("expected an RSA key, found numbers that make none")
    }
    return key
  }

  static func check(modulus: [UInt8], exponent: [UInt8]) throws(RequestRefusal) {
    let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
    guard (2048...4096).contains(bits), bits.isMultiple(of: 8) else { throw .keySize(bits) }
    let e = exponent.count <= 4 ? exponent.reduce(0 as UInt64) { $0 << 8 | UInt64($1) } : 0
    guard e >= 65537, !e.isMultiple(of: 2) else { throw .keyExponent }
    guard modulus[modulus.count - 1] & 1 == 1 else { throw .keyModulusEven }
    let n = BigUInt(bigEndian: modulus)
    if let factor = smallFactor(of: n) { throw .keySmallFactor(factor) }
    guard !ROCA.isMarked(modulus: modulus) else { throw .keyROCA }
    guard !hasClosePrimes(n) else { throw .keyClosePrimes }
  }

  // MARK: Small factors

  /// The odd primes below 2¹², in products that fit one word: a modulus is divided once per product.
  private static let primeProducts: [(product: UInt, primes: [UInt])] = {
    var products: [(product: UInt, primes: [UInt])] = []
    for prime in oddPrimes(below: 4096) {
      if let last = products.last, case (let product, false) = last.product.multipliedReportingOverflow(by: prime) {
        products[products.count - 1] = (product, last.primes + [prime])
      } else {
        products.append((prime, [prime]))
      }
    }
    return products
  }()

  static func smallFactor(of n: BigUInt) -> UInt64? {
    for (product, primes) in primeProducts {
      let remainder = remainder(of: n, by: product)
      if let factor = primes.first(where: { remainder % $0 == 0 }) { return UInt64(factor) }
    }
    return nil
  }

  private static func remainder(of n: BigUInt, by divisor: UInt) -> UInt {
    n.words.reversed().reduce(0) { divisor.dividingFullWidth(($0, $1)).remainder }
  }

  private static func oddPrimes(below limit: UInt) -> [UInt] {
    stride(from: 3, to: limit, by: 2).filter { candidate in
      !stride(from: 3 as UInt, through: candidate.squareRoot, by: 2).contains { candidate % $0 == 0 }
    }
  }

  // MARK: Close primes

  /// Rounds of Fermat's method: what the primes of any real generator are far beyond, and what finds all known weak keys.
  static let fermatRounds = 100

  static func hasClosePrimes(_ n: BigUInt) -> Bool {
    var a = n.squareRoot()
    if a * a < n { a += 1 }
    var difference = a * a - n
    for _ in 0..<fermatRounds {
      if isSquare(difference) { return true }
      difference += 2 * a + 1
      a += 1
    }
    return false
  }

  private static func isSquare(_ number: BigUInt) -> Bool {
    // Of all numbers one in five is a square modulo 64, and one in four of these modulo 63: most need no root.
    let low = UInt(truncatingIfNeeded: number.words.first ?? 0)
    guard squares64.contains(low % 64), squares63.contains(remainder(of: number, by: 63)) else { return false }
    let root = number.squareRoot()
    return root * root == number
  }

  private static let squares64 = Set((0..<64 as Range<UInt>).map { $0 * $0 % 64 })
  private static let squares63 = Set((0..<63 as Range<UInt>).map { $0 * $0 % 63 })
}

extension UInt {
  fileprivate var squareRoot: UInt { UInt(Double(self).squareRoot()) }
}

extension BigUInt {
  /// The number whose bytes these are, most significant first.
  init(bigEndian bytes: [UInt8]) {
    let padded = [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8) + bytes
    let words = stride(from: padded.count - 8, through: 0, by: -8).map { start in
      padded[start..<start + 8].reduce(0 as Word) { $0 << 8 | Word($1) }
    }
    self.init(words: words)
  }
}
