import Crypto
import MusterModel

/// A key-encryption key as it lies on disk, AES-KW under the root:
/// `01 ‖ number (4) ‖ wrapped key (40) ‖ key check (16)`, 61 bytes. The key check's key ID is `kek`, its version the
/// number: a KEK that was put under another's number does not open.
public struct WrappedKEK: Sendable, Hashable {
  public static let size = 61
  private static let version: UInt8 = 1

  /// From 1; the highest number is the current one.
  public let number: UInt32
  let wrapped: [UInt8]
  public let check: KeyCheck

  init(_ key: SymmetricKey, number: UInt32, under root: RootKey) throws(VaultError) {
    self.number = number
    wrapped = try wrap(key, under: root.key)
    check = KeyCheck(of: key, id: "kek", version: number)
  }

  /// Throws `malformedKEK` for another length or version.
  public init(_ bytes: [UInt8]) throws(VaultError) {
    guard bytes.count == WrappedKEK.size else { throw .malformedKEK("\(bytes.count) bytes") }
    guard bytes[0] == WrappedKEK.version else { throw .malformedKEK("version \(bytes[0])") }
    guard let check = KeyCheck(bytes: bytes[45...]) else { throw .malformedKEK("no key check") }
    number = KeyVault.number(bytes[1..<5])
    wrapped = Array(bytes[5..<45])
    self.check = check
  }

  public var bytes: [UInt8] { [WrappedKEK.version] + bigEndian(number) + wrapped + check.bytes }

  func open(under root: RootKey) throws(VaultError) -> SymmetricKey {
    guard let key = unwrap(wrapped, under: root.key),
      constantTimeEqual(KeyCheck(of: key, id: "kek", version: number).bytes, check.bytes)
    else { throw .notAuthentic }
    return key
  }
}
