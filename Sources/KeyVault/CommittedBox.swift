import Crypto
import Foundation
import MusterModel

/// Authenticated encryption that commits to its key: AES-256-GCM (NIST SP 800-38D) under the first half of an HKDF
/// output, of which the second half is the commitment. GCM alone lets one ciphertext open under two keys.
///
/// The key is derived with a fresh 256-bit salt and used once: so the nonce is zero.
struct CommittedBox {
  static let saltSize = 32
  static let overhead = saltSize + 32 + 16

  /// `salt ‖ commitment ‖ ciphertext ‖ tag`.
  static func seal(_ secret: SecretBytes, under key: SymmetricKey, info: [UInt8]) throws(VaultError) -> [UInt8] {
    let salt = randomBytes(saltSize)
    let keys = Keys(key, salt: salt, info: info)
    do {
      let box = try secret.withUnsafeBytes { bytes in
        try AES.GCM.seal(bytes, using: keys.sealing, nonce: zeroNonce(), authenticating: info)
      }
      return salt + keys.commitment + box.ciphertext + box.tag
    } catch {
      throw .notAuthentic
    }
  }

  /// Compares the commitment before anything is opened. All failures are alike.
  static func open(
    _ bytes: ArraySlice<UInt8>, under key: SymmetricKey, info: [UInt8]
  ) throws(VaultError) -> SecretBytes {
    guard bytes.count >= overhead else { throw .notAuthentic }
    let keys = Keys(key, salt: Array(bytes.prefix(saltSize)), info: info)
    let rest = bytes.dropFirst(saltSize)
    guard constantTimeEqual(rest.prefix(32), keys.commitment) else { throw .notAuthentic }
    do {
      let box = try AES.GCM.SealedBox(
        nonce: zeroNonce(), ciphertext: rest.dropFirst(32).dropLast(16), tag: rest.suffix(16))
      var plaintext = try AES.GCM.open(box, using: keys.sealing, authenticating: info)
      defer { plaintext.resetBytes(in: plaintext.startIndex..<plaintext.endIndex) }
      return SecretBytes(copying: plaintext)
    } catch {
      throw .notAuthentic
    }
  }

  private static func zeroNonce() throws -> AES.GCM.Nonce { try AES.GCM.Nonce(data: [UInt8](repeating: 0, count: 12)) }

  private struct Keys {
    let sealing: SymmetricKey
    let commitment: [UInt8]

    init(_ key: SymmetricKey, salt: [UInt8], info: [UInt8]) {
      (sealing, commitment) = hkdf(key, salt: salt, info: info, count: 64).withUnsafeBytes { bytes in
        (SymmetricKey(data: UnsafeRawBufferPointer(rebasing: bytes[..<32])), Array(bytes[32...]))
      }
    }
  }
}
