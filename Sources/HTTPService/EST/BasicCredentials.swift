import MusterModel

/// HTTP Basic (RFC 7617) as a device sends it: the user is the device ID of its ticket, the password the ticket's code.
struct BasicCredentials: Sendable {
  let deviceID: DeviceID
  /// As it was sent; who reads codes bounds its form.
  let code: SecretBytes

  static let challenge = "Basic realm=\"muster\", charset=\"UTF-8\""
  /// The longest field that is read: 64 of a device ID, a colon, a code.
  static let limit = 256

  /// Reads an `Authorization` field; nil where it is absent.
  static func read(_ field: String?) throws(Problem) -> BasicCredentials? {
    guard let field else { return nil }
    guard let credentials = parse(field) else {
      // What was found is not said: it may hold a code.
      throw Problem(
        .unauthorized, "credentials-malformed",
        detail: "expected Basic credentials: a device ID (\(DeviceID.rule)), a colon, a ticket's code"
      ).adding(.wwwAuthenticate, challenge)
    }
    return credentials
  }

  private static func parse(_ field: String) -> BasicCredentials? {
    guard field.utf8.count <= limit else { return nil }
    let parts = field.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0].elementsEqual("basic".utf8, by: { $0 | 0x20 == $1 }),
      let pair = Base64.decode(Array(parts[1])),
      let colon = pair.firstIndex(of: UInt8(ascii: ":")),
      let user = String(validating: pair[..<colon], as: UTF8.self), let deviceID = DeviceID(user)
    else { return nil }
    let code = pair[(colon + 1)...]
    guard (1...64).contains(code.count), code.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    return BasicCredentials(deviceID: deviceID, code: SecretBytes(copying: code))
  }
}
