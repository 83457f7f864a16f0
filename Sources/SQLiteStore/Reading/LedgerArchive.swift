public import Ledger
import MusterModel

/// A folder's ledger as it lies on disk, for whoever checks it: read only, one snapshot, without the folder's lock, so that
/// the service may go on. It believes nothing that it reads.
public final class LedgerArchive {
  private let db: Connection
  private let folder: DataFolder
  /// How many events are read at a time.
  private static let batch = 512

  public init(_ folder: DataFolder) throws(StoreError) {
    self.folder = folder
    db = try Connection(path: folder.database, .readOnly)
    _ = try Schema.checkedVersion(db, path: folder.database)
    try db.execute("BEGIN")
  }

  /// All that is laid before `LedgerVerification`: the checkpoint noted outside the database, too.
  public var records: LedgerRecords {
    get throws(StoreError) {
      var notes = try checkpoints()
      return LedgerRecords(
        event: events(), checkpoint: { notes.isEmpty ? nil : notes.removeFirst() },
        fullTile: { try self.hashes($0) }, openLeaf: { try self.openLeaf($0) }, tilesAreRequired: true)
    }
  }

  /// One event with its inclusion proof in the last checkpoint; nil past its end.
  public func proof(of position: UInt64, _ verifier: CheckpointVerifier) throws -> EventProof? {
    let stored = StoredTree(db: db)
    let tree = try stored.checked(verifier, noted: nil)
    guard position < tree.size, let note = try stored.note(), let event = try Snapshot(db: db).event(at: position)
    else {
      return nil
    }
    let proof = try TreeReader(tree: tree, fullTile: { try stored.fullTile($0) }).inclusionProof(
      of: position, in: tree.size)
    return EventProof(event: event, proof, in: try verifier.verify(note).get())
  }

  /// Writes the export, piece by piece.
  public func export(_ verifier: CheckpointVerifier, to write: ([UInt8]) throws -> Void) throws {
    guard let note = try StoredTree(db: db).note() else { throw StoreError.damaged("a ledger without a checkpoint") }
    let next = events(withAttachments: false)
    try LedgerExport.write(
      try verifier.verify(note).get(), verifier: verifier, event: { try next()?.bytes },
      tile: { try self.tile($0) }, to: write)
  }

  // MARK: - Streams

  /// Those that are there in the order of their sizes: a noted one is never newer than a stored one, unless something is gone.
  private func checkpoints() throws(StoreError) -> [String] {
    let stored = try StoredTree(db: db).note()
    let noted = try CheckpointNote.read(folder)
    let notes = [noted, stored].compactMap(\.self)
    return Set(notes).count == 1 ? [notes[0]] : notes.sorted { size(of: $0) < size(of: $1) }
  }

  private func size(of note: String) -> UInt64 {
    let lines = note.split(separator: "\n", maxSplits: 2)
    return lines.count > 1 ? UInt64(lines[1]) ?? 0 : 0
  }

  private func events(withAttachments: Bool = true) -> () throws -> StoredEvent? {
    var waiting: [StoredEvent] = []
    var after: Int64 = -1
    return { [db] in
      if waiting.isEmpty {
        waiting = try db.all(
          "SELECT position, bytes FROM event WHERE position > ? ORDER BY position LIMIT ?", after, LedgerArchive.batch
        ) { (row) throws(StoreError) in
          StoredEvent(position: try row.position(0), bytes: row.bytes(1))
        }.reversed()
        if let last = waiting.first { after = Int64(clamping: last.position) }
      }
      guard let event = waiting.popLast() else { return nil }
      guard withAttachments else { return event }
      return StoredEvent(
        position: event.position, bytes: event.bytes, attachments: try self.attachments(of: event.position))
    }
  }

  private func attachments(of position: UInt64) throws(StoreError) -> [StoredAttachment] {
    let open = try db.all(
      "SELECT digest, bytes FROM attachment WHERE position = ?", position
    ) { (row) throws(StoreError) in
      StoredAttachment(named: try row.digest(0), content: .sha256(row.bytes(1)))
    }
    let hidden = try db.first(
      "SELECT bytes FROM private_attachment WHERE position = ?", position
    ) { (row) throws(StoreError) in Digest.sha256(row.bytes(0)) }
    return open + [hidden].compactMap(\.self).map { StoredAttachment(named: $0, content: $0) }
  }

  private func hashes(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? {
    try db.first(
      "SELECT hashes FROM tile WHERE level = ? AND number = ?", coordinate.level, coordinate.index
    ) { (row) throws(StoreError) in row.bytes(0) }
  }

  private func openLeaf(_ position: UInt64) throws(StoreError) -> Digest? {
    try db.first("SELECT hash FROM open_leaf WHERE position = ?", position) { (row) throws(StoreError) in
      try row.digest(0)
    }
  }

  /// A level-0 tile as it is stored: full, or of the leaves that no full tile holds yet.
  private func tile(_ coordinate: TileCoordinate) throws -> Tile? {
    if coordinate.isFull { return try hashes(coordinate).flatMap { Tile(coordinate, bytes: $0) } }
    let first = coordinate.index * UInt64(TileCoordinate.fullWidth)
    let leaves = try (0..<UInt64(coordinate.width)).compactMap { try openLeaf(first + $0) }
    return leaves.count == coordinate.width ? Tile(coordinate, bytes: leaves.flatMap(\.bytes)) : nil
  }
}
