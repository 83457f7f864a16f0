import Crypto
import CryptoExtras
import Foundation
public import MusterModel

/// A version's key, opened: it does what its kind is for, and is bound to its ring and number.
public struct RingKey: Sendable, CustomReflectable {
  /// The longest plaintext, in bytes.
  public static let plaintextLimit = 32 * 1024
  /// How long a derived key may be, in bytes.
  public static let derivedSizes = 16...64
  /// How long a key is that is made here, and a data key, in bytes.
  public static let size = 32

  enum Material: Sendable {
    /// It goes into HKDF alone.
    case sealing(SymmetricKey)
    case mac(SymmetricKey)
    case p256(P256.Signing.PrivateKey)
    case ed25519(Curve25519.Signing.PrivateKey)
    case groupEnrollment(DeviceKey)
  }

  public let ring: RecordID
  public let version: UInt32
  let material: Material

  /// Throws `notAuthentic` for bytes that are no key of the kind.
  init(_ bytes: SecretBytes, of kind: RingKind, ring: RecordID, version: UInt32) throws(VaultError) {
    guard let material = RingKey.material(bytes, of: kind) else { throw .notAuthentic }
    self.ring = ring
    self.version = version
    self.material = material
  }

  /// Throws `notAuthentic` for bytes that are no key of the kind.
  public static func check(_ bytes: SecretBytes, of kind: RingKind) throws(VaultError) {
    guard material(bytes, of: kind) != nil else { throw .notAuthentic }
  }

  private static func material(_ bytes: SecretBytes, of kind: RingKind) -> Material? {
    switch kind {
    case .aes256GCM: bytes.count == RingKey.size ? .sealing(SymmetricKey(bytes)) : nil
    case .hmacSHA256: DeviceKey.sizes.contains(bytes.count) ? .mac(SymmetricKey(bytes)) : nil
    case .p256: bytes.withUnsafeBytes { try? .p256(P256.Signing.PrivateKey(rawRepresentation: $0)) }
    case .ed25519: bytes.withUnsafeBytes { try? .ed25519(Curve25519.Signing.PrivateKey(rawRepresentation: $0)) }
    case .groupEnrollment: DeviceKey(bytes).map { .groupEnrollment($0) }
    }
  }

  /// Fresh bytes of a key, by the system's generator; for a curve, its scalar or seed.
  static func random(_ kind: RingKind) -> SecretBytes {
    switch kind {
    case .aes256GCM, .hmacSHA256, .ed25519, .groupEnrollment: SecretBytes.random(count: size)
    case .p256: SecretBytes(copying: P256.Signing.PrivateKey().rawRepresentation)
    }
  }

  /// SPKI in DER (RFC 5480, RFC 8410); nil for a symmetric key.
  public var publicKey: [UInt8]? {
    switch material {
    case .sealing, .mac, .groupEnrollment: nil
    case .p256(let key): Array(key.publicKey.derRepresentation)
    case .ed25519(let key): RingKey.ed25519Prefix + Array(key.publicKey.rawRepresentation)
    }
  }

  /// SubjectPublicKeyInfo of id-Ed25519 up to the 32 bytes of the key (RFC 8410 §4).
  private static let ed25519Prefix: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]

  public var customMirror: Mirror { Mirror(self, children: []) }
}

// MARK: - Encryption

extension RingKey {
  /// Encrypts under a key of its own, derived from this one with 256 random bits, which the ciphertext commits to.
  public func encrypt(_ plaintext: SecretBytes, _ context: RingContext) throws(VaultError) -> RingText {
    guard plaintext.count <= RingKey.plaintextLimit else { throw .tooLarge(bytes: plaintext.count) }
    let box = try CommittedBox.seal(plaintext, under: try sealing(), info: info("muster/ring/seal/v1", context))
    return RingText(.ciphertext, ring: ring, version: version, box)
  }

  /// Throws `notAuthentic` alike for whatever is wrong with it: its bytes, its context, its ring, its version.
  public func decrypt(_ text: RingText, _ context: RingContext) throws(VaultError) -> SecretBytes {
    guard text.kind == .ciphertext, text.ring == ring, text.version == version,
      text.bytes.count <= RingKey.plaintextLimit + CommittedBox.overhead
    else { throw .notAuthentic }
    return try CommittedBox.open(text.bytes[...], under: try sealing(), info: info("muster/ring/seal/v1", context))
  }

