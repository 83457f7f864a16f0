public import CertificateAuthority
import Crypto
import Foundation
public import MusterModel
public import PKCS11Commands

/// CAs' keys in a token: P-256, ECDSA with SHA-256.
extension PKCS11Token {
  private static let idSize = 16

  /// Makes one, of which the token alone has the private part. Blocks.
  public func makeSigningKey() throws -> IssuingKey {
    let id = SecretBytes.random(count: PKCS11Token.idSize).withUnsafeBytes(Array.init)
    let point = try signingKey(id: id, label: "muster CA")
    guard let key = try? P256.Signing.PublicKey(x963Representation: point) else {
      throw KeyKeeperFailure(.refused, "expected a P-256 key of the token \(uri.token), found another")
    }
    let publicKey = try SubjectPublicKey.check(key.derRepresentation, blocked: .none).get()
    return IssuingKey(signer: signer(id, publicKey), secret: SecretBytes(copying: id))
  }

  /// Over a key that was made so; `reference` is its CKA_ID. Asks nothing of the token.
  public func signer(_ reference: SecretBytes, of publicKey: SubjectPublicKey) -> any Signer {
    signer(reference.withUnsafeBytes(Array.init), publicKey)
  }

  /// Destroys one.
  public func forgetSigningKey(_ reference: SecretBytes) throws {
    try destroySigningKey(id: reference.withUnsafeBytes(Array.init))
  }

  private func signer(_ id: [UInt8], _ publicKey: SubjectPublicKey) -> any Signer {
    uses(id)
    return BlockingSigner(publicKey: publicKey, algorithm: .ecdsaWithSHA256) { [self] bytes in
      try signature(of: Array(SHA256.hash(data: bytes)), id)
    }
  }

  private func signature(of digest: [UInt8], _ id: [UInt8]) throws -> [UInt8] {
    let raw = try sign(digest, withKey: id)
    guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw) else {
      throw KeyKeeperFailure(.refused, "expected a signature of 64 bytes of the token \(uri.token), found \(raw.count)")
    }
    return Array(signature.derRepresentation)
  }
}
