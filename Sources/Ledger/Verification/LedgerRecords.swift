public import MusterModel

/// An event as it lies in a store.
public struct StoredEvent: Sendable {
  public let position: UInt64
  public let bytes: [UInt8]
  /// Those that the store lists for the event, also where their bytes are gone; nil where attachments are not checked.
  public let attachments: [StoredAttachment]?

  public init(position: UInt64, bytes: [UInt8], attachments: [StoredAttachment]? = nil) {
    self.position = position
    self.bytes = bytes
    self.attachments = attachments
  }
}

/// An attachment as it lies in a store.
public struct StoredAttachment: Hashable, Sendable {
  /// The digest that it is stored under.
  public let named: Digest
  /// SHA-256 of the bytes that lie there; nil where there are none.
  public let content: Digest?

  public init(named: Digest, content: Digest?) {
    self.named = named
    self.content = content
  }
}

/// All that is laid before the check of a ledger, each read as a stream or by its place, so that no size is too big.
/// The closures may throw; the check passes on what they throw.
public struct LedgerRecords {
  /// The next event in the order of positions; nil at the end.
  public var event: () throws -> StoredEvent?
  /// The next signed note in the order of sizes; nil at the end.
  public var checkpoint: () throws -> String?
  /// The bytes of a full tile as stored; nil where there is none. Asked for in ascending order within a level.
  public var fullTile: (TileCoordinate) throws -> [UInt8]?
  /// The stored leaf hash at a position that no full level-0 tile covers; nil where it is not stored. Kept apart from
  /// the event's own row, it also tells what happened to the last events.
  public var openLeaf: (UInt64) throws -> Digest?
  /// Whether a full tile that is not there is a finding: of a store, not of an export.
  public var tilesAreRequired: Bool

  public init(
    event: @escaping () throws -> StoredEvent?, checkpoint: @escaping () throws -> String?,
    fullTile: @escaping (TileCoordinate) throws -> [UInt8]? = { _ in nil },
    openLeaf: @escaping (UInt64) throws -> Digest? = { _ in nil }, tilesAreRequired: Bool
  ) {
    self.event = event
    self.checkpoint = checkpoint
    self.fullTile = fullTile
    self.openLeaf = openLeaf
    self.tilesAreRequired = tilesAreRequired
  }
}
