import MusterModel

/// Why no certificate is issued although there is a permit. Codes are stable.
public enum IssuanceRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// The permit names another profile, or one for other subjects.
  case profile(String)
  case keyAlgorithm(String)
  /// The request asks for more than its permit, and the profile refuses that.
  case excess(String)
  /// The issuer's own time is over, or has not begun.
  case issuerOutOfTime
  case hostName(String)
  /// The permit names a subject that fits no certificate.
  case subject(String)

  public var code: String {
    switch self {
    case .profile: "profile-mismatch"
    case .keyAlgorithm: "key-algorithm-not-in-profile"
    case .excess: "request-excess"
    case .issuerOutOfTime: "issuer-out-of-time"
    case .hostName: "host-name"
    case .subject: "subject"
    }
  }

  public var description: String {
    switch self {
    case .profile(let why), .keyAlgorithm(let why), .excess(let why), .subject(let why): why
    case .issuerOutOfTime: "expected an issuer within its validity, found one outside of it"
    case .hostName(let found): "expected a DNS name in lower case or an IP address, found \(excerpt(found))"
    }
  }
}
