public import Crypto
import Foundation
public import MusterModel

/// A key on its way, sealed to whoever is to have it: HPKE in base mode (RFC 9180 §5.1.1), DHKEM(X25519, HKDF-SHA256),
/// HKDF-SHA256, ChaCha20-Poly1305, with nothing as associated data.
public struct KeyTransfer: Codable, Sendable, Hashable {
  /// Base64: 32 bytes.
  public let encapsulatedKey: String
  /// Base64: the key, and a tag of 16 bytes.
  public let ciphertext: String

  static let suite = HPKE.Ciphersuite.Curve25519_SHA256_ChachaPoly
  /// In characters of base64; no key is longer.
  private static let sizeLimit = 256

  /// Throws `notAuthentic` for what is no public key.
  public init(
    _ key: SecretBytes, to publicKey: Curve25519.KeyAgreement.PublicKey, for purpose: Purpose
  ) throws(VaultError) {
    do {
      var sender = try HPKE.Sender(recipientKey: publicKey, ciphersuite: KeyTransfer.suite, info: Data(purpose.info))
      ciphertext = try key.withUnsafeBytes { try sender.seal($0) }.base64EncodedString()
      encapsulatedKey = sender.encapsulatedKey.base64EncodedString()
    } catch {
      throw .notAuthentic
    }
  }

  /// Throws `notAuthentic` alike for whatever is wrong with it.
  public func open(
    with key: Curve25519.KeyAgreement.PrivateKey, for purpose: Purpose
  ) throws(VaultError) -> SecretBytes {
    guard ciphertext.utf8.count <= KeyTransfer.sizeLimit, encapsulatedKey.utf8.count <= KeyTransfer.sizeLimit,
      let encapsulated = Data(base64Encoded: encapsulatedKey), let sealed = Data(base64Encoded: ciphertext)
    else { throw .notAuthentic }
    do {
      var recipient = try HPKE.Recipient(
        privateKey: key, ciphersuite: KeyTransfer.suite, info: Data(purpose.info), encapsulatedKey: encapsulated)
      var opened = try recipient.open(sealed)
      defer { opened.resetBytes(in: opened.startIndex..<opened.endIndex) }
      return SecretBytes(copying: opened)
    } catch {
      throw .notAuthentic
    }
  }

  /// What a transfer is bound to: one for another opens nothing.
  public enum Purpose: Sendable {
    case `import`(RecordName, RingKind)
    case export(RecordID, version: UInt32)

    /// The label, then each field with its length in front.
    var info: [UInt8] {
      switch self {
      case .import(let name, let kind):
        Array("muster/key-import/v1".utf8) + prefixed(name.folded.utf8) + prefixed(kind.rawValue.utf8)
      case .export(let ring, let version):
        Array("muster/key-export/v1".utf8) + prefixed(ring.description.utf8) + prefixed(bigEndian(version))
      }
    }
  }
}

extension Vault {
  /// To whose public key keys are brought here. It hangs on the root.
  public func importKey() throws(VaultError) -> Curve25519.KeyAgreement.PrivateKey {
    let seed = try macKey("key-import")
    do {
      return try seed.withUnsafeBytes { try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: $0) }
    } catch {
      throw .notAuthentic
    }
  }
}