  /// HKDF-SHA-256 (RFC 5869, NIST SP 800-56C): the same key for the same context and length, and for no other.
  /// Of a group's enrollment key it is a board's: the context is its registration ID.
  public func derive(_ context: RingContext, count: Int) throws(VaultError) -> SecretBytes {
    if case .groupEnrollment(let key) = material { return key.derived(for: context.text).bytes }
    let length = bigEndian(UInt32(truncatingIfNeeded: count))
    let info = info("muster/ring/derive/v1", context) + length
    return hkdf(try sealing(), salt: [], info: info, count: count).secret
  }

  /// The label, then ring, version and context, each with its length in front.
  private func info(_ label: String, _ context: RingContext) -> [UInt8] {
    Array(label.utf8) + prefixed(ring.description.utf8) + prefixed(bigEndian(version)) + prefixed(context.text.utf8)
  }

  private func sealing() throws(VaultError) -> SymmetricKey {
    guard case .sealing(let key) = material else { throw .notAuthentic }
    return key
  }
}

// MARK: - Boards of a group

extension RingKey {
  /// What a context to derive for must be, and its length in bytes; nil where these are good.
  public func ruleBroken(byDeriving context: RingContext, count: Int) -> String? {
    guard case .groupEnrollment = material else { return nil }
    guard case .success(let id) = HardwareID.parse(.registration, context.text), id.value == context.text,
      count == RingKey.size
    else { return "a registration ID, and a board's key of \(RingKey.size) bytes" }
    return nil
  }

  /// What a board's token is signed with where this is its group's key; nil where this is no group's.
  public func signature(of token: EnrollmentToken) -> MusterModel.Digest? {
    guard case .groupEnrollment(let key) = material else { return nil }
    return token.signature(under: key)
  }
}

// MARK: - Authentication

extension RingKey {
  /// HMAC-SHA-256 (RFC 2104). Without a context by the key itself, so that others who have it agree; with one, by a key that
  /// is derived for it.
  public func mac(_ message: SecretBytes, _ context: RingContext) throws(VaultError) -> RingText {
    let code = message.withUnsafeBytes { [key = try macKey(context)] in
      HMAC<SHA256>.authenticationCode(for: $0, using: key)
    }
    return RingText(.mac, ring: ring, version: version, Array(code))
  }

  /// ECDSA with SHA-256, a DER Ecdsa-Sig-Value (RFC 3279 §2.2.3), or EdDSA (RFC 8032 §5.1.6), over the message alone: for
  /// others to verify by the public key.
  public func sign(_ message: SecretBytes) throws(VaultError) -> RingText {
    do {
      let bytes: [UInt8] = try message.withUnsafeBytes { message in
        switch material {
        case .sealing, .mac, .groupEnrollment: throw VaultError.notAuthentic
        case .p256(let key): Array(try key.signature(for: message).derRepresentation)
        case .ed25519(let key): Array(try key.signature(for: message))
        }
      }
      return RingText(.signature, ring: ring, version: version, bytes)
    } catch {
      throw .notAuthentic
    }
  }

  /// Whether this version made it, for this message and context. A MAC is compared in constant time.
  public func verifies(_ text: RingText, _ message: SecretBytes, _ context: RingContext) -> Bool {
    guard text.ring == ring, text.version == version else { return false }
    return message.withUnsafeBytes { message in
      switch (material, text.kind) {
      case (.mac, .mac):
        guard let key = try? macKey(context) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(text.bytes, authenticating: message, using: key)
      case (.p256(let key), .signature):
        return context.isEmpty && key.publicKey.verifies(text.bytes, message)
      case (.ed25519(let key), .signature):
        return context.isEmpty && key.publicKey.verifies(text.bytes, message)
      default: return false
      }
    }
  }

  private func macKey(_ context: RingContext) throws(VaultError) -> SymmetricKey {
    guard case .mac(let key) = material else { throw .notAuthentic }
    return context.isEmpty
      ? key : hkdf(key, salt: [], info: Array("muster/ring/mac/v1".utf8) + prefixed(context.text.utf8))
  }
}

extension P256.Signing.PublicKey {
  /// ECDSA with SHA-256; the signature in DER.
  func verifies(_ signature: [UInt8], _ message: UnsafeRawBufferPointer) -> Bool {
    guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
    return isValidSignature(signature, for: message)
  }
}

extension Curve25519.Signing.PublicKey {
  func verifies(_ signature: [UInt8], _ message: UnsafeRawBufferPointer) -> Bool {
    isValidSignature(signature, for: message)
  }
}
