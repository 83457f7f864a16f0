import Crypto
import CryptoExtras
import Foundation
import MusterModel

/// A secret that one TPM alone can open, and only while a certain object is in it (TPM2_MakeCredential, TPM 2.0 Library
/// part 1 §24): who answers with the secret has the endorsement key and that object in one TPM.
public struct ActivationCredential: Sendable, Hashable {
  /// TPM2B_ID_OBJECT (part 2 §12.4.3).
  public let identity: [UInt8]
  /// TPM2B_ENCRYPTED_SECRET (part 2 §11.4.3).
  public let encryptedSeed: [UInt8]

  /// In bytes: what fits the smallest digest of a name (part 3 §12.6).
  public static let secretLimit = 32

  /// For the TPM of `endorsementKey`, and the object of `name` in it. nil where the secret is too long, or the key breaks
  /// a rule of its role: `TPMPublic.broken(as: .endorsement)` says which.
  init?(_ secret: SecretBytes, for name: [UInt8], under endorsementKey: TPMPublic) {
    guard secret.count <= ActivationCredential.secretLimit, endorsementKey.broken(as: .endorsement).isEmpty,
      let hash = endorsementKey.nameHash, let cipher = endorsementKey.symmetric,
      let seed = SharedSeed.share(with: endorsementKey, hash),
      let encrypted = ActivationCredential.encrypt(secret, seed, for: name, hash, keyBytes: cipher.keyBits / 8)
    else { return nil }
    let key = TPMKeyDerivation.kdfa(hash, key: seed.key, label: "INTEGRITY", context: [], bytes: hash.size)
    let integrity = hash.authenticationCode(for: encrypted + name, key)
    identity = TPMBytes.sized(TPMBytes.sized(integrity) + encrypted)
    encryptedSeed = TPMBytes.sized(seed.encrypted)
  }

  /// The secret as TPM2B_DIGEST, by AES in CFB mode. The key is of this seed and this name alone, so its IV is zero.
  private static func encrypt(
    _ secret: SecretBytes, _ seed: SharedSeed, for name: [UInt8], _ hash: TPMHash, keyBytes: Int
  ) -> [UInt8]? {
    let key = TPMKeyDerivation.kdfa(hash, key: seed.key, label: "STORAGE", context: name, bytes: keyBytes)
    var plain = Data([0, UInt8(secret.count)])
    defer { plain.resetBytes(in: plain.startIndex..<plain.endIndex) }
    secret.withUnsafeBytes { plain.append(contentsOf: $0) }
    guard let iv = try? AES._CFB.IV(ivBytes: [UInt8](repeating: 0, count: 16)),
      let encrypted = try? AES._CFB.encrypt(plain, using: key, iv: iv)
    else { return nil }
    return Array(encrypted)
  }
}

extension TPMHash {
  func authenticationCode(for bytes: [UInt8], _ key: SymmetricKey) -> [UInt8] {
    switch self {
    case .sha1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: bytes, using: key))
    case .sha256: Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
    case .sha384: Array(HMAC<SHA384>.authenticationCode(for: bytes, using: key))
    case .sha512: Array(HMAC<SHA512>.authenticationCode(for: bytes, using: key))
    }
  }
}
