import COpenSSL
import Crypto
import CryptoExtras
import Foundation
public import MusterModel

/// The vault's RSA key to which cloud HSMs and openssl wrap keys that are to come in: a key of 32 bytes by RSA OAEP with SHA-256
/// and no label (RFC 8017 §7.1), and behind it the key by AES key wrap with padding (RFC 5649) under that.
public struct WrappingKey: Sendable {
  /// Under which purpose it is sealed; the owner is the key's own record.
  public static let purpose = "import-key"
  static let version: UInt32 = 1
  private static let bits = 3072
  /// The longest that is unwrapped, in bytes: a P-256 key in PKCS #8 is far below.
  public static let sizeLimit = 1024
  private static let kekSize = 32

  public let record: RecordID
  /// SubjectPublicKeyInfo in DER (RFC 8017 appendix A.1).
  public let publicKey: [UInt8]
  /// RSAPrivateKey in DER.
  private let der: SecretBytes

  /// Takes a second or so.
  fileprivate init(random record: RecordID) throws(VaultError) {
    guard let key = try? _RSA.Encryption.PrivateKey(keySize: .init(bitCount: WrappingKey.bits)) else {
      throw .notAuthentic
    }
    self.init(record, key)
  }

  fileprivate init(_ der: SecretBytes, of record: RecordID) throws(VaultError) {
    guard let key = try? WrappingKey.key(der) else { throw .notAuthentic }
    self.init(record, key)
  }

  private init(_ record: RecordID, _ key: _RSA.Encryption.PrivateKey) {
    self.record = record
    publicKey = Array(key.publicKey.derRepresentation)
    var bytes = key.derRepresentation
    der = SecretBytes(copying: bytes)
    bytes.resetBytes(in: bytes.startIndex..<bytes.endIndex)
  }

  private static func key(_ der: SecretBytes) throws -> _RSA.Encryption.PrivateKey {
    try der.withUnsafeBytes { try _RSA.Encryption.PrivateKey(derRepresentation: $0) }
  }

  var bytes: SecretBytes { der }

  /// The key in it, as a ring of the kind has it; of a curve it is wrapped as PKCS #8 in DER. Throws `notAuthentic` alike for whatever
  /// is wrong with it: where RSA opens nothing, a random key unwraps nothing.
  public func unwrap(_ wrapped: [UInt8], as kind: RingKind) throws(VaultError) -> SecretBytes {
    let modulus = WrappingKey.bits / 8
    guard wrapped.count > modulus, wrapped.count <= WrappingKey.sizeLimit, let key = try? WrappingKey.key(der) else {
      throw .notAuthentic
    }
    var opened = (try? key.decrypt(wrapped.prefix(modulus), padding: .PKCS1_OAEP_SHA256)) ?? Data()
    defer { opened.resetBytes(in: opened.startIndex..<opened.endIndex) }
    let kek = opened.count == WrappingKey.kekSize ? SecretBytes(copying: opened) : .random(count: WrappingKey.kekSize)
    guard let unwrapped = aesUnwrapPadded(Array(wrapped.dropFirst(modulus)), under: kek),
      let key = kind.key(wrapped: unwrapped)
    else { throw .notAuthentic }
    return key
  }
}

/// AES key wrap with padding (RFC 5649) under 256 bits; nil for what is none under that key.
func aesUnwrapPadded(_ wrapped: [UInt8], under kek: SecretBytes) -> SecretBytes? {
  guard kek.count == 32, wrapped.count <= WrappingKey.sizeLimit else { return nil }
  var size = 0
  let room = SecretBytes(count: wrapped.count) { room in
    size = kek.withUnsafeBytes { kek in
      aes_kwp_unwrap(
        kek.bindMemory(to: UInt8.self).baseAddress, wrapped, wrapped.count,
        room.bindMemory(to: UInt8.self).baseAddress)
    }
  }
  guard size > 0 else { return nil }
  return room.withUnsafeBytes { room in
    SecretBytes(count: size) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: room.prefix(size))) }
  }
}

extension RingKind {
  /// A symmetric key as it is; of a curve, what PKCS #8 has (RFC 5958). nil for another.
  fileprivate func key(wrapped: SecretBytes) -> SecretBytes? {
    switch self {
    case .aes256GCM, .hmacSHA256, .groupEnrollment: return wrapped
    case .p256:
      return wrapped.withUnsafeBytes { der in
        (try? P256.Signing.PrivateKey(derRepresentation: der)).map { SecretBytes(copying: $0.rawRepresentation) }
      }
    case .ed25519: return Ed25519Seed(pkcs8: wrapped)?.bytes
    }
  }
}

/// The seed of an Ed25519 key, and its PrivateKeyInfo in DER (RFC 8410 §7).
public struct Ed25519Seed: Sendable {
  private static let prefix: [UInt8] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]
  private static let size = 32

  public let bytes: SecretBytes

  /// nil where it is not of 32 bytes.
  public init?(_ bytes: SecretBytes) {
    guard bytes.count == Ed25519Seed.size else { return nil }
    self.bytes = bytes
  }

  /// nil for what is no such key in its one encoding without attributes.
  public init?(pkcs8 der: SecretBytes) {
    guard der.count == Ed25519Seed.prefix.count + Ed25519Seed.size else { return nil }
    let seed = der.withUnsafeBytes { der in
      der.starts(with: Ed25519Seed.prefix) ? SecretBytes(copying: der.dropFirst(Ed25519Seed.prefix.count)) : nil
    }
    guard let seed else { return nil }
    bytes = seed
  }

  public var pkcs8: SecretBytes {
    bytes.withUnsafeBytes { SecretBytes(copying: Ed25519Seed.prefix + $0) }
  }
}

extension Vault {
  /// Makes the key, and seals it.
  public func makeWrappingKey(_ record: RecordID) throws(VaultError) -> (key: WrappingKey, sealed: SealedSecret) {
    let key = try WrappingKey(random: record)
    return (key, try seal(key.bytes, owner: record, purpose: WrappingKey.purpose, version: WrappingKey.version))
  }

  /// Throws `notAuthentic` for what is none of this vault's.
  public func wrappingKey(_ sealed: SealedSecret) throws(VaultError) -> WrappingKey {
    guard sealed.purpose == WrappingKey.purpose else { throw .notAuthentic }
    return try WrappingKey(open(sealed), of: sealed.owner)
  }
}

/// The vault's RSA key came to be, to which keys are wrapped that are to come in. It is sealed.
public struct WrappingKeyMade: EventBody {
  public static let kind = "wrapping-key-made"
  public let key: RecordID
  /// SHA-256 of the SPKI in DER.
  public let publicKey: MusterModel.Digest

  public init(_ key: WrappingKey) {
    self.key = key.record
    publicKey = .sha256(key.publicKey)
  }
}
