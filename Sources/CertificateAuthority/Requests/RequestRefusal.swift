/// Why a request for a certificate, or its key, is refused. Codes are stable.
public enum RequestRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// More bytes than a request may have.
  case tooLarge(Int)
  case malformed(String)
  /// Another version than v1 (RFC 2986 §4.1).
  case version(Int)
  /// SHA-1, MD5, or a signature that does not fit the key.
  case signatureAlgorithm(String)
  case possession
  case keyAlgorithm(String)
  /// A key in another form than the one canonical one.
  case keyEncoding(String)
  /// Not a point of its curve, or one of small order.
  case keyPoint
  case keySize(Int)
  case keyExponent
  case keyModulusEven
  case keySmallFactor(UInt64)
  /// Infineon's weak generator (CVE-2017-15361).
  case keyROCA
  /// Primes so close that Fermat's method finds them.
  case keyClosePrimes
  /// A published test key, or a key of this CA's own.
  case keyBlocked
  /// A renewal whose subject is not that of the certificate it renews.
  case renewalSubject
  /// A renewal whose SAN is not that of the certificate it renews.
  case renewalAlternativeName

  public var code: String {
    switch self {
    case .tooLarge: "request-too-large"
    case .malformed: "request-malformed"
    case .version: "request-version"
    case .signatureAlgorithm: "signature-algorithm"
    case .possession: "possession-not-proved"
    case .keyAlgorithm: "key-algorithm"
    case .keyEncoding: "key-encoding"
    case .keyPoint: "key-point"
    case .keySize: "key-size"
    case .keyExponent: "key-exponent"
    case .keyModulusEven: "key-modulus-even"
    case .keySmallFactor: "key-small-factor"
    case .keyROCA: "key-roca"
    case .keyClosePrimes: "key-close-primes"
    case .keyBlocked: "key-blocked"
    case .renewalSubject: "renewal-subject"
    case .renewalAlternativeName: "renewal-alternative-name"
    }
  }

  public var description: String {
    switch self {
    case .tooLarge(let count): "expected a request of at most \(CertificateRequest.sizeLimit) bytes, found \(count)"
    case .malformed(let why): why
    case .version(let version): "expected a request of version 1 (0), found \(version)"
    case .signatureAlgorithm(let found):
      "expected a signature with SHA-256, SHA-384, SHA-512 or Ed25519 that fits the key, found \(found)"
    case .possession: "expected a request signed with its own key, found a signature that does not verify"
    case .keyAlgorithm(let found): "expected a key of P-256, P-384, Ed25519 or RSA 2048 to 4096, found \(found)"
    case .keyEncoding(let why): why
    case .keyPoint: "expected a point of the curve and of large order, found another"
    case .keySize(let bits): "expected an RSA modulus of 2048 to 4096 bits, a multiple of 8, found \(bits)"
    case .keyExponent: "expected an odd RSA exponent from 65537 to 4294967295, found another"
    case .keyModulusEven: "expected an odd RSA modulus, found an even one"
    case .keySmallFactor(let factor): "expected an RSA modulus of two large primes, found the factor \(factor)"
    case .keyROCA: "expected an RSA key of a sound generator, found the mark of CVE-2017-15361 (ROCA)"
    case .keyClosePrimes: "expected RSA primes far apart, found close ones (Fermat)"
    case .keyBlocked: "expected a key of the device's own, found one that is known to others"
    case .renewalSubject: "expected the subject of the certificate being renewed, found another"
    case .renewalAlternativeName:
      "expected no subject alternative name, or that of the certificate being renewed, found another"
    }
  }
}
