import CertificateAuthority
import DeviceRegistry
public import Enrollment
public import Ledger
public import MusterModel
public import Policy
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

  public func proofTiles(_ stretch: ClosedRange<UInt64>) async throws -> ProofTiles? {
    let (tree, note) = head.current
    guard stretch.upperBound < tree.size, let note else { return nil }
    return try await read { snapshot in
      let stored = StoredTree(db: snapshot.db)
      return try ProofTiles(stretch, of: tree, note: note) { try stored.fullTile($0) }
    }
  }
}

extension Snapshot {
  func event(at position: UInt64) throws(StoreError) -> [UInt8]? {
    try db.first("SELECT bytes FROM event WHERE position = ?", position) { (row) throws(StoreError) in row.bytes(0) }
  }
}

// MARK: - Decisions and exports

extension FolderStore {
  public func decision(at position: UInt64) async throws -> RecordedDecision? {
    try await read { snapshot in
      guard let bytes = try snapshot.event(at: position), let event = try snapshot.recorded(at: position) else {
        return nil
      }
      let made: (code: String?, reason: String?, decision: String?)
      switch (event.body, event.details) {
      case (let body as RequestRefused, let details as RequestRefused.Details?):
        made = (body.code, details?.reason, details?.decision)
      case (is any EnrollmentBody, let details as DeviceEnrolled.Details?): made = (nil, nil, details?.decision)
      case (is CertificateIssued, let details as CertificateIssued.Details?): made = (nil, nil, details?.decision)
      default: return nil
      }
      return RecordedDecision(
        position: position, at: event.origin.at, kind: event.kind, by: event.origin.by.description,
        policy: try EventEnvelope(bytes).policy, code: made.code, reason: made.reason, decision: made.decision)
    }
  }

  public func policyFiles(inForceAt position: UInt64) async throws -> [PolicyFile]? {
    try await read { try $0.policyFiles(inForceAt: position) }
  }

  public func export() async throws -> LedgerExportPieces? {
    let (tree, note) = head.current
    guard let note else { return nil }
    let (size, key, width) = (tree.size, verifier.key, UInt64(TileCoordinate.fullWidth))
    return LedgerExportPieces(count: 1 + (size + width - 1) / width) { [self] index in
      guard index > 0 else { return try LedgerExport.header(note: note, key: key) }
      return try await read { try $0.exported(tile: index - 1, ofLedger: size) }
    }
  }
}

extension Snapshot {
  /// The policies that decide an event were put in force before it.
  fileprivate func policyFiles(inForceAt position: UInt64) throws(StoreError) -> [PolicyFile]? {
    let activated = try db.first(
      "SELECT max(position) FROM concern WHERE record = ? AND changes = 1 AND position < ?", Aggregate.policies,
      position
    ) { (row) throws(StoreError) in row.isNull(0) ? nil : try row.position(0) }
    guard let activated = activated ?? nil, let body = try recorded(at: activated)?.body as? PoliciesActivated else {
      return nil
    }
    let kept = try db.all(
      "SELECT digest, bytes FROM attachment WHERE id BETWEEN ?1 * 1024 AND ?1 * 1024 + 1023", activated
    ) { (row) throws(StoreError) in (digest: try row.digest(0), bytes: row.bytes(1)) }
    var files: [PolicyFile] = []
    for file in body.files where file.name.hasPrefix("policies/") {
      guard let bytes = kept.first(where: { $0.digest == file.digest })?.bytes else { return nil }
      files.append(PolicyFile(name: String(file.name.dropFirst("policies/".count)), bytes: bytes))
    }
    return files
  }

  /// The tile's line and those of its events, of the ledger's first `size`.
  fileprivate func exported(tile index: UInt64, ofLedger size: UInt64) throws -> [UInt8] {
    let first = index * UInt64(TileCoordinate.fullWidth)
    let last = min(size, first + UInt64(TileCoordinate.fullWidth))
    let events = try db.all(
      "SELECT bytes FROM event WHERE position >= ? AND position < ? ORDER BY position", first, last
    ) { (row) throws(StoreError) in row.bytes(0) }
    guard events.count == Int(last - first) else { throw StoreError.damaged("a gap in the events from \(first) on") }
    var lines: [UInt8] = []
    if let tile = try leafTile(index, width: events.count) { lines += try LedgerExport.line(of: tile) }
    for event in events { lines += event + [UInt8(ascii: "\n")] }
    return lines
  }

  /// The leaf hashes as they are stored, the first `width` of them; they may have become a full tile meanwhile.
  private func leafTile(_ index: UInt64, width: Int) throws(StoreError) -> Tile? {
    guard let coordinate = TileCoordinate(level: 0, index: index, width: width),
      let full = TileCoordinate(level: 0, index: index)
    else { return nil }
    if let stored = try StoredTree(db: db).storedTile(full) {
      return Tile(coordinate, bytes: Array(stored.hashes.prefix(width).flatMap(\.bytes)))
    }
    let start = index * UInt64(TileCoordinate.fullWidth)
    return Tile(coordinate, bytes: try StoredTree(db: db).openLeaves(from: start, count: width))
  }
}
