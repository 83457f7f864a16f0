import HTTPTypes
import MusterModel

/// An `Idempotency-Key`: 1 to 64 visible ASCII characters, chosen by the caller.
struct IdempotencyKey: Sendable, Hashable {
  let text: String

  /// nil where the field is absent.
  static func read(_ headers: HTTPFields) throws(Problem) -> IdempotencyKey? {
    let fields = headers[values: .idempotencyKey]
    guard let field = fields.first else { return nil }
    guard fields.count == 1, (1...64).contains(field.utf8.count),
      field.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else {
      throw .badRequest(
        "idempotency-key-malformed", "expected one Idempotency-Key of 1 to 64 visible ASCII characters")
    }
    return IdempotencyKey(text: field)
  }
}

/// An entity tag that is the aggregate's version (RFC 9110 §8.8.3): `"8121"`.
enum EntityTag {
  static func text(_ version: UInt64) -> String { "\"\(version)\"" }

  /// The version of `If-Match`; nil where the field is absent or `*`.
  static func ifMatch(_ headers: HTTPFields) throws(Problem) -> UInt64? {
    let fields = headers[values: .ifMatch]
    guard let field = fields.first, fields != ["*"] else { return nil }
    guard fields.count == 1, field.utf8.count <= 22, field.hasPrefix("\""), field.hasSuffix("\""),
      let version = UInt64(field.dropFirst().dropLast()), text(version) == field
    else { throw .badRequest("if-match-malformed", "expected one entity tag as the ETag gave it, or *") }
    return version
  }

  /// Of what says the same, though not by the same bytes (RFC 9110 §8.8.1).
  static func weak(_ digest: Digest) -> String { "W/\"\(digest.hex)\"" }

  /// The digests that `If-None-Match` names (RFC 9110 §13.1.2); tags of another form are nobody's here.
  static func ifNoneMatch(_ headers: HTTPFields) -> Set<Digest> {
    let tags = headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.compactMap { part -> Digest? in
      let tag = part.trimmingPrefix { $0 == " " || $0 == "\t" }.trimmingPrefix("W/").split(separator: "\"")
      return tag.first.flatMap { Digest(hex: $0) }
    }
    return Set(tags)
  }
}
