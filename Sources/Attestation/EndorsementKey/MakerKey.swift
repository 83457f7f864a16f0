import Crypto
import CryptoExtras
import Foundation

/// A public key of a TPM maker's certificate, whatever the algorithm identifier calls it.
enum MakerKey: Sendable {
  case rsa(_RSA.Signing.PublicKey, bits: Int)
  case p256(P256.Signing.PublicKey)
  case p384(P384.Signing.PublicKey)
  case p521(P521.Signing.PublicKey)

  /// Reads a SubjectPublicKeyInfo. Endorsement keys are marked id-RSAES-OAEP by some makers: the key is the same
  /// (RFC 4055 §4.1), and is held as rsaEncryption.
  init(_ value: LooseValue) throws(MalformedTPM) {
    var fields = LooseDER(value.content)
    var algorithm = try fields.sequence("a key's algorithm")
    let bits = try fields.take("a public key").wholeBits("a public key")
    try fields.end("a subject public key")
    let identifier = Array(try algorithm.take(0x06, "a key's algorithm").content)
    switch identifier {
    case OID.rsaEncryption, OID.rsaesOAEP: self = try MakerKey.rsa(bits)
    case OID.ecPublicKey:
      self = try MakerKey.point(Array(bits), Array(try algorithm.take(0x06, "a named curve").content))
    default: throw MalformedTPM(expected: "an RSA or ECC key", found: "another algorithm")
    }
  }

  private static func rsa(_ bits: ArraySlice<UInt8>) throws(MalformedTPM) -> MakerKey {
    var outer = LooseDER(bits)
    var fields = try outer.sequence("an RSA key")
    try outer.end("an RSA key")
    let modulus = Data(try fields.take(0x02, "a modulus").content.drop { $0 == 0 })
    let exponent = Data(try fields.take(0x02, "an exponent").content.drop { $0 == 0 })
    try fields.end("an RSA key")
    guard let first = modulus.first, (256...512).contains(modulus.count), (1...4).contains(exponent.count),
      let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
    else { throw MalformedTPM(expected: "an RSA key of 2048 to 4096 bits", found: "\(modulus.count) bytes of another") }
    return .rsa(key, bits: modulus.count * 8 - first.leadingZeroBitCount)
  }

  private static func point(_ point: [UInt8], _ curve: [UInt8]) throws(MalformedTPM) -> MakerKey {
    switch curve {
    case OID.secp256r1:
      if let key = try? P256.Signing.PublicKey(x963Representation: point) { return .p256(key) }
    case OID.secp384r1:
      if let key = try? P384.Signing.PublicKey(x963Representation: point) { return .p384(key) }
    case OID.secp521r1:
      if let key = try? P521.Signing.PublicKey(x963Representation: point) { return .p521(key) }
    default: throw MalformedTPM(expected: "the curve P-256, P-384 or P-521", found: "another")
    }
    throw MalformedTPM(expected: "a point of its curve", found: "another")
  }

  /// The key's one SubjectPublicKeyInfo: rsaEncryption or id-ecPublicKey.
  var subjectPublicKeyInfo: [UInt8] {
    switch self {
    case .rsa(let key, _): Array(key.derRepresentation)
    case .p256(let key): Array(key.derRepresentation)
    case .p384(let key): Array(key.derRepresentation)
    case .p521(let key): Array(key.derRepresentation)
    }
  }

  var summary: String {
    switch self {
    case .rsa(_, let bits): "RSA \(bits)"
    case .p256: "P-256"
    case .p384: "P-384"
    case .p521: "P-521"
    }
  }

  func isValid(_ signature: [UInt8], over bytes: [UInt8], _ hash: TPMHash) -> Bool {
    switch hash {
    case .sha1: isValid(signature, Insecure.SHA1.hash(data: bytes))
    case .sha256: isValid(signature, SHA256.hash(data: bytes))
    case .sha384: isValid(signature, SHA384.hash(data: bytes))
    case .sha512: isValid(signature, SHA512.hash(data: bytes))
    }
  }

  private func isValid(_ signature: [UInt8], _ digest: some Crypto.Digest) -> Bool {
    switch self {
    case .rsa(let key, _):
      return key.isValidSignature(
        _RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: .insecurePKCS1v1_5)
    case .p256(let key):
      guard let value = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
      return key.isValidSignature(value, for: digest)
    case .p384(let key):
      guard let value = try? P384.Signing.ECDSASignature(derRepresentation: signature) else { return false }
      return key.isValidSignature(value, for: digest)
    case .p521(let key):
      guard let value = try? P521.Signing.ECDSASignature(derRepresentation: signature) else { return false }
      return key.isValidSignature(value, for: digest)
    }
  }
}
