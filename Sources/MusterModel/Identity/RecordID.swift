/// The ID of a record: a prefix that says of what, and 26 lower-case Crockford characters of a UUIDv7 (RFC 9562 §5.7).
/// Events and tables use it, so that a name can change and a retired name can be given again.
public struct RecordID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  public enum Kind: String, Sendable, CaseIterable {
    case device = "dev"
    case hardware = "hw"
    case `operator` = "op"
    case hub = "hub"
    case group = "grp"
    case order = "ord"
    case batch = "bat"
    case ticket = "tkt"
    case key = "key"
    case certificate = "crt"
  }

  public let kind: Kind
  public let uuid: UUIDv7

  public init(_ kind: Kind, _ uuid: UUIDv7) {
    self.kind = kind
    self.uuid = uuid
  }

  /// Reads what `description` writes; nil for anything else.
  public init?(_ text: some StringProtocol) {
    guard let underscore = text.utf8.firstIndex(of: UInt8(ascii: "_")),
      let kind = Kind(rawValue: String(text[..<underscore]))
    else { return nil }
    let body = text[text.utf8.index(after: underscore)...]
    guard Crockford.isLower(body), let bytes = Crockford.decode(body, count: 16), let uuid = UUIDv7(bytes: bytes)
    else { return nil }
    self.init(kind, uuid)
  }

  public var description: String { kind.rawValue + "_" + Crockford.encode(uuid.bytes, letterCase: .lower) }

  public static func < (left: RecordID, right: RecordID) -> Bool { left.description < right.description }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let id = RecordID(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a record ID, found \(text)"))
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
