public import MusterModel

/// What proves the events of a stretch of the ledger: a checkpoint, the full tiles that their paths run through, and the
/// open ones. Who has the events makes the proofs from it, many from one: the service hashes nothing for them.
/// It tells hashes and the ledger's size, and nothing else.
public struct ProofTiles: Sendable {
  /// The widest stretch that is asked for at once, in positions.
  public static let widest: UInt64 = 8192

  /// The signed note.
  public let checkpoint: String
  private let tiles: [TileCoordinate: [Digest]]

  /// For the positions `stretch` of `tree`, whose checkpoint `note` is.
  public init(
    _ stretch: ClosedRange<UInt64>, of tree: MerkleTree, note: String,
    fullTile: (TileCoordinate) throws -> [Digest]
  ) throws {
    checkpoint = note
    var tiles: [TileCoordinate: [Digest]] = [:]
    for tile in tree.openTiles { tiles[tile.coordinate] = tile.hashes }
    for level in 0...TileCoordinate.highestLevel where tree.fullTiles(level) > 0 {
      let height = UInt64(TileCoordinate.height * (level + 1))
      for index in stretch.lowerBound >> height...stretch.upperBound >> height where index < tree.fullTiles(level) {
        let coordinate = TileCoordinate(level, index, TileCoordinate.fullWidth)
        tiles[coordinate] = try fullTile(coordinate)
      }
    }
    self.tiles = tiles
  }

  /// The events' proofs, in their order. Throws `LedgerError` where a tile is missing, the tiles are not those of the
  /// checkpoint, or it does not hold an event at its position. Whether the note's signature is good is for
  /// `EventProof.verify` to say, to whoever has the ledger's key.
  public func proofs(of events: [(position: UInt64, bytes: [UInt8])]) throws -> [EventProof] {
    let lines = checkpoint.split(separator: "\n", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
    let head = try Checkpoint(text: lines.map { $0 + "\n" }.joined())
    guard let tree = MerkleTree(size: head.size, open: { tiles[$0] }), tree.root == head.root else {
      throw ProofTiles.malformed("others")
    }
    let reader = TreeReader(tree: tree) { coordinate in
      guard let hashes = tiles[coordinate] else { throw ProofTiles.malformed("none at \(coordinate)") }
      return hashes
    }
    let proofs = try reader.inclusionProofs(of: events.map(\.position), in: head.size)
    return try zip(events, proofs).map { event, proof in
      guard MerkleHash.leaf(event.bytes) == proof.leaf, proof.verify(root: head.root) else {
        throw ProofTiles.malformed("another event at \(event.position)")
      }
      return EventProof(event: event.bytes, proof, note: checkpoint)
    }
  }

  private static func malformed(_ found: String) -> LedgerError {
    .malformed(what: "tiles", expected: "those of the checkpoint with the event in them", found: found)
  }
}

/// `{"checkpoint":"…","tiles":{"tile/0/000":"<base64 of the hashes>"}}`.
extension ProofTiles: Codable {
  private enum CodingKeys: String, CodingKey { case checkpoint, tiles }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(checkpoint, forKey: .checkpoint)
    let texts = tiles.map { ($0.path, Base64Line.encode(Tile($0, hashes: $1).bytes)) }
    try values.encode(Dictionary(uniqueKeysWithValues: texts), forKey: .tiles)
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    checkpoint = try values.decode(String.self, forKey: .checkpoint)
    var tiles: [TileCoordinate: [Digest]] = [:]
    for (path, text) in try values.decode([String: String].self, forKey: .tiles) {
      guard let coordinate = TileCoordinate(path: path), let bytes = Base64Line.decode(text),
        let tile = Tile(coordinate, bytes: bytes)
      else {
        throw DecodingError.dataCorruptedError(
          forKey: .tiles, in: values, debugDescription: "expected a tile's path and its hashes in base64")
      }
      tiles[coordinate] = tile.hashes
    }
    self.tiles = tiles
  }
}
