public import MusterModel

/// Where certificates say that CRLs, OCSP answers and issuers are, and in whose trust domain: fixed at `init`.
public struct PublicationPoints: Sendable, Hashable {
  public let trustDomain: TrustDomain
  public let publishURL: String

  public static let rule =
    "http:// or https://, a host, a port and path if need be, no slash at the end, at most 200 bytes"

  /// nil unless `publishURL` keeps the rule, so that every address made of it is an IA5String and a URI.
  public init?(trustDomain: TrustDomain, publishURL: String) {
    let scheme = ["http://", "https://"].first { publishURL.hasPrefix($0) }
    guard let scheme, publishURL.utf8.count <= 200 else { return nil }
    let rest = publishURL.utf8.dropFirst(scheme.utf8.count)
    guard let first = rest.first, first != UInt8(ascii: "/"), rest.last != UInt8(ascii: "/"),
      rest.allSatisfy(Self.isAllowed)
    else { return nil }
    self.trustDomain = trustDomain
    self.publishURL = publishURL
  }

  private static func isAllowed(_ character: UInt8) -> Bool {
    switch character {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._~:/[]".utf8.contains(character)
    }
  }

  /// The CRL of a shard, or the full one.
  public func crl(issuer keyID: String, shard: UInt32?) -> String {
    shard.map { "\(publishURL)/crl/\(keyID)/\($0).crl" } ?? "\(publishURL)/crl/\(keyID).crl"
  }

  public var ocsp: String { publishURL + "/ocsp" }
  public func certificate(issuer keyID: String) -> String { "\(publishURL)/ca/\(keyID).cer" }
}
