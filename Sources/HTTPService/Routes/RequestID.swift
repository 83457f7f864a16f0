public import MusterModel

/// Names one request in answers and logs: `req_` and 26 Crockford characters of a UUIDv7.
public struct RequestID: Hashable, Sendable, CustomStringConvertible {
  public let text: String
  public init(at time: Timestamp) { text = "req_" + Crockford.encode(UUIDv7(at: time).bytes, letterCase: .lower) }
  public var description: String { text }
}
