import Foundation
import GRDBSQLite
import Ledger
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// What a commit answers when the disk does not do its part.
@Suite struct FailureTests {
  /// The committer's side of a store, without its thread.
  private struct Bench {
    let test: TestFolder
    let db: Connection
    let writer: GroupWriter

    init() throws {
      test = try TestFolder()
      db = try Connection(path: test.folder.database, .readWrite)
      try Schema.migrate(db, path: test.folder.database)
      try db.becomeDurable()
      writer = GroupWriter(
        db, head: LedgerHead(tree: MerkleTree(), signer: test.signer), published: PublishedHead(MerkleTree(), note: nil)
      )
    }

    func groups(_ numbers: Range<Int>, attachment bytes: Int = 0) throws -> [PreparedUnit] {
      try numbers.map { number in
        var unit = try Units.group(Units.name("group-\(number)"))
        if bytes > 0 {
          let attachment = Attachment([UInt8](repeating: 7, count: bytes))
          unit.events.append(try Units.event(ServiceStarted(version: "1"), attachments: [attachment]))
        }
        return PreparedUnit(unit)
      }
    }
  }

  @Test func `a full disk fails its whole group, and the next stands where it would have stood`() throws {
    let bench = try Bench()
    let first = try bench.writer.commit(bench.groups(0..<2))
    #expect(try first.map { try $0.get() } == [0, 1].map { .committed(LedgerPosition(first: $0, count: 1)) })
    let pages = try bench.db.number("PRAGMA page_count")
    try bench.db.pragma("max_page_count = \(pages + 4)")
    let failure = #expect(throws: GroupWriter.Failure.self) {
      try bench.writer.commit(bench.groups(2..<5, attachment: 64 << 10))
    }
    guard case .rolledBack(.database(let code, _)) = failure else {
      Issue.record("expected the group rolled back, found \(String(describing: failure))")
      return
    }
    #expect(code & 0xff == SQLITE_FULL && !bench.db.isInTransaction)
    try bench.db.pragma("max_page_count = 1000000")
    let next = try bench.writer.commit(bench.groups(5..<6))
    #expect(try next[0].get() == .committed(LedgerPosition(first: 2, count: 1)))
    let tree = try StoredTree(db: bench.db).checked(bench.test.signer.verifier, noted: nil)
    #expect(tree.size == 3)
  }

  @Test func `after a commit of unknown outcome everything is refused, and nothing that was written is answered`()
    async throws
  {
    let bench = try Bench()
    _ = try bench.writer.commit(bench.groups(0..<1))
    let units = try bench.groups(1..<3)
    // SQLite asks the hook last of all before it writes the commit: what it refuses stands for any error of that step.
    sqlite3_commit_hook(bench.db.handle, { _ in 1 }, nil)
    let failure = #expect(throws: GroupWriter.Failure.self) { try bench.writer.commit(units) }
    guard case .uncertain = failure else {
      Issue.record("expected an uncertain outcome, found \(String(describing: failure))")
      return
    }
    sqlite3_commit_hook(bench.db.handle, nil, nil)
    #expect(try StoredTree(db: bench.db).checked(bench.test.signer.verifier, noted: nil).size == 1)
  }

  @Test func `a committer that met an unknown outcome stops for good`() async throws {
    let test = try TestFolder()
    let lock = try FolderLock(test.folder)
    let writer = try test.writer { sqlite3_commit_hook($0.handle, { _ in 1 }, nil) }
    let carrier = try LogCarrier(path: test.folder.database)
    let committer = Committer(writer, folder: test.folder, lock: lock, carrier: carrier)
    let units = [PreparedUnit(try Units.group(Units.name("a"))), PreparedUnit(try Units.group(Units.name("b")))]
    for (round, expected) in [StoreError.conflict("constraint failed"), .stopped, .stopped].enumerated() {
      let outcomes = await withCheckedContinuation { continuation in
        committer.submit(units) { continuation.resume(returning: $0) }
      }
      #expect(outcomes == [.failure(expected), .failure(expected)], "round \(round)")
    }
    await carrier.close()
    await committer.close()
  }

  @Test func `a connection that is less than durable is refused`() throws {
    let test = try TestFolder()
    let db = try Connection(path: test.folder.database, .readWrite)
    try db.becomeDurable()
    try db.pragma("synchronous = NORMAL")
    #expect(throws: StoreError.notDurable("synchronous 1")) { try db.assertDurable() }
    try db.pragma("synchronous = FULL")
    try db.pragma("secure_delete = OFF")
    #expect(throws: StoreError.notDurable("secure_delete 0")) { try db.assertDurable() }
    #expect(throws: StoreError.notDurable("journal_mode delete")) {
      try Connection(path: "", .readWrite).becomeDurable()
    }
  }

  @Test func `the database is its owner's alone`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    for path in [test.folder.database, test.folder.database + "-wal", test.folder.lock] {
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(mode == 0o600, "\(path)")
    }
    await test.close(store)
  }
}
