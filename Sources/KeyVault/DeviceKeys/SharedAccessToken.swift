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
    guard let signed = SignedFields(text) else { return nil }
    // By segments, so that a token for dev1 is none for dev10.
    guard signed.path.count == 3, signed.path[1] == "devices", let deviceID = DeviceID(signed.path[2]),
      (1...253).contains(signed.path[0].utf8.count)
    else { return nil }
    host = signed.path[0]
    self.deviceID = deviceID
    expires = signed.expires
    signature = signed.signature
    message = signed.message
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
    let signature = Data(key.signature(over: SignedFields.message(resource.utf8, expiry.utf8))).base64EncodedString()
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
