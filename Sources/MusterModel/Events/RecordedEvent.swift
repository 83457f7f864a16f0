import Foundation

/// The envelope of a recorded event, read from its bytes without its body.
public struct EventEnvelope: Sendable {
  public let kind: String
  public let at: Timestamp
  public let by: Actor
  public let on: [Aggregate]
  public let policy: PolicyReference?
  public let privateDigest: Digest?

  /// Throws `EventError.unreadable` unless `bytes` is one line of the ledger.
  public init(_ bytes: [UInt8]) throws {
    guard bytes.count <= Event.sizeLimit else { throw EventError.unreadable("\(bytes.count) bytes") }
    struct AnyBody: Codable {}
    do {
      let line = try EventCoding.decoder().decode(EventLine<AnyBody>.self, from: Data(bytes))
      guard line.v == Event.version else { throw EventError.unreadable("version \(line.v)") }
      (kind, at, by, on) = (line.kind, line.at, line.by, line.on)
      (policy, privateDigest) = (line.policy, line.private)
    } catch let error as DecodingError {
      throw EventError.unreadable("\(error)")
    }
  }
}

/// As much of a recorded line as checking a ledger needs. A line of a later build reads, whatever its kind, its actor and
/// its records are: an older build still verifies the ledger, and refuses to serve.
public struct EventHeader: Sendable {
  public let kind: String
  public let privateDigest: Digest?

  /// Throws `EventError.unreadable` unless `bytes` is one line of the ledger.
  public init(_ bytes: [UInt8]) throws {
    struct Line: Decodable {
      struct AnyBody: Decodable {}
      let at: Timestamp
      let body: AnyBody
      let by: String
      let kind: String
      let on: [String]
      let `private`: Digest?
      let v: Int
    }
    guard bytes.count <= Event.sizeLimit else { throw EventError.unreadable("\(bytes.count) bytes") }
    do {
      let line = try EventCoding.decoder().decode(Line.self, from: Data(bytes))
      guard line.v == Event.version else { throw EventError.unreadable("version \(line.v)") }
      (kind, privateDigest) = (line.kind, line.private)
    } catch let error as DecodingError {
      throw EventError.unreadable("\(error)")
    }
  }
}

/// A kind that this build knows: how to read its body and its details.
public struct EventKind: Sendable {
  public let name: String
  public let changesRecords: Bool
  /// Reads the body of a recorded line.
  public let body: @Sendable ([UInt8]) throws -> any EventBody
  /// Reads the details of a private attachment, salt included.
  public let details: @Sendable ([UInt8]) throws -> (any Codable & Hashable & Sendable)?

  public init<Body: EventBody>(_: Body.Type) {
    name = Body.kind
    changesRecords = Body.changesRecords
    body = { bytes in
      do {
        return try EventCoding.decoder().decode(EventLine<Body>.self, from: Data(bytes)).body
      } catch {
        throw EventError.unreadable("\(error)")
      }
    }
    details = { attachment in
      guard attachment.count > 16 else {
        throw EventError.unreadable("a private attachment of \(attachment.count) bytes")
      }
      do {
        return try EventCoding.decoder().decode(Body.Details.self, from: Data(attachment.dropFirst(16)))
      } catch {
        throw EventError.unreadable("\(error)")
      }
    }
  }
}
