public import MusterModel
public import Policy

/// Who asks for an operation, from where, and whether it was asked before.
public struct Caller: Sendable {
  public let principal: Principal
  public let source: String
  public let idempotency: Idempotency?

  /// An `Idempotency-Key` with the digest of what was asked: method, path and body.
  public struct Idempotency: Sendable, Hashable {
    public let key: String
    public let request: Digest

    public init(key: String, request: Digest) {
      self.key = key
      self.request = request
    }
  }

  public init(principal: Principal, source: String, idempotency: Idempotency? = nil) {
    self.principal = principal
    self.source = source
    self.idempotency = idempotency
  }

  var record: RecordID? { principal.actor?.record }
}
