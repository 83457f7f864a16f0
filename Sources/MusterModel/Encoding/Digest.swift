public import Crypto

/// A SHA-256 digest as a value: 32 bytes, written in lower-case hex.
public struct Digest: Hashable, Sendable, Codable, CustomStringConvertible {
  public let bytes: [UInt8]

  /// nil unless there are exactly 32 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = Array(bytes)
  }

  public init(_ digest: SHA256Digest) { bytes = Array(digest) }

  /// nil unless `hex` is 64 hexadecimal digits.
  public init?(hex: some StringProtocol) {
    guard let bytes = Hex.decode(hex) else { return nil }
    self.init(bytes: bytes)
  }

  /// SHA-256 over `content` (FIPS 180-4).
  public static func sha256(_ content: some Sequence<UInt8>) -> Digest {
    var hash = SHA256()
    if content.withContiguousStorageIfAvailable({ hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil {
      hash.update(data: Array(content))
    }
    return Digest(hash.finalize())
  }

  public var hex: String { Hex.encode(bytes) }
  public var description: String { hex }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let bytes = Base64URL.decode(text), let digest = Digest(bytes: bytes) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a SHA-256 in base64url, found \(text)"))
    }
    self = digest
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Base64URL.encode(bytes))
  }
}
