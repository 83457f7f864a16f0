import Foundation
public import Ledger
import MusterModel

/// A folder's ledger as those read it who check, prove and export it: one snapshot, without the folder's lock, so that
/// the service may go on. For one thread at a time.
public final class LedgerArchive {
  private let db: Connection
  private let stored: StoredTree
  private let noted: String?

  /// Throws `StoreError` where there is no database of Muster, or a newer one.
  public init(_ folder: DataFolder) throws(StoreError) {
    // Before the snapshot begins, so that a note is never newer than what it is held against.
    noted = try CheckpointNote.read(folder)
    db = try Connection(path: folder.database, .readOnly)
    stored = StoredTree(db: db)
    guard try Schema.checkedVersion(db, path: folder.database) == Schema.version else {
      throw .folderUnusable(path: folder.path, why: "a database of an older schema, which serving it migrates")
    }
    try db.execute("BEGIN")
  }

  /// All that `LedgerVerification` reads: each call reads the ledger from its beginning.
  public var records: LedgerRecords {
    get throws(StoreError) {
      let events = try ArchivedEvents(db)
      let checkpoints = try ArchivedCheckpoints(db, noted: noted)
      return LedgerRecords(
        event: { try events.next() },
        checkpoint: { try checkpoints.next() },
        fullTile: { [stored] in try stored.tileBytes($0) }, openLeaf: { [stored] in try stored.openLeaf($0) },
        tilesAreRequired: true)
    }
  }

  /// An event with what proves it offline; nil past the end. Throws `StoreError` where the ledger does not agree with its
  /// last checkpoint.
  public func proof(of position: UInt64, _ verifier: CheckpointVerifier) throws -> EventProof? {
    let tree = try stored.checked(verifier, noted: nil)
    guard position < tree.size, let event = try Snapshot(db: db).event(at: position) else { return nil }
    let proof = try TreeReader(tree: tree, fullTile: { [stored] in try stored.fullTile($0) })
      .inclusionProof(of: position, in: tree.size)
    return EventProof(event: event, proof, in: try checkpoint(verifier))
  }

  /// Writes the ledger in `LedgerExport`'s form, piece by piece, as it is stored.
  public func export(_ verifier: CheckpointVerifier, to write: ([UInt8]) throws -> Void) throws {
    let events = try db.cursor("SELECT bytes FROM event ORDER BY position")
    try LedgerExport.write(
      try checkpoint(verifier), verifier: verifier, event: { try events.next { row in row.bytes(0) } },
      tile: { [stored] in try stored.leafTile($0) }, to: write)
  }

  private func checkpoint(_ verifier: CheckpointVerifier) throws(StoreError) -> VerifiedCheckpoint {
    guard let note = try stored.note() else { throw .damaged("a ledger without a checkpoint") }
    do {
      return try verifier.verify(note).get()
    } catch {
      throw .damaged("a last checkpoint that is not this ledger's: \(error)")
    }
  }
}

/// Every group's checkpoint in the order of sizes, and among them the one that was noted outside the database.
private final class ArchivedCheckpoints {
  private let stored: Cursor
  private var noted: (size: UInt64, note: String)?
  private var following: (size: UInt64, note: String)?

  init(_ db: Connection, noted: String?) throws(StoreError) {
    stored = try db.cursor("SELECT size, note FROM checkpoint ORDER BY size")
    self.noted = noted.map { ((try? Checkpoint(text: $0.body))?.size ?? .max, $0) }
    try advance()
  }

  func next() throws(StoreError) -> String? {
    if let noted, noted.size < following?.size ?? .max || following == nil {
      self.noted = nil
      return noted.note
    }
    guard let next = following else { return nil }
    if noted?.note == next.note { noted = nil }
    try advance()
    return next.note
  }

  private func advance() throws(StoreError) {
    following = try stored.next { (row) throws(StoreError) in
      (size: try row.position(0), note: String(decoding: row.bytes(1), as: UTF8.self))
    }
  }
}

extension String {
  /// A note's text, which is before the empty line.
  fileprivate var body: String { components(separatedBy: "\n\n").first.map { $0 + "\n" } ?? self }
}

/// Events in their order, each with the digests of what hangs on it.
private final class ArchivedEvents {
  private let events: Cursor
  private let attachments: Cursor
  private var following: (position: UInt64, attachment: StoredAttachment)?

  init(_ db: Connection) throws(StoreError) {
    events = try db.cursor("SELECT position, bytes FROM event ORDER BY position")
    attachments = try db.cursor(
      """
      SELECT id / 1024 AS position, digest, bytes FROM attachment
      UNION ALL SELECT position, digest, bytes FROM private_attachment ORDER BY position
      """)
    try advance()
  }

  func next() throws(StoreError) -> StoredEvent? {
    let event = try events.next { (row) throws(StoreError) in (position: try row.position(0), bytes: row.bytes(1)) }
    guard let event else { return nil }
    var found: [StoredAttachment] = []
    while let next = following, next.position <= event.position {
      if next.position == event.position { found.append(next.attachment) }
      try advance()
    }
    return StoredEvent(position: event.position, bytes: event.bytes, attachments: found)
  }

  private func advance() throws(StoreError) {
    following = try attachments.next { (row) throws(StoreError) in
      (
        position: try row.position(0),
        attachment: StoredAttachment(named: try row.digest(1), content: .sha256(row.bytes(2)))
      )
    }
  }
}

extension StoredTree {
  /// A full tile's bytes as they lie there.
  fileprivate func tileBytes(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? {
    try db.first("SELECT hashes FROM tile WHERE level = ? AND number = ?", coordinate.level, coordinate.index) {
      (row) throws(StoreError) in row.bytes(0)
    }
  }

  fileprivate func openLeaf(_ position: UInt64) throws(StoreError) -> Digest? {
    let row = try db.first(
      "SELECT position, hashes FROM open_leaf WHERE position <= ? ORDER BY position DESC LIMIT 1", position
    ) { (row) throws(StoreError) in (first: try row.position(0), hashes: row.bytes(1)) }
    guard let row else { return nil }
    return Digest(bytes: row.hashes.dropFirst(Int(position - row.first) * Digest.byteCount).prefix(Digest.byteCount))
  }

  /// A tile of leaf hashes, full or open, as it is stored; nil where it is not whole.
  fileprivate func leafTile(_ coordinate: TileCoordinate) throws(StoreError) -> Tile? {
    if coordinate.isFull { return try tileBytes(coordinate).flatMap { Tile(coordinate, bytes: $0) } }
    let start = coordinate.index * UInt64(TileCoordinate.fullWidth)
    return Tile(coordinate, bytes: try openLeaves(from: start, count: coordinate.width))
  }
}
