public import Foundation

/// One line of the ledger, made and not yet committed: the bytes that are hashed and stored, and what they say. An object,
/// for it is handed on many times.
public final class Event: Sendable {
  public static let version = 1
  /// The longest line, in bytes.
  public static let sizeLimit = 8192
  /// The longest private attachment, in bytes.
  public static let detailsLimit = 65_536

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
  /// SHA-256 of `privateAttachment`.
  public let privateDigest: Digest?
  /// UTF-8 JSON with sorted keys, exactly as it is hashed and stored.
  public let bytes: [UInt8]

  /// Encodes the event once. Throws `EventError.tooLong` past 8 KiB.
  public convenience init<Body: EventBody>(
    at time: Timestamp, by actor: Actor, on records: [Aggregate], policy: PolicyReference? = nil, _ body: Body,
    details: Body.Details, attachments: [Attachment] = []
  ) throws {
    try self.init(time, actor, records, policy, body, details is NoDetails ? nil : details, attachments)
  }

  /// An event that says all there is: no details are kept, though its kind has some.
  public convenience init<Body: EventBody>(
    at time: Timestamp, by actor: Actor, on records: [Aggregate], policy: PolicyReference? = nil,
    withoutDetails body: Body, attachments: [Attachment] = []
  ) throws {
    try self.init(time, actor, records, policy, body, nil, attachments)
  }

  private init<Body: EventBody>(
    _ time: Timestamp, _ actor: Actor, _ records: [Aggregate], _ policy: PolicyReference?, _ body: Body,
    _ details: Body.Details?, _ attachments: [Attachment]
  ) throws {
    kind = Body.kind
    changesRecords = Body.changesRecords
    at = time
    by = actor
    on = records
    self.body = body
    self.attachments = attachments
    self.details = details
    if let details {
      let salt = SecretBytes.random(count: 16).withUnsafeBytes { Array($0) }
      let attachment = try salt + EventCoding.bytes(of: details)
      guard attachment.count <= Event.detailsLimit else {
        throw EventError.detailsTooLong(kind: Body.kind, bytes: attachment.count)
      }
      privateAttachment = attachment
    } else {
      privateAttachment = nil
    }
    privateDigest = privateAttachment.map { Digest.sha256($0) }
    bytes = JSONWriter.bytes(
      of: WrittenLine(
        at: time, body: try EventCoding.bytes(of: body), by: actor, kind: Body.kind, on: records, policy: policy,
        private: privateDigest))
    guard bytes.count <= Event.sizeLimit else { throw EventError.tooLong(kind: Body.kind, bytes: bytes.count) }
  }
}

extension Event {
  /// An event whose kind has no details.
  public convenience init<Body: EventBody>(
    at time: Timestamp, by actor: Actor, on records: [Aggregate], policy: PolicyReference? = nil, _ body: Body,
    attachments: [Attachment] = []
  ) throws where Body.Details == NoDetails {
    try self.init(
      at: time, by: actor, on: records, policy: policy, body, details: NoDetails(), attachments: attachments)
  }
}

public enum EventError: Error, CustomStringConvertible, Sendable {
  case tooLong(kind: String, bytes: Int)
  case detailsTooLong(kind: String, bytes: Int)
  case unreadable(String)

  public var description: String {
    switch self {
    case .tooLong(let kind, let bytes):
      "expected an event of at most \(Event.sizeLimit) bytes, found \(bytes) in \(kind)"
    case .detailsTooLong(let kind, let bytes):
      "expected details of at most \(Event.detailsLimit) bytes, found \(bytes) in \(kind)"
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

/// The line as it is written, around a body that is JSON already.
private struct WrittenLine: CanonicalJSON {
  let at: Timestamp
  let body: [UInt8]
  let by: Actor
  let kind: String
  let on: [Aggregate]
  let policy: PolicyReference?
  let `private`: Digest?

  func write(to json: inout JSONWriter) {
    json.field("at", at)
    json.field("body", json: body)
    json.field("by", by)
    json.field("kind", kind)
    json.field("on", on)
    json.field("policy", object: policy)
    json.field("private", digest: `private`)
    json.field("v", number: UInt64(Event.version))
  }
}

extension PolicyReference: CanonicalJSON {
  public func write(to json: inout JSONWriter) {
    json.field("digest", digest: digest)
    json.field("rule", rule)
  }
}

/// One set of JSON rules for events and their private details.
public enum EventCoding {
  public static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }

  /// A value's JSON: its own writing where it has one, which is the same bytes.
  static func bytes(of value: some Encodable) throws -> [UInt8] {
    if let value = value as? any CanonicalJSON { return JSONWriter.bytes(of: value) }
    return [UInt8](try encoder().encode(value))
  }

  public static func decoder() -> JSONDecoder { JSONDecoder() }
}
