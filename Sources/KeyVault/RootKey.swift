import Crypto
import MusterModel

/// The vault's root key: 256 random bits. It wraps the key-encryption keys and lies in no file but wrapped, in slots.
public struct RootKey: Sendable, CustomStringConvertible {
  let key: SymmetricKey

  /// From the system's generator.
  public static func random() -> RootKey { RootKey(key: SymmetricKey(SecretBytes.random(count: 32))) }

  /// nil where it is not wrapped under this key.
  init?(wrapped: [UInt8], under wrapping: SymmetricKey, check: KeyCheck) {
    guard let key = unwrap(wrapped, under: wrapping) else { return nil }
    self.init(key: key)
    guard constantTimeEqual(self.check.bytes, check.bytes) else { return nil }
  }

  private init(key: SymmetricKey) { self.key = key }

  /// The key check with key ID `root` and version 0.
  public var check: KeyCheck { KeyCheck(of: key, id: "root", version: 0) }

  public var description: String { "RootKey" }
}

extension RootKey: CustomReflectable {
  public var customMirror: Mirror { Mirror(self, children: []) }
}
