import Crypto
import Foundation
public import MusterModel

/// The symmetric key with which a device signs its tokens: HMAC-SHA-256 (RFC 2104, FIPS 198-1).
public struct DeviceKey: Sendable, CustomStringConvertible, CustomReflectable {
  /// How long a key is that is made here, in bytes.
  public static let size = 32
  /// And how long one from elsewhere may be: 128 bits at least, at most one block of the hash.
  public static let sizes = 16...64

  public let bytes: SecretBytes

  /// nil for another length than `sizes`.
  public init?(_ bytes: SecretBytes) {
    guard DeviceKey.sizes.contains(bytes.count) else { return nil }
    self.bytes = bytes
  }

  private init(random: Void) { bytes = SecretBytes.random(count: DeviceKey.size) }

  public static func random() -> DeviceKey { DeviceKey(random: ()) }

  func signature(over message: some Collection<UInt8>) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: Array(message), using: SymmetricKey(bytes)))
  }

  /// In time that does not depend on where the two differ.
  func isValid(_ signature: [UInt8], over message: some Collection<UInt8>) -> Bool {
    HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: Array(message), using: SymmetricKey(bytes))
  }

  /// A group's enrollment key, as the one board of that registration ID holds it: HMAC-SHA-256(group key, registration ID).
  /// It authenticates that board's enrollment and nothing after it.
  public func derived(for registrationID: String) -> DeviceKey {
    DeviceKey(derived: SecretBytes(copying: signature(over: registrationID.utf8)))
  }

  private init(derived bytes: SecretBytes) { self.bytes = bytes }

  /// Base64 (RFC 4648 §4) in UTF-8, as devices are given it.
  public var text: SecretBytes {
    bytes.withUnsafeBytes { SecretBytes(copying: Data($0).base64EncodedData()) }
  }

  public var description: String { "DeviceKey" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Which of a device's two keys in use. Either proves the device; a device that changes over uses the primary next.
public enum DeviceKeySlot: String, Codable, Sendable, CaseIterable { case primary, secondary }
