import Foundation
public import MusterModel

/// A device's token in Azure IoT Hub's form, read and not yet verified:
/// `SharedAccessSignature sr=<hub host>%2Fdevices%2F<device ID>&sig=<base64>&se=<seconds since 1970>`, the fields in any
/// order, each once and no other. The signature is HMAC-SHA-256 over `sr` exactly as received, a newline, and `se`.
public struct SharedAccessToken: Sendable, Hashable {
  static let scheme = "SharedAccessSignature "
  /// The longest token that is read, in bytes.
  public static let sizeLimit = 1024
  /// How far ahead of now a token may end.
  public static let longest = Duration.seconds(30 * 86_400)
  /// By how much the clock that made it may run ahead of ours.
  public static let skew = Duration.seconds(300)

  /// As in `sr`; compared without regard to case, as host names are.
  public let host: String
  public let deviceID: DeviceID
  public let expires: Timestamp
  private let signature: [UInt8]
  /// What was signed.
  private let message: [UInt8]

  public static func parse(_ text: String) -> Result<SharedAccessToken, TokenRefusal> {
    guard let token = SharedAccessToken(text) else { return .failure(.malformed) }
    return .success(token)
  }

  private init?(_ text: String) {
    guard text.utf8.count <= SharedAccessToken.sizeLimit, text.hasPrefix(SharedAccessToken.scheme),
      text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }),
      let fields = SharedAccessToken.fields(text.dropFirst(SharedAccessToken.scheme.count)),
      let resource = fields["sr"], let expiry = fields["se"],
      let seconds = SharedAccessToken.seconds(expiry),
      let signature = fields["sig"].flatMap(SharedAccessToken.signature), let path = percentDecoded(resource)
    else { return nil }
    let segments = path.split(separator: "/", omittingEmptySubsequences: false)
    // By segments, so that a token for dev1 is none for dev10.
    guard segments.count == 3, segments[1] == "devices", let deviceID = DeviceID(segments[2]),
      (1...253).contains(segments[0].utf8.count)
    else { return nil }
    host = String(segments[0])
    self.deviceID = deviceID
    expires = Timestamp(milliseconds: seconds * 1000)
    self.signature = signature
    message = SharedAccessToken.message(resource, expiry)
  }

  /// Exactly `sr`, `sig` and `se`; nil for any other set of names, and for one that comes twice.
  private static func fields(_ text: Substring) -> [Substring: Substring]? {
    let pairs = text.split(separator: "&", maxSplits: 3, omittingEmptySubsequences: false)
    guard pairs.count == 3 else { return nil }
    var fields: [Substring: Substring] = [:]
    for pair in pairs {
      guard let equals = pair.firstIndex(of: "="), ["sr", "sig", "se"].contains(pair[..<equals]) else { return nil }
      guard fields.updateValue(pair[pair.index(after: equals)...], forKey: pair[..<equals]) == nil else { return nil }
    }
    return fields
  }

  /// Decimal digits, no sign and no zero in front, up to the end of the year 9999.
  private static func seconds(_ text: Substring) -> Int64? {
    guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.first != "0",
      let seconds = Int64(text), seconds <= 253_402_300_799
    else { return nil }
    return seconds
  }

  /// 32 bytes in base64 with padding, each character percent-encoded or not.
  private static func signature(_ text: Substring) -> [UInt8]? {
    guard let plain = percentDecoded(text), plain.utf8.count == 44, let bytes = Data(base64Encoded: plain),
      bytes.count == 32, bytes.base64EncodedString() == plain
    else { return nil }
    return [UInt8](bytes)
  }

  private static func message(_ resource: Substring, _ expiry: Substring) -> [UInt8] {
    Array(resource.utf8) + [UInt8(ascii: "\n")] + Array(expiry.utf8)
  }
}

extension SharedAccessToken {
  /// Why it is not good for this hub at this time, whoever signed it; nil where nothing stands against it.
  public func refusal(at now: Timestamp, host: String) -> TokenRefusal? {
    guard self.host.lowercased() == host.lowercased() else { return .otherHost }
    guard now < expires else { return .expired(at: expires) }
    guard expires <= now + SharedAccessToken.longest + SharedAccessToken.skew else { return .tooLongLived(expires) }
    return nil
  }

  /// Whether this key signed it; in time that does not depend on how much of the signature is right.
  public func isSigned(by key: DeviceKey) -> Bool { key.isValid(signature, over: message) }

  /// A token for a device at a hub, until `expires`.
  public static func make(host: String, deviceID: DeviceID, expires: Timestamp, key: DeviceKey) -> String {
    let resource = percentEncoded("\(host)/devices/\(deviceID)")
    let expiry = String(expires.seconds)
    let signature = Data(key.signature(over: message(resource[...], expiry[...]))).base64EncodedString()
    return scheme + "sr=\(resource)&sig=\(percentEncoded(signature))&se=\(expiry)"
  }
}

/// Why a token proves nothing.
public enum TokenRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  case malformed
  case otherHost
  case expired(at: Timestamp)
  case tooLongLived(Timestamp)
  case wrongSignature

  /// Stable, in kebab-case.
  public var code: String {
    switch self {
    case .malformed: "token-malformed"
    case .otherHost: "token-other-host"
    case .expired: "token-expired"
    case .tooLongLived: "token-lifetime"
    case .wrongSignature: "token-signature"
    }
  }

  public var description: String {
    switch self {
    case .malformed: "expected SharedAccessSignature with sr, sig and se, each once; found something else"
    case .otherHost: "expected a token for this hub's host, found one for another"
    case .expired(let time): "expected a token in its time, found it over since \(time)"
    case .tooLongLived(let time): "expected a token that ends within 30 days, found one until \(time)"
    case .wrongSignature: "expected a signature by a key that the device has in use, found another"
    }
  }
}

// MARK: - Percent-encoding (RFC 3986 §2.1)

/// nil for a `%` without two hexadecimal digits, and for what is no UTF-8.
private func percentDecoded(_ text: Substring) -> String? {
  var bytes: [UInt8] = []
  var rest = text.utf8[...]
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    guard rest.count >= 2, let value = Hex.decode(Substring(rest.prefix(2))) else { return nil }
    bytes += value
    rest = rest.dropFirst(2)
  }
  return String(validating: bytes, as: UTF8.self)
}

private func percentEncoded(_ text: String) -> String {
  let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
  return text.utf8.map { unreserved.contains($0) ? String(UnicodeScalar($0)) : "%" + Hex.encode([$0]).uppercased() }
    .joined()
}
