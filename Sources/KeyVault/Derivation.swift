import Crypto
import CryptoExtras
import Foundation
import MusterModel

// What this room takes from swift-crypto, each in the one form it is used in.

/// HKDF-SHA-256 (RFC 5869).
func hkdf(_ key: SymmetricKey, salt: [UInt8], info: [UInt8], count: Int = 32) -> SymmetricKey {
  HKDF<SHA256>.deriveKey(inputKeyMaterial: key, salt: salt, info: info, outputByteCount: count)
}

/// HKDF's two steps apart (RFC 5869 §2): the first of a root outlives it, and tells nothing of it.
func hkdfExtract(_ key: SymmetricKey) -> SymmetricKey {
  SymmetricKey(data: HKDF<SHA256>.extract(inputKeyMaterial: key, salt: [UInt8]()))
}

func hkdfExpand(_ key: SymmetricKey, info: [UInt8]) -> SymmetricKey {
  HKDF<SHA256>.expand(pseudoRandomKey: key, info: info, outputByteCount: 32)
}

/// scrypt (RFC 7914) with parameters that were bounded when they were read.
func scrypt(_ secret: SecretBytes, salt: [UInt8], _ parameters: ScryptParameters) throws(VaultError) -> SymmetricKey {
  do {
    return try secret.withUnsafeBytes { bytes in
      try KDF.Scrypt.deriveKey(
        from: bytes, salt: salt, outputByteCount: 32, rounds: 1 << Int(parameters.log2N),
        blockSize: Int(parameters.r), parallelism: Int(parameters.p))
    }
  } catch {
    throw .parameters(parameters)
  }
}

/// AES key wrap (RFC 3394) of a 256-bit key: 40 bytes.
func wrap(_ key: SymmetricKey, under wrapping: SymmetricKey) throws(VaultError) -> [UInt8] {
  do {
    return [UInt8](try AES.KeyWrap.wrap(key, using: wrapping))
  } catch {
    throw .notAuthentic
  }
}

/// nil where the wrapped key is not one under `wrapping`.
func unwrap(_ wrapped: [UInt8], under wrapping: SymmetricKey) -> SymmetricKey? {
  guard wrapped.count == wrappedKeySize else { return nil }
  return try? AES.KeyWrap.unwrap(wrapped, using: wrapping)
}

let wrappedKeySize = 40

func randomBytes(_ count: Int) -> [UInt8] { SecretBytes.random(count: count).withUnsafeBytes(Array.init) }

extension SymmetricKey {
  init(_ secret: SecretBytes) { self = secret.withUnsafeBytes { SymmetricKey(data: $0) } }

  var secret: SecretBytes { withUnsafeBytes { SecretBytes(copying: $0) } }
}

/// A number in network byte order.
func bigEndian(_ number: UInt32) -> [UInt8] { Swift.withUnsafeBytes(of: number.bigEndian, Array.init) }

func number(_ bytes: some Collection<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

/// Two bytes of length, then the field: so that no two lists of fields are the same bytes.
func prefixed(_ field: some Collection<UInt8>) -> [UInt8] {
  [UInt8(truncatingIfNeeded: field.count >> 8), UInt8(truncatingIfNeeded: field.count)] + field
}
