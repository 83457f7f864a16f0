import Foundation
public import MusterModel

/// The token by which a device without a certificate asks the service of itself, in all else as one for a hub:
/// `SharedAccessSignature sr=<trust domain>%2Fidentity%2F<device ID>&sig=<base64>&se=<seconds since 1970>`. No hub's token is
/// one, whatever the hub's host: what a hub was shown gets it no key.
public struct IdentityToken: Sendable, Hashable {
  /// How far ahead of now it may end.
  public static let longest = Duration.seconds(3600)

  public let trustDomain: String
  public let deviceID: DeviceID
  public let expires: Timestamp
  private let signature: [UInt8]
  private let message: [UInt8]

  public init?(_ text: String) {
    guard let signed = SignedFields(text), signed.path.count == 3, signed.path[1] == "identity",
      let deviceID = DeviceID(signed.path[2])
    else { return nil }
    trustDomain = signed.path[0]
    self.deviceID = deviceID
    expires = signed.expires
    signature = signed.signature
    message = signed.message
  }

  /// Whether it may be used now, here, whoever signed it.
  public func isInTime(at now: Timestamp, trustDomain: String) -> Bool {
    self.trustDomain == trustDomain && now < expires && expires <= now + IdentityToken.longest + SharedAccessToken.skew
  }

  public func isSigned(by key: DeviceKey) -> Bool { key.isValid(signature, over: message) }

  /// A token for a device, until `expires`.
  public static func make(trustDomain: String, deviceID: DeviceID, expires: Timestamp, key: DeviceKey) -> String {
    let resource = percentEncoded("\(trustDomain)/identity/\(deviceID)")
    let expiry = String(expires.seconds)
    let signature = Data(key.signature(over: SignedFields.message(resource.utf8, expiry.utf8))).base64EncodedString()
    return SharedAccessToken.scheme + "sr=\(resource)&sig=\(percentEncoded(signature))&se=\(expiry)"
  }
}
