import Crypto
import CryptoExtras
import Foundation

/// A TPM's signature, TPMT_SIGNATURE (TPM 2.0 Library part 2 §11.3.4), by a scheme that proves something to others: a MAC
/// or none at all is refused when it is read.
public struct TPMSignature: Sendable, Hashable {
  enum Value: Sendable, Hashable {
    case rsa([UInt8])
    case ecdsa(r: [UInt8], s: [UInt8])
  }

  public static let sizeLimit = 1024

  public let scheme: TPMSigningScheme
  public let hash: TPMHash
  let value: Value

  init(_ bytes: [UInt8]) throws(MalformedTPM) {
    guard bytes.count <= TPMSignature.sizeLimit else {
      throw MalformedTPM(
        expected: "at most \(TPMSignature.sizeLimit) bytes of TPMT_SIGNATURE", found: "\(bytes.count)")
    }
    var reader = TPMReader(bytes[...], "TPMT_SIGNATURE")
    let algorithm = try reader.uint16("sigAlg")
    guard let scheme = TPMSigningScheme(rawValue: algorithm) else {
      throw MalformedTPM(expected: "a signature by RSASSA, RSAPSS or ECDSA", found: "the algorithm \(algorithm)")
    }
    let number = try reader.uint16("hash")
    guard let hash = TPMHash(rawValue: number) else {
      throw MalformedTPM(expected: "a signature over a SHA-2 digest", found: "the hash \(number)")
    }
    switch scheme {
    case .rsassa, .rsapss: value = .rsa(Array(try reader.sized("the signature", limit: 512)))
    case .ecdsa:
      value = .ecdsa(r: Array(try reader.sized("r", limit: 48)), s: Array(try reader.sized("s", limit: 48)))
    }
    try reader.end()
    self.scheme = scheme
    self.hash = hash
  }
}

/// A TPM's public key as the cryptographic library holds it: on its curve, of an accepted size.
enum TPMVerificationKey: Sendable {
  case p256(P256.Signing.PublicKey)
  case p384(P384.Signing.PublicKey)
  case rsa(_RSA.Signing.PublicKey)

  /// nil for a point off its curve, another curve, or an RSA key of another size or exponent.
  init?(_ key: TPMPublic.Key) {
    switch key {
    case .rsa(let bits, let exponent, let modulus):
      guard [2048, 3072, 4096].contains(bits), exponent == 0 || exponent == 65537,
        let key = try? _RSA.Signing.PublicKey(n: Data(modulus), e: Data([1, 0, 1]))
      else { return nil }
      self = .rsa(key)
    case .ecc(let number, let x, let y):
      guard let curve = TPMCurve(rawValue: number), let x = widened(x, to: curve.width),
        let y = widened(y, to: curve.width)
      else { return nil }
      let point = [4] + x + y
      switch curve {
      case .p256:
        guard let key = try? P256.Signing.PublicKey(x963Representation: point) else { return nil }
        self = .p256(key)
      case .p384:
        guard let key = try? P384.Signing.PublicKey(x963Representation: point) else { return nil }
        self = .p384(key)
      }
    }
  }

  /// The key's one SubjectPublicKeyInfo (RFC 5480, RFC 8017): rsaEncryption or id-ecPublicKey.
  var subjectPublicKeyInfo: [UInt8] {
    switch self {
    case .p256(let key): Array(key.derRepresentation)
    case .p384(let key): Array(key.derRepresentation)
    case .rsa(let key): Array(key.derRepresentation)
    }
  }

  /// Whether `signature` is this key's over `bytes`.
  func isValid(_ signature: TPMSignature, over bytes: [UInt8]) -> Bool {
    switch signature.hash {
    case .sha1: isValid(signature, Insecure.SHA1.hash(data: bytes))
    case .sha256: isValid(signature, SHA256.hash(data: bytes))
    case .sha384: isValid(signature, SHA384.hash(data: bytes))
    case .sha512: isValid(signature, SHA512.hash(data: bytes))
    }
  }

  private func isValid(_ signature: TPMSignature, _ digest: some Crypto.Digest) -> Bool {
    switch (self, signature.value, signature.scheme) {
    case (.p256(let key), .ecdsa(let r, let s), _):
      guard let r = widened(r, to: 32), let s = widened(s, to: 32),
        let signature = try? P256.Signing.ECDSASignature(rawRepresentation: r + s)
      else { return false }
      return key.isValidSignature(signature, for: digest)
    case (.p384(let key), .ecdsa(let r, let s), _):
      guard let r = widened(r, to: 48), let s = widened(s, to: 48),
        let signature = try? P384.Signing.ECDSASignature(rawRepresentation: r + s)
      else { return false }
      return key.isValidSignature(signature, for: digest)
    case (.rsa(let key), .rsa(let bytes), let scheme):
      return key.isValidSignature(
        _RSA.Signing.RSASignature(rawRepresentation: bytes), for: digest,
        padding: scheme == .rsapss ? .PSS : .insecurePKCS1v1_5)
    case (.rsa, .ecdsa, _), (.p256, .rsa, _), (.p384, .rsa, _):
      return false
    }
  }
}

/// A number with leading zero bytes up to `width`; nil where it has more than zeros beyond it.
func widened(_ number: [UInt8], to width: Int) -> [UInt8]? {
  let digits = number.drop { $0 == 0 }
  guard digits.count <= width else { return nil }
  return [UInt8](repeating: 0, count: width - digits.count) + digits
}
