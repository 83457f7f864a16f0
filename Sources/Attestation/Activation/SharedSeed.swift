import Crypto
import Foundation
import MusterModel

/// A seed that the holder of an endorsement key shares with us (TPM 2.0 Library part 1, annexes B.10.4 and C.6.4, secret
/// sharing), as long as a digest of the key's name algorithm.
struct SharedSeed {
  private static let label = "IDENTITY"

  let key: SymmetricKey
  /// The secret of TPM2B_ENCRYPTED_SECRET: an RSA ciphertext, or TPMS_ECC_POINT of an ephemeral key.
  let encrypted: [UInt8]

  /// nil for a key that is no such.
  static func share(with endorsementKey: TPMPublic, _ hash: TPMHash) -> SharedSeed? {
    switch endorsementKey.key {
    case .rsa:
      guard let key = TPMVerificationKey(endorsementKey.key) else { return nil }
      let seed = SecretBytes.random(count: hash.size)
      let encrypted = OAEP.encrypt(seed, to: key.subjectPublicKeyInfo, hash, label: Array(label.utf8) + [0])
      return encrypted.map { encrypted in
        SharedSeed(key: seed.withUnsafeBytes { SymmetricKey(data: $0) }, encrypted: encrypted)
      }
    case .ecc(let number, let x, let y):
      guard let curve = TPMCurve(rawValue: number), let x = widened(x, to: curve.width),
        let y = widened(y, to: curve.width)
      else { return nil }
      return try? agree(on: curve, x: x, y: y, hash)
    }
  }

  private static func agree(on curve: TPMCurve, x: [UInt8], y: [UInt8], _ hash: TPMHash) throws -> SharedSeed {
    let (secret, point): (SharedSecret, Data)
    switch curve {
    case .p256:
      let ephemeral = P256.KeyAgreement.PrivateKey()
      secret = try ephemeral.sharedSecretFromKeyAgreement(with: .init(x963Representation: [4] + x + y))
      point = ephemeral.publicKey.rawRepresentation
    case .p384:
      let ephemeral = P384.KeyAgreement.PrivateKey()
      secret = try ephemeral.sharedSecretFromKeyAgreement(with: .init(x963Representation: [4] + x + y))
      point = ephemeral.publicKey.rawRepresentation
    }
    let (ephemeralX, ephemeralY) = (Array(point.prefix(curve.width)), Array(point.suffix(curve.width)))
    let key = TPMKeyDerivation.kdfe(hash, secret: secret, label: label, parties: ephemeralX + x, bytes: hash.size)
    return SharedSeed(key: key, encrypted: TPMBytes.sized(ephemeralX) + TPMBytes.sized(ephemeralY))
  }
}

/// Writing TPM structures (TPM 2.0 Library part 2 §4).
enum TPMBytes {
  /// A TPM2B: the size in two bytes, then the bytes.
  static func sized(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
  }
}
