import Ledger
import MusterModel

/// The ledger's tree in memory, and its signer. A value: a group works on a copy, which is kept once the commit is on
/// disk.
struct LedgerHead {
  private(set) var tree: MerkleTree
  let signer: CheckpointSigner
  /// Tiles that became full, and leaves that came, and are not written yet.
  private var full: [Tile] = []
  private var leaves: [(position: UInt64, hash: Digest)] = []

  init(tree: MerkleTree, signer: CheckpointSigner) {
    self.tree = tree
    self.signer = signer
  }

  var size: UInt64 { tree.size }

  mutating func append(_ leaves: [Digest]) {
    for leaf in leaves {
      self.leaves.append((tree.size, leaf))
      full += tree.append(leaf)
    }
  }

  /// Writes the tiles that became full, the leaves of the open one, and a signed checkpoint; returns its note.
  mutating func write(to db: Connection) throws(StoreError) -> String {
    try writeHashes(to: db)
    let note: String
    do {
      note = try signer.sign(tree).note
    } catch {
      throw .damaged("a ledger key that does not sign: \(error)")
    }
    try db.run(
      """
      INSERT INTO checkpoint(id, size, note) VALUES (1, ?, ?)
      ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note
      """, tree.size, Array(note.utf8))
    return note
  }

  private mutating func writeHashes(to db: Connection) throws(StoreError) {
    for tile in full {
      try db.run(
        "INSERT INTO tile(level, number, hashes) VALUES (?, ?, ?)", tile.coordinate.level, tile.coordinate.index,
        tile.bytes)
    }
    let open = tree.size - tree.size % UInt64(TileCoordinate.fullWidth)
    if full.contains(where: { $0.coordinate.level == 0 }) {
      try db.run("DELETE FROM open_leaf WHERE position < ?", open)
    }
    for leaf in leaves where leaf.position >= open {
      try db.run("INSERT INTO open_leaf(position, hash) VALUES (?, ?)", leaf.position, leaf.hash)
    }
    full = []
    leaves = []
  }
}
