public import Enrollment
import Ledger
public import MusterModel
import Synchronization

/// The ledger's head as of the last commit: what proofs are made for. Set before the commit is answered.
final class PublishedHead: Sendable {
  private let state: Mutex<(tree: MerkleTree, note: String?)>

  init(_ tree: MerkleTree, note: String?) { state = Mutex((tree, note)) }

  func publish(_ tree: MerkleTree, note: String?) { state.withLock { $0 = (tree, note) } }

  var current: (tree: MerkleTree, note: String?) { state.withLock { $0 } }
}

extension FolderStore: LedgerReader {
  public func checkpoint() async throws -> String? { head.current.note }

  public func event(at position: UInt64) async throws -> [UInt8]? {
    try await read { try $0.event(at: position) }
  }

  public func tile(level: Int, index: UInt64, width: Int) async throws -> [Digest]? {
    guard let asked = TileCoordinate(level: level, index: index, width: width),
      let full = TileCoordinate(level: level, index: index)
    else { return nil }
    let open = head.current.tree.openTiles.first { $0.coordinate.level == level && $0.coordinate.index == index }
    let hashes: [Digest]? =
      if let open { open.hashes } else { try await read { try StoredTree(db: $0.db).storedTile(full)?.hashes } }
    guard let hashes, hashes.count >= asked.width else { return nil }
    return Array(hashes.prefix(asked.width))
  }

  /// Tiles never change once they are full: those of the last commit's tree are in any snapshot taken after it.
  public func inclusionProof(of position: UInt64) async throws -> LedgerProof? {
    let (tree, note) = head.current
    guard position < tree.size, let note else { return nil }
    return try await read { snapshot in
      guard let event = try snapshot.event(at: position) else { throw StoreError.damaged("no event at \(position)") }
      let stored = StoredTree(db: snapshot.db)
      let proof = try TreeReader(tree: tree, fullTile: { try stored.fullTile($0) })
        .inclusionProof(of: position, in: tree.size)
      return LedgerProof(
        position: position, size: tree.size, event: String(decoding: event, as: UTF8.self), path: proof.path,
        checkpoint: note)
    }
  }
}

extension Snapshot {
  func event(at position: UInt64) throws(StoreError) -> [UInt8]? {
    try db.first("SELECT bytes FROM event WHERE position = ?", position) { (row) throws(StoreError) in row.bytes(0) }
  }
}
