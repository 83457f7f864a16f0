/// Who did it, and how they showed who they are: `op_… certificate`, `dev_… certificate`, `tkt_… ticket`, `service`.
public struct Actor: Hashable, Sendable, Codable, CustomStringConvertible {
  public enum Authentication: String, Sendable, CaseIterable {
    /// A client certificate of this instance's own CA.
    case certificate
    /// A maker's certificate under a group's trust anchor.
    case idevid
    case ticket
    /// A token by a key that was derived from a group's.
    case groupKey = "group-key"
    /// What a TPM shows, and its answer to a challenge.
    case tpm
    /// Whoever holds the data folder and its lock.
    case folder
    /// The service itself, by its own timers.
    case service
  }

  public let record: RecordID?
  public let authentication: Authentication

  public init(_ record: RecordID, by authentication: Authentication) {
    self.record = record
    self.authentication = authentication
  }

  private init(_ authentication: Authentication) {
    record = nil
    self.authentication = authentication
  }

  public static let service = Actor(.service)
  public static let folder = Actor(.folder)
  /// A maker's certificate names hardware that may have no record yet.
  public static let idevid = Actor(.idevid)
  /// So does a token by a derived key.
  public static let groupKey = Actor(.groupKey)
  /// So does a TPM.
  public static let tpm = Actor(.tpm)

  public var description: String {
    record.map { $0.description + " " + authentication.rawValue } ?? authentication.rawValue
  }

  /// Appends what `description` says.
  func write(to text: inout [UInt8]) {
    if let record {
      record.write(to: &text)
      text.append(UInt8(ascii: " "))
    }
    text.append(contentsOf: authentication.rawValue.utf8)
  }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard let last = words.last, let authentication = Authentication(rawValue: String(last)), words.count <= 2 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected an actor, found \(text)"))
    }
    if words.count == 1 {
      self.init(authentication)
      return
    }
    guard let record = RecordID(words[0]) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a record ID, found \(text)"))
    }
    self.init(record, by: authentication)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// The policy that decided, and the rule of it.
public struct PolicyReference: Hashable, Sendable, Codable {
  public let digest: Digest
  public let rule: String

  public init(digest: Digest, rule: String) {
    self.digest = digest
    self.rule = rule
  }
}
