/// Why what keeps a key outside of this process, a TPM or a token behind PKCS #11, did not use it. Holds no secret.
public struct KeyKeeperFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// Stable, in kebab-case.
  public enum Reason: String, Sendable, CaseIterable {
    /// It does not answer; it may come back.
    case away = "key-away"
    /// The file with its PIN cannot be read.
    case noPIN = "key-pin-missing"
    /// It refused the PIN. The same one is not tried again.
    case wrongPIN = "key-pin-wrong"
    /// It takes no PIN any more, or would not after the next wrong one.
    case locked = "key-locked"
    /// It has no such key: it was cleared, or is another.
    case lost = "key-lost"
    /// The machine measured something else than when the key was bound to it.
    case measurements = "key-measurements-changed"
    /// Too many wait for it.
    case busy = "key-busy"
    /// It did not do it, for a reason of its own.
    case refused = "key-refused"
  }

  public let reason: Reason
  /// What was expected and what was found.
  public let description: String

  public init(_ reason: Reason, _ description: String) {
    self.reason = reason
    self.description = description
  }

  public var code: String { reason.rawValue }
}
