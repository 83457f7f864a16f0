import Ledger
import MusterModel

/// The ledger's tree in memory, and its signer. A value: a group works on a copy, which is kept once the commit is on
/// disk.
struct LedgerHead {
  private(set) var tree: MerkleTree
  let signer: CheckpointSigner
  /// The size that was last written, and the tiles that became full since.
  private var written: UInt64
  private var full: [Tile] = []

  init(tree: MerkleTree, signer: CheckpointSigner) {
    self.tree = tree
    self.signer = signer
    written = tree.size
  }

  var size: UInt64 { tree.size }

  mutating func append(_ leaves: [Digest]) {
    for leaf in leaves { full += tree.append(leaf) }
  }

  /// Writes the hashes that came and a signed checkpoint; returns the checkpoint's note.
  mutating func write(to db: Connection) throws(StoreError) -> String {
    for tile in full {
      try db.run(
        "INSERT INTO tile(level, number, hashes) VALUES (?, ?, ?)", tile.coordinate.level, tile.coordinate.index,
        tile.bytes)
    }
    try writeOpenLeaves(to: db)
    full = []
    written = tree.size
    let note: String
    do {
      note = try signer.sign(tree).note
    } catch {
      throw .damaged("a ledger key that does not sign: \(error)")
    }
    try db.run("INSERT INTO checkpoint(size, note) VALUES (?, ?)", tree.size, Array(note.utf8))
    return note
  }

  private func writeOpenLeaves(to db: Connection) throws(StoreError) {
    let width = UInt64(TileCoordinate.fullWidth)
    let start = tree.size / width * width
    if start > written { try db.run("DELETE FROM open_leaf") }
    guard let open = tree.openTiles.first, open.coordinate.level == 0 else { return }
    let first = max(start, written)
    try db.run(
      "INSERT INTO open_leaf(position, hashes) VALUES (?, ?)", first,
      open.hashes[Int(first - start)...].flatMap(\.bytes))
  }
}
