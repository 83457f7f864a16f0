import Crypto
import Foundation
import GRDB
import Ledger
import MusterModel
import MusterTesting

@testable import SQLiteStore

/// A data folder of one test, gone with it, and the ledger key of its instance.
final class TestFolder: Sendable {
  let folder: DataFolder
  let signer: CheckpointSigner

  init(signer: CheckpointSigner = TestFolder.newSigner()) throws {
    folder = DataFolder(FileManager.default.temporaryDirectory.path + "/muster-store-" + UUID().uuidString)
    self.signer = signer
    try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder.path) }

  static func newSigner() -> CheckpointSigner {
    guard let domain = TrustDomain("muster.test"),
      let origin = LedgerOrigin(trustDomain: domain, instance: "test", epoch: 0)
    else { preconditionFailure("a test's own origin") }
    return CheckpointSigner(origin: origin, key: .init())
  }

  func create() throws -> FolderStore {
    try FolderStore(folder, .create, signer: signer, clock: FixedClock(Units.time))
  }

  /// The committer's side of a store without events, and without its thread; `prepare` is called with its connection.
  func writer(_ prepare: (Connection) -> Void) throws -> sending GroupWriter {
    let db = try Connection(path: folder.database, .readWrite)
    try Schema.migrate(db, path: folder.database)
    try db.becomeDurable()
    prepare(db)
    return GroupWriter(
      db, head: LedgerHead(tree: MerkleTree(), signer: signer), published: PublishedHead(MerkleTree(), note: nil))
  }

  /// Closes a store of this folder, which lives until then.
  func close(_ store: FolderStore) async { await store.close() }

  func open() throws -> FolderStore { try FolderStore(folder, .existing, signer: signer) }

  /// The files of a store as they lie there at this moment, in a folder of their own.
  func copy(log length: Int? = nil, noted: Bool = true) throws -> TestFolder {
    let copy = try TestFolder(signer: signer)
    let files = FileManager.default
    try files.copyItem(atPath: folder.database, toPath: copy.folder.database)
    if let log = files.contents(atPath: folder.database + "-wal") {
      try log.prefix(length ?? log.count).write(to: URL(fileURLWithPath: copy.folder.database + "-wal"))
    }
    if noted, files.fileExists(atPath: folder.checkpoint) {
      try files.copyItem(atPath: folder.checkpoint, toPath: copy.folder.checkpoint)
    }
    return copy
  }

  /// What a file holds; nothing where there is none.
  func bytes(of path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? [] }

  /// The size of the write-ahead log in bytes.
  var logLength: Int { FileManager.default.contents(atPath: folder.database + "-wal")?.count ?? 0 }

  /// A change by hand, while no store has the folder.
  func tamper(_ sql: String) throws { try DatabaseQueue(path: folder.database).write { try $0.execute(sql: sql) } }

  func number(_ sql: String) throws -> Int64? {
    try DatabaseQueue(path: folder.database).read { try Int64.fetchOne($0, sql: sql) }
  }

  func texts(_ sql: String) throws -> [String] {
    try DatabaseQueue(path: folder.database).read { try String.fetchAll($0, sql: sql) }
  }
}
