public import NIOCore

/// Where a request comes from: an IPv4 or IPv6 address. Limits count by `network`, for whoever holds one IPv6 address
/// holds its /64 (RFC 6177 §2).
public struct SourceAddress: Hashable, Sendable, CustomStringConvertible {
  /// 4 bytes or 16. An IPv4-mapped address (RFC 4291 §2.5.5.2) is the IPv4 address.
  public let bytes: [UInt8]

  /// nil unless there are 4 or 16 bytes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes.starts(with: SourceAddress.mappedPrefix) && bytes.count == 16 ? Array(bytes[12...]) : bytes
  }

  /// nil for what is no IP address.
  public init?(_ address: SocketAddress) {
    switch address {
    case .v4(let v4): self.init(bytes: withUnsafeBytes(of: v4.address.sin_addr) { Array($0) })
    case .v6(let v6): self.init(bytes: withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) })
    case .unixDomainSocket: return nil
    }
  }

  /// What limits count by: an IPv4 address, or the first 64 bits of an IPv6 address.
  public struct Network: Hashable, Sendable, CustomStringConvertible {
    /// 4 bytes or 8.
    let prefix: [UInt8]

    public var description: String {
      prefix.count == 4 ? dotted(prefix) : groups(prefix) + "::/64"
    }
  }

  public var network: Network { Network(prefix: bytes.count == 4 ? bytes : Array(bytes[..<8])) }

  public var description: String { bytes.count == 4 ? dotted(bytes) : groups(bytes) }

  private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
}

private func dotted(_ bytes: [UInt8]) -> String { bytes.map { String($0) }.joined(separator: ".") }

/// The groups in full, without the `::` of RFC 5952 §4.2: one form, sorted as the bytes are.
private func groups(_ bytes: [UInt8]) -> String {
  stride(from: 0, to: bytes.count, by: 2)
    .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
    .joined(separator: ":")
}
