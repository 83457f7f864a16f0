import MusterModel
import NIOSSL

/// Who is at the other end of a connection, as far as the connection shows it: the certificates that were presented,
/// and the address. TLS proves that the peer holds the leaf's key and nothing else; whether the chain means anything
/// is decided per request, for trust anchors, revocations and records change while a connection stands.
public struct PeerIdentity: Sendable, Hashable {
  /// DER, the leaf first; empty where no certificate was presented.
  public let chain: [[UInt8]]
  public let source: SourceAddress
  /// false on the plain listener, which serves public routes alone.
  public let isSecure: Bool

  public init(chain: [[UInt8]], source: SourceAddress, isSecure: Bool) {
    self.chain = chain
    self.source = source
    self.isSecure = isSecure
  }
}

/// The bounds within which a presented chain is kept at all.
enum ChainBounds {
  static let certificates = 5
  static let bytes = 32 * 1024

  /// The chain's DER, leaf first; nil where it is out of bounds or not encodable.
  static func der(_ certificates: [NIOSSLCertificate]) -> [[UInt8]]? {
    guard (1...ChainBounds.certificates).contains(certificates.count) else { return nil }
    var chain: [[UInt8]] = []
    var total = 0
    for certificate in certificates {
      guard let der = try? certificate.toDERBytes() else { return nil }
      total += der.count
      guard total <= bytes else { return nil }
      chain.append(der)
    }
    return chain
  }
}
