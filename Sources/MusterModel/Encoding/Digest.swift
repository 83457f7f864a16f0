public import Crypto

/// A SHA-256 digest as a value: 32 bytes, written in lower-case hex. The bytes lie in the value itself, so that trees
/// of millions of digests cost no allocation each.
public struct Digest: Hashable, Sendable, Codable, CustomStringConvertible {
  public static let byteCount = 32

  /// The bytes in memory order, eight to a word.
  private let first, second, third, fourth: UInt64

  private init(unaligned bytes: UnsafeRawBufferPointer) {
    first = bytes.loadUnaligned(as: UInt64.self)
    second = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    third = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    fourth = bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
  }

  /// nil unless there are exactly 32 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == Digest.byteCount else { return nil }
    if let digest = bytes.withContiguousStorageIfAvailable({ Digest(unaligned: UnsafeRawBufferPointer($0)) }) {
      self = digest
    } else {
      self = Array(bytes).withUnsafeBytes { Digest(unaligned: $0) }
    }
  }

  public init(_ digest: SHA256Digest) { self = digest.withUnsafeBytes { Digest(unaligned: $0) } }

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

  /// The 32 bytes, in place.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Swift.withUnsafeBytes(of: self, body)
  }

  public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
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
