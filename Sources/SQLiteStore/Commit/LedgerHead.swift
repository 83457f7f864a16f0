import Ledger
import MusterModel

/// The ledger's tree in memory, and its signer. A value: a group works on a copy, which is kept once the commit is on
/// disk.
struct LedgerHead {
  private(set) var tree: MerkleTree
  let signer: CheckpointSigner
  /// Tiles that became full and are not written yet.
  private var full: [Tile] = []

  init(tree: MerkleTree, signer: CheckpointSigner) {
    self.tree = tree
    self.signer = signer
  }

  var size: UInt64 { tree.size }

  mutating func append(_ leaves: [Digest]) {
    for leaf in leaves { full += tree.append(leaf) }
  }

  /// Writes the tiles that became full and a signed checkpoint; returns the checkpoint's note.
  mutating func write(to db: Connection) throws(StoreError) -> String {
    for tile in full {
      try db.run(
        "INSERT INTO tile(level, number, hashes) VALUES (?, ?, ?)", tile.coordinate.level, tile.coordinate.index,
        tile.bytes)
    }
    full = []
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
}
