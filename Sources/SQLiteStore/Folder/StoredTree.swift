import Ledger
import MusterModel

/// The ledger's tree as the database holds it: full tiles, and the events of the open right edge.
struct StoredTree {
  let db: Connection

  /// The tree of all events that are stored, rebuilt from at most 255 events and 255 tiles of each level: a start takes no
  /// longer for a ledger of any size. Throws `damaged` where one of those is missing; what lies further back is
  /// for `LedgerVerification`.
  func tree() throws(StoreError) -> MerkleTree {
    let size = try db.number("SELECT max(position) + 1 FROM event")
    do {
      return try MerkleTree(size: UInt64(size), fullTile: fullTile, leaves: leaves)
    } catch {
      throw error as? StoreError ?? .damaged("\(error)")
    }
  }

  func fullTile(_ coordinate: TileCoordinate) throws(StoreError) -> [Digest] {
    guard let tile = try storedTile(coordinate) else { throw .damaged("no \(coordinate.path)") }
    return tile.hashes
  }

  /// nil where the tile is not full yet.
  func storedTile(_ coordinate: TileCoordinate) throws(StoreError) -> Tile? {
    let bytes = try db.first(
      "SELECT hashes FROM tile WHERE level = ? AND number = ?", coordinate.level, coordinate.index
    ) { (row) throws(StoreError) in row.bytes(0) }
    guard let bytes else { return nil }
    guard let tile = Tile(coordinate, bytes: bytes) else { throw .damaged("no whole \(coordinate.path)") }
    return tile
  }

  /// The hashes of the open leaves from a tile's start on, `count` of them; fewer where one is missing.
  func openLeaves(from start: UInt64, count: Int) throws(StoreError) -> [UInt8] {
    var hashes: [UInt8] = []
    try db.each("SELECT position, hashes FROM open_leaf WHERE position >= ? ORDER BY position", start) {
      (row) throws(StoreError) in
      let follows = try row.position(0) == start + UInt64(hashes.count / Digest.byteCount)
      if follows { hashes += row.bytes(1) }
    }
    return Array(hashes.prefix(count * Digest.byteCount))
  }

  private func leaves(_ range: Range<UInt64>) throws(StoreError) -> [Digest] {
    try db.all(
      "SELECT bytes FROM event WHERE position >= ? AND position < ? ORDER BY position", range.lowerBound,
      range.upperBound
    ) { (row) throws(StoreError) in MerkleHash.leaf(row.bytes(0)) }
  }

  /// The checkpoint of the last commit.
  func note() throws(StoreError) -> String? {
    try db.first("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1") { (row) throws(StoreError) in
      String(decoding: row.bytes(0), as: UTF8.self)
    }
  }
}

extension StoredTree {
  /// The tree, once it agrees with the checkpoint of its last commit and continues the one noted outside the database.
  func checked(_ verifier: CheckpointVerifier, noted: String?) throws(StoreError) -> MerkleTree {
    let tree = try tree()
    if tree.size > 0 {
      guard let note = try note(), let checkpoint = try? verifier.verify(note).get() else {
        throw .damaged("no checkpoint of this ledger's key beside \(tree.size) events")
      }
      guard checkpoint.size == tree.size, checkpoint.root == tree.root else {
        throw .damaged("events that are not those of their checkpoint at \(checkpoint.size)")
      }
    }
    if let noted { try check(tree, against: noted, verifier) }
    return tree
  }

  private func check(_ tree: MerkleTree, against note: String, _ verifier: CheckpointVerifier) throws(StoreError) {
    let noted: VerifiedCheckpoint
    switch verifier.verify(note) {
    case .success(let checkpoint): noted = checkpoint
    case .failure(let refusal): throw .damaged("a noted checkpoint that is not this ledger's: \(refusal)")
    }
    guard noted.size <= tree.size else { throw .shorterThanNoted(size: tree.size, noted: noted.size) }
    let root: Digest
    do {
      root = try TreeReader(tree: tree, fullTile: fullTile).root(at: noted.size)
    } catch {
      throw error as? StoreError ?? .damaged("\(error)")
    }
    guard root == noted.root else { throw .otherThanNoted(size: noted.size) }
  }
}
