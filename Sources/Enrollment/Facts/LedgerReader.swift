public import Ledger
public import MusterModel
public import Policy

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
  /// What proves the events of a stretch under the last checkpoint; nil past the end.
  func proofTiles(_ stretch: ClosedRange<UInt64>) async throws -> ProofTiles?
  /// The decision that the event at `position` records; nil where there is none.
  func decision(at position: UInt64) async throws -> RecordedDecision?
  /// The files of the policies that were in force at `position`, as the event that put them in force keeps them; nil where
  /// it does not keep them all, or there is none.
  func policyFiles(inForceAt position: UInt64) async throws -> [PolicyFile]?
  /// The export of the ledger as the last checkpoint has it; nil for an empty ledger.
  func export() async throws -> LedgerExportPieces?
}

/// An export in `LedgerExport`'s form, piece by piece: the ledger only grows, so that nothing is held between two pieces
/// and a slow reader is in nobody's way.
public struct LedgerExportPieces: Sendable {
  private let pieces: UInt64
  private let read: @Sendable (UInt64) async throws -> [UInt8]

  public init(count: UInt64, _ read: @escaping @Sendable (UInt64) async throws -> [UInt8]) {
    pieces = count
    self.read = read
  }

  /// Whole lines; nil past the last.
  public func piece(_ index: UInt64) async throws -> [UInt8]? { index < pieces ? try await read(index) : nil }
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
