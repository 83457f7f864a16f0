/// The logical name of a device: 1 to 64 of `A-Z a-z 0-9 - _`, first and last a letter or a digit. So it fits a common
/// name (X.520), a SPIFFE path, an MQTT topic level, an AMQP routing key's word, a file name and an HTTP Basic user as
/// it is. Anything else is refused, never cleaned up.
public struct DeviceID: Hashable, Sendable, Codable, CustomStringConvertible {
  public let text: String

  public init?(_ text: some StringProtocol) {
    let characters = Array(text.utf8)
    guard (1...64).contains(characters.count), characters.allSatisfy(isAllowed),
      let first = characters.first, isAlphanumeric(first), let last = characters.last, isAlphanumeric(last)
    else { return nil }
    self.text = String(text)
  }

  public static let rule = "1 to 64 of A-Z a-z 0-9 - _, first and last a letter or digit"

  /// ASCII case folding: two device IDs that fold alike are the same name.
  public var folded: String { text.lowercased() }
  public var description: String { text }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let id = DeviceID(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a device ID (\(DeviceID.rule))"))
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

private func isAlphanumeric(_ character: UInt8) -> Bool {
  switch character {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"):
    true
  default: false
  }
}

private func isAllowed(_ character: UInt8) -> Bool {
  isAlphanumeric(character) || character == UInt8(ascii: "-") || character == UInt8(ascii: "_")
}
