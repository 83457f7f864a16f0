public import MusterModel

/// The ledger as it is shown: bytes that were hashed, hashes of tiles, the last checkpoint.
public protocol LedgerReader: Sendable {
  /// The signed note of the last commit's checkpoint; nil for an empty ledger.
  func checkpoint() async throws -> String?
  /// The event's bytes, exactly; nil past the end.
  func event(at position: UInt64) async throws -> [UInt8]?
  /// Hashes of a full tile, or as many as there are yet, at most `width`; nil where there are fewer.
  func tile(level: Int, index: UInt64, width: Int) async throws -> [Digest]?
  /// An inclusion proof under the last checkpoint, in the form of `InclusionProof`'s JSON; nil past the end.
  func inclusionProof(of position: UInt64) async throws -> LedgerProof?
}

/// What someone needs to check an event offline: its bytes, the audit path (RFC 9162 §2.1.3), the checkpoint it leads to.
public struct LedgerProof: Codable, Sendable, Hashable {
  public let position: UInt64
  public let size: UInt64
  /// The event's line, exactly as it was hashed.
  public let event: String
  /// Hex.
  public let path: [Digest]
  /// The signed note.
  public let checkpoint: String

  public init(position: UInt64, size: UInt64, event: String, path: [Digest], checkpoint: String) {
    self.position = position
    self.size = size
    self.event = event
    self.path = path
    self.checkpoint = checkpoint
  }
}
