public import Foundation

/// One line of the ledger, made and not yet committed: the bytes that are hashed and stored, and what they say.
public struct Event: Sendable {
  public static let version = 1
  /// The longest line, in bytes.
  public static let sizeLimit = 8192

  public let kind: String
  public let changesRecords: Bool
  public let at: Timestamp
  public let by: Actor
  public let on: [Aggregate]
  public let body: any EventBody
  /// What the body's `Details` say; nil where the kind has none.
  public let details: (any Codable & Hashable & Sendable)?
  /// Certificates, requests and evidence, named in the body by digest. Never shown to just anyone.
  public let attachments: [Attachment]
  /// `16 random bytes ‖ JSON` of the details.
  public let privateAttachment: [UInt8]?
  /// UTF-8 JSON with sorted keys, exactly as it is hashed and stored.
  public let bytes: [UInt8]

  /// Encodes the event once. Throws `EventError.tooLong` past 8 KiB.
  public init<Body: EventBody>(
    at time: Timestamp, by actor: Actor, on records: [Aggregate], policy: PolicyReference? = nil, _ body: Body,
    details: Body.Details, attachments: [Attachment] = []
  ) throws {
    kind = Body.kind
    changesRecords = Body.changesRecords
    at = time
    by = actor
    on = records
    self.body = body
    self.attachments = attachments
    let encoder = EventCoding.encoder()
    if details is NoDetails {
      self.details = nil
      privateAttachment = nil
    } else {
      self.details = details
      let salt = SecretBytes.random(count: 16).withUnsafeBytes { Array($0) }
      privateAttachment = salt + [UInt8](try encoder.encode(details))
    }
    let line = EventLine(
      at: time, body: body, by: actor, kind: Body.kind, on: records, policy: policy,
      private: privateAttachment.map(Digest.sha256), v: Event.version)
    bytes = [UInt8](try encoder.encode(line))
    guard bytes.count <= Event.sizeLimit else { throw EventError.tooLong(kind: Body.kind, bytes: bytes.count) }
  }
}

extension Event {
  /// An event whose kind has no details.
  public init<Body: EventBody>(
    at time: Timestamp, by actor: Actor, on records: [Aggregate], policy: PolicyReference? = nil, _ body: Body,
    attachments: [Attachment] = []
  ) throws where Body.Details == NoDetails {
    try self.init(
      at: time, by: actor, on: records, policy: policy, body, details: NoDetails(), attachments: attachments)
  }
}

public enum EventError: Error, CustomStringConvertible, Sendable {
  case tooLong(kind: String, bytes: Int)
  case unreadable(String)

  public var description: String {
    switch self {
    case .tooLong(let kind, let bytes):
      "expected an event of at most \(Event.sizeLimit) bytes, found \(bytes) in \(kind)"
    case .unreadable(let why): "expected an event, found \(printable(why, upTo: 400))"
    }
  }
}

/// The line's fields, in the one place that says them.
struct EventLine<Body: Codable>: Codable {
  var at: Timestamp
  var body: Body
  var by: Actor
  var kind: String
  var on: [Aggregate]
  var policy: PolicyReference?
  var `private`: Digest?
  var v: Int
}

/// One set of JSON rules for events and their private details.
public enum EventCoding {
  public static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }

  public static func decoder() -> JSONDecoder { JSONDecoder() }
}
