import Foundation
public import MusterModel

/// The token of a board that enrolls by a group's key, read and not yet verified:
/// `SharedAccessSignature sr=<group>%2Fregistrations%2F<registration ID>&sig=<base64>&se=<seconds since 1970>`, in all else
/// as a device's. The key is HMAC-SHA-256(group key, registration ID).
public struct EnrollmentToken: Sendable, Hashable {
  /// How far ahead of now it may end: a board makes one when it enrolls.
  public static let longest = Duration.seconds(86_400)

  public let group: RecordName
  /// Of the kind `registration`.
  public let registration: HardwareID
  public let expires: Timestamp
  public let signature: Digest
  private let message: [UInt8]

  public init?(_ text: String) {
    guard let signed = SignedFields(text), signed.path.count == 3, signed.path[1] == "registrations",
      let group = RecordName(signed.path[0]), let signature = Digest(bytes: signed.signature),
      case .success(let registration) = HardwareID.parse(.registration, signed.path[2])
    else { return nil }
    self.group = group
    self.registration = registration
    self.signature = signature
    expires = signed.expires
    message = signed.message
  }

  /// What its signature is where this is the group's key.
  public func signature(under groupKey: DeviceKey) -> Digest? {
    Digest(bytes: groupKey.derived(for: registration.value).signature(over: message))
  }

  /// A token for a board by its derived key, until `expires`.
  public static func make(group: RecordName, registrationID: String, expires: Timestamp, key: DeviceKey) -> String {
    let resource = percentEncoded("\(group)/registrations/\(registrationID)")
    let expiry = String(expires.seconds)
    let signature = Data(key.signature(over: SignedFields.message(resource.utf8, expiry.utf8))).base64EncodedString()
    return SharedAccessToken.scheme + "sr=\(resource)&sig=\(percentEncoded(signature))&se=\(expiry)"
  }
}
