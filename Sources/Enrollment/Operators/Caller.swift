public import MusterModel
public import Policy

/// Who asks for an operation, from where, and whether it was asked before.
public struct Caller: Sendable {
  public let principal: Principal
  /// What the principal was read from: empty for the folder and the service, which nobody can remove.
  public let reads: ReadSet
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

  /// Whoever `Authentication` found.
  public init(principal: Principal, reads: ReadSet, source: String, idempotency: Idempotency? = nil) {
    self.principal = principal
    self.reads = reads
    self.source = source
    self.idempotency = idempotency
  }

  /// Whoever holds the folder, by its lock.
  public static func folder(_ source: String = "folder") -> Caller {
    Caller(principal: .folder, reads: ReadSet(), source: source)
  }

  var record: RecordID? { principal.actor?.record }
}
