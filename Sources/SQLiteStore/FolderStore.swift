import Foundation
public import HubAccess
public import Ledger
public import MusterModel

/// An instance's ledger, views and secrets in the SQLite database of its data folder. One process has it at a time.
public final class FolderStore: Store {
  private let committer: Committer
  private let carrier: LogCarrier
  private let reader: SnapshotReader
  let preparers: Preparers
  let head: PublishedHead
  let verifier: CheckpointVerifier
  let clock: any WallClock
  let verifierKey: String
  /// Wakes the hubs that wait for a commit.
  public let signal = HubSignal()

  public enum Opening: Sendable {
    /// `init`: the folder holds no database yet.
    case create
    /// The folder holds one.
    case existing
  }

  /// Takes the folder's lock, brings the schema up to date, and checks the ledger against its last checkpoint and the one
  /// noted outside the database. Throws `StoreError`; then nothing was changed but what a finished migration did.
  /// `clock` says which certificates are over.
  public init(
    _ folder: DataFolder, _ opening: Opening, signer: CheckpointSigner, clock: any WallClock = SystemClock()
  ) throws(StoreError) {
    let exists = FileManager.default.fileExists(atPath: folder.database)
    if opening == .create, exists { throw .alreadyThere(path: folder.path) }
    if opening == .existing, !exists { throw .folderUnusable(path: folder.path, why: "no muster.db") }
    let lock = try FolderLock(folder)
    if opening == .create { try folder.createDatabase() }
    let db = try FolderStore.connection(folder)
    let stored = StoredTree(db: db)
    let tree = try stored.checked(signer.verifier, noted: try CheckpointNote.read(folder))
    verifier = signer.verifier
    head = PublishedHead(tree, note: try stored.note())
    self.clock = clock
    verifierKey = signer.verifier.key
    reader = try SnapshotReader(path: folder.database, threads: 2)
    preparers = try Preparers(path: folder.database, threads: 2, clock: clock)
    let writer = GroupWriter(db, head: LedgerHead(tree: tree, signer: signer), published: head, signal: signal)
    carrier = try LogCarrier(path: folder.database)
    committer = Committer(writer, folder: folder, lock: lock, carrier: carrier)
  }

  private static func connection(_ folder: DataFolder) throws(StoreError) -> sending Connection {
    let db = try Connection(path: folder.database, .readWrite, cacheKiB: 49_152)
    try Schema.migrate(db, path: folder.database)
    try db.becomeDurable()
    db.countLogPages()
    try db.refuseUnknownKinds(.muster)
    _ = try db.digestProgress()
    return db
  }

  public func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    let unit = PreparedUnit(unit)
    return try await withCheckedContinuation { continuation in
      committer.submit([unit]) { continuation.resume(returning: $0[0]) }
    }.get()
  }

  /// Commits many units, each alone, in their order: the outcome of one says nothing of the others.
  public func commit(_ units: [UnitOfWork]) async -> [Result<CommitOutcome, StoreError>] {
    await withCheckedContinuation { continuation in
      committer.submit(units.map { PreparedUnit($0) }) { continuation.resume(returning: $0) }
    }
  }

  /// What can be computed ahead is computed on the caller's thread; `answer` is called on the committer's.
  public func submit(
    _ units: [UnitOfWork], answer: @escaping @Sendable ([Result<CommitOutcome, any Error>]) -> Void
  ) {
    committer.submit(units.map { PreparedUnit($0) }) { outcomes in answer(outcomes.map { $0.mapError { $0 } }) }
  }

  func clear(_ clearing: Clearing) async throws {
    let unit = PreparedUnit(UnitOfWork(events: []), clearing: clearing)
    _ = try await withCheckedContinuation { continuation in
      committer.submit([unit]) { continuation.resume(returning: $0[0]) }
    }.get()
  }

  /// Why nothing is committed now; nil where the last commit went well.
  public var outage: StoreOutage? { committer.outage }

  /// Runs `body` on one snapshot, which holds every commit that was answered before this call. `body` runs on a reader's
  /// thread, with others waiting: it reads and nothing else.
  public func read<Value: Sendable>(_ body: @escaping @Sendable (Snapshot) throws -> Value) async throws -> Value {
    try await reader.read(body)
  }

  /// Commits and answers what waits, and lets go of the folder.
  public func close() async {
    await preparers.close()
    await reader.close()
    // The last to let go of the database has the folder's lock.
    await carrier.close()
    await committer.close()
  }
}

extension Connection {
  /// Sets what a durable answer rests on, and asks SQLite whether it is so.
  func becomeDurable() throws(StoreError) {
    for setting in [
      "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "wal_autocheckpoint = 4000",
    ] { try pragma(setting) }
    try assertDurable()
  }

  func assertDurable() throws(StoreError) {
    let journal = try first("PRAGMA journal_mode") { (row) throws(StoreError) in row.text(0) } ?? "none"
    guard journal == "wal" else { throw .notDurable("journal_mode \(journal)") }
    let synchronous = try number("PRAGMA synchronous")
    guard synchronous == 2 else { throw .notDurable("synchronous \(synchronous)") }
    let deletion = try number("PRAGMA secure_delete")
    guard deletion == 1 else { throw .notDurable("secure_delete \(deletion)") }
  }

  /// The meaning of a kind that is not known here may forbid what the views seem to allow.
  func refuseUnknownKinds(_ catalog: EventCatalog) throws(StoreError) {
    let kinds = try all("SELECT name FROM event_kind ORDER BY name") { (row) throws(StoreError) in row.text(0) }
    let unknown = kinds.filter { !catalog.names.contains($0) }
    guard unknown.isEmpty else { throw .unknownKinds(unknown) }
  }
}
