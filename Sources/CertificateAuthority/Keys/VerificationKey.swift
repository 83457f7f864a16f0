import Crypto
import CryptoExtras

/// A public key as the cryptographic library holds it.
enum VerificationKey: Sendable {
  case p256(P256.Signing.PublicKey)
  case p384(P384.Signing.PublicKey)
  case ed25519(Curve25519.Signing.PublicKey)
  case rsa(_RSA.Signing.PublicKey)

  /// nil unless these are the 65 bytes of an uncompressed point of the curve.
  init?(p256 bits: [UInt8]) {
    guard let key = try? P256.Signing.PublicKey(x963Representation: bits) else { return nil }
    self = .p256(key)
  }

  /// nil unless these are the 97 bytes of an uncompressed point of the curve.
  init?(p384 bits: [UInt8]) {
    guard let key = try? P384.Signing.PublicKey(x963Representation: bits) else { return nil }
    self = .p384(key)
  }

  func isValid(_ signature: [UInt8], over bytes: [UInt8], _ algorithm: SignatureAlgorithm) -> Bool {
    switch algorithm {
    case .ecdsaWithSHA256: isValid(ecdsa: signature, SHA256.hash(data: bytes))
    case .ecdsaWithSHA384: isValid(ecdsa: signature, SHA384.hash(data: bytes))
    case .ecdsaWithSHA512: isValid(ecdsa: signature, SHA512.hash(data: bytes))
    case .rsaWithSHA256: isValid(rsa: signature, SHA256.hash(data: bytes))
    case .rsaWithSHA384: isValid(rsa: signature, SHA384.hash(data: bytes))
    case .rsaWithSHA512: isValid(rsa: signature, SHA512.hash(data: bytes))
    case .ed25519: isValid(ed25519: signature, bytes)
    }
  }

  private func isValid(ecdsa signature: [UInt8], _ digest: some Digest) -> Bool {
    switch self {
    case .p256(let key):
      guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
      return key.isValidSignature(signature, for: digest)
    case .p384(let key):
      guard let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature) else { return false }
      return key.isValidSignature(signature, for: digest)
    case .ed25519, .rsa:
      return false
    }
  }

  private func isValid(rsa signature: [UInt8], _ digest: some Digest) -> Bool {
    guard case .rsa(let key) = self else { return false }
    let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
    return key.isValidSignature(signature, for: digest, padding: .insecurePKCS1v1_5)
  }

  private func isValid(ed25519 signature: [UInt8], _ bytes: [UInt8]) -> Bool {
    guard case .ed25519(let key) = self else { return false }
    return key.isValidSignature(signature, for: bytes)
  }
}
