import Crypto
public import MusterModel

/// Shows that a key is the one that was meant, and nothing else of it: the first 16 bytes of
/// HMAC-SHA-256(key, "muster/key-check/v1" ‖ key ID ‖ version), the version as four bytes in network order.
public struct KeyCheck: Sendable, Hashable, CustomStringConvertible {
  public static let size = 16
  public let bytes: [UInt8]

  public init(of key: SecretBytes, id: String, version: UInt32) {
    self.init(of: SymmetricKey(key), id: id, version: version)
  }

  /// nil unless there are 16 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == KeyCheck.size else { return nil }
    self.bytes = Array(bytes)
  }

  init(of key: SymmetricKey, id: String, version: UInt32) {
    let message = Array("muster/key-check/v1".utf8) + Array(id.utf8) + bigEndian(version)
    bytes = Array(HMAC<SHA256>.authenticationCode(for: message, using: key).prefix(KeyCheck.size))
  }

  public var hex: String { Hex.encode(bytes) }
  public var description: String { hex }
}
