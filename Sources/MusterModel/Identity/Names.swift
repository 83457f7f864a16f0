/// The name of an operator, hub or group, as people write it: 1 to 64 of `A-Z a-z 0-9 - _ . @`, first a letter or
/// digit. Compared case-insensitively for uniqueness. It gives no rights: those come from the issuer and the record.
public struct RecordName: Hashable, Sendable, Codable, CustomStringConvertible {
  public let text: String

  public init?(_ text: some StringProtocol) {
    let characters = Array(text.utf8)
    guard (1...64).contains(characters.count), let first = characters.first, isLetterOrDigit(first),
      characters.allSatisfy({ isLetterOrDigit($0) || "-_.@".utf8.contains($0) })
    else { return nil }
    self.text = String(text)
  }

  public static let rule = "1 to 64 of A-Z a-z 0-9 - _ . @, first a letter or digit"

  public var folded: String { text.lowercased() }
  public var description: String { text }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let name = RecordName(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a name (\(RecordName.rule))"))
    }
    self = name
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// The instance's trust domain: a lower-case DNS name (RFC 1035 §2.3.1, SPIFFE-ID §2.1), not `localhost`, with
/// room for what is put in front of it.
public struct TrustDomain: Hashable, Sendable, Codable, CustomStringConvertible {
  public let name: String

  public init?(_ name: some StringProtocol) {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    guard name.utf8.count <= 200, name != "localhost", labels.allSatisfy(isLabel) else { return nil }
    self.name = String(name)
  }

  public static let rule = "a lower-case DNS name, not localhost"
  public var description: String { name }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let domain = TrustDomain(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a trust domain (\(TrustDomain.rule))"))
    }
    self = domain
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

private func isLabel(_ label: some StringProtocol) -> Bool {
  let characters = Array(label.utf8)
  guard (1...63).contains(characters.count), characters.first != UInt8(ascii: "-"),
    characters.last != UInt8(ascii: "-")
  else { return false }
  return characters.allSatisfy { character in
    switch character {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
    default: false
    }
  }
}

private func isLetterOrDigit(_ character: UInt8) -> Bool {
  switch character {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"):
    true
  default: false
  }
}
