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
    case attestation = "att"
    case rollover = "rol"
  }

  public let kind: Kind
  public let uuid: UUIDv7

  public init(_ kind: Kind, _ uuid: UUIDv7) {
    self.kind = kind
    self.uuid = uuid
  }

  /// Reads what `description` writes; nil for anything else.
  public init?(_ text: some StringProtocol) {
    var text = String(text)
    guard let id = text.withUTF8({ RecordID(utf8: $0) }) else { return nil }
    self = id
  }

  /// The same from UTF-8.
  public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
    guard let underscore = text.firstIndex(of: UInt8(ascii: "_")),
      let kind = Kind(rawValue: String(decoding: text[..<underscore], as: UTF8.self)),
      let uuid = UUIDv7(text: text[(underscore + 1)...])
    else { return nil }
    self.init(kind, uuid)
  }

  public var description: String {
    String(unsafeUninitializedCapacity: textLength) { text in
      write(to: text)
      return textLength
    }
  }

  /// Appends what `description` says.
  func write(to text: inout [UInt8]) { withUTF8 { text.append(contentsOf: $0) } }

  /// Calls `body` with what `description` writes, for those who need it no longer than that.
  public func withUTF8<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: textLength) { text in
      write(to: text)
      return body(UnsafeBufferPointer(text))
    }
  }

  private var textLength: Int { kind.rawValue.utf8.count + 1 + UUIDv7.textLength }

  private func write(to text: UnsafeMutableBufferPointer<UInt8>) {
    let prefix = kind.rawValue.utf8
    _ = text.initialize(from: prefix)
    text[prefix.count] = UInt8(ascii: "_")
    uuid.write(to: UnsafeMutableBufferPointer(rebasing: text[(prefix.count + 1)...]))
  }

  /// The UUID alone tells records apart.
  public func hash(into hasher: inout Hasher) { hasher.combine(uuid) }

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
