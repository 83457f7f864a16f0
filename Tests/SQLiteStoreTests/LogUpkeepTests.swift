import Foundation
import Ledger
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// How the write-ahead log is kept short beside the commits.
@Suite struct LogUpkeepTests {
  @Test func `a log is brought over twice: most beside the commits, the rest between them`() {
    var upkeep = LogUpkeep()
    let seen: [(pages: Int, brought: Int?)] = [
      (1000, 0), (3999, 0), (4010, 0), (4100, nil), (4300, nil), (4320, 4010), (4340, 4010), (20, 4340), (3999, 4340),
      (4001, 4340), (4050, 4001),
    ]
    #expect(
      seen.map { upkeep.step(pages: $0.pages, brought: $0.brought) }
        == [.nothing, .nothing, .most, .nothing, .nothing, .rest, .nothing, .nothing, .nothing, .most, .rest])
  }

  @Test func `what came meanwhile and is not little is brought beside the commits too`() {
    var upkeep = LogUpkeep()
    let seen: [(pages: Int, brought: Int?)] = [(4000, 0), (6000, nil), (6500, 4000), (6900, nil), (6950, 6500)]
    #expect(
      seen.map { upkeep.step(pages: $0.pages, brought: $0.brought) } == [.most, .nothing, .most, .nothing, .rest])
  }

  @Test func `a log that a reader still needs is tried again only once it has grown`() {
    var upkeep = LogUpkeep()
    let seen: [(pages: Int, brought: Int?)] = [
      (4000, 0), (4010, 4000), (4020, 4010), (5009, 4010), (5010, 4010), (5020, 5010), (5030, 5020),
    ]
    #expect(
      seen.map { upkeep.step(pages: $0.pages, brought: $0.brought) }
        == [.most, .rest, .nothing, .nothing, .most, .rest, .nothing])
  }

  @Test func `a log that cannot be brought over is tried again once it has grown, from its limit on by the commits`() {
    var upkeep = LogUpkeep()
    let seen: [(pages: Int, brought: Int?)] = [
      (4000, 0), (4100, 0), (4200, 0), (5099, 0), (5100, 0), (5200, 0), (LogUpkeep.limit, 0), (LogUpkeep.limit + 10, 0),
      (LogUpkeep.limit + 20, 0),
    ]
    #expect(
      seen.map { upkeep.step(pages: $0.pages, brought: $0.brought) }
        == [.most, .nothing, .nothing, .nothing, .most, .nothing, .most, .rest, .nothing])
  }

  /// A database whose log is brought over by nobody but those who are asked to.
  private struct Database {
    let test: TestFolder
    let db: Connection
    let carrier: LogCarrier

    init() throws {
      test = try TestFolder()
      db = try Connection(path: test.folder.database, .readWrite)
      try db.becomeDurable()
      db.countLogPages()
      try db.execute("CREATE TABLE kept(id INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT")
      carrier = try LogCarrier(path: test.folder.database)
    }

    /// A commit of as many pages as rows, and a few.
    func fill(_ ids: Range<Int64>) throws {
      try db.execute("BEGIN IMMEDIATE")
      for id in ids { try db.run("INSERT INTO kept VALUES (?, ?)", id, [UInt8](repeating: 7, count: 3000)) }
      try db.execute("COMMIT")
    }

    func bring() throws -> Int? {
      carrier.bring()
      try carrier.settle()
      return try carrier.brought()
    }
  }

  @Test func `SQLite brings nothing over by itself, and the log begins anew once all of it was`() async throws {
    let database = try Database()
    try database.fill(0..<4500)
    let whole = database.db.logPages
    #expect(whole > 4500)
    try database.fill(4500..<4510)
    #expect(database.db.logPages > whole)
    #expect(try database.bring() == database.db.logPages)
    try database.fill(4510..<4520)
    #expect(database.db.logPages < 100)
    #expect(try database.db.number("SELECT count(*) FROM kept") == 4520)
    await database.carrier.close()
  }

  @Test func `what was committed while most was brought is the committer's to bring`() async throws {
    let database = try Database()
    try database.fill(0..<100)
    let seen = database.db.logPages
    // A reader that began here needs what is in the file and in the log now, and nothing that comes.
    let reader = try Connection(path: database.test.folder.database, .readOnly)
    try reader.execute("BEGIN")
    #expect(try reader.number("SELECT count(*) FROM kept") == 100)
    try database.fill(100..<200)
    #expect(try database.bring() == seen && seen < database.db.logPages)
    #expect(try database.db.bringLog() == seen)
    #expect(try reader.number("SELECT count(*) FROM kept") == 100)
    try reader.execute("COMMIT")
    #expect(try database.db.bringLog() == database.db.logPages)
    try database.fill(200..<201)
    #expect(database.db.logPages < 20)
    await database.carrier.close()
  }

  @Test func `a store whose commits never pause keeps its log short, and what is closed leaves none`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    let attachment = Attachment([UInt8](repeating: 7, count: 256 << 10))
    for round in 0..<400 {
      var unit = try Units.group(Units.name("group-\(round)"))
      unit.events.append(try Units.event(ServiceStarted(version: "1"), attachments: [attachment]))
      _ = try await store.commit(unit)
    }
    // 400 times 65 pages and more were written.
    let log = try FileManager.default.attributesOfItem(atPath: test.folder.database + "-wal")[.size] as? Int
    #expect(try #require(log) < 24_000 * 4096)
    await test.close(store)
    #expect(!FileManager.default.fileExists(atPath: test.folder.database + "-wal"))
  }

  @Test func `where the disk fails behind the commits they end, and the log keeps every one that was answered`()
    async throws
  {
    let test = try TestFolder()
    let lock = try FolderLock(test.folder)
    let writer = try test.writer { $0.countLogPages() }
    let healthy = try Self.descriptors(of: test.folder.database)
    let carrier = try LogCarrier(path: test.folder.database)
    for descriptor in try Self.descriptors(of: test.folder.database).subtracting(healthy) {
      // It refuses what is written, as a disk does that fails.
      let readOnly = open(test.folder.database, O_RDONLY | O_CLOEXEC)
      #expect(readOnly >= 0 && dup2(readOnly, descriptor) == descriptor)
      close(readOnly)
    }
    let committer = Committer(writer, folder: test.folder, lock: lock, carrier: carrier)
    let attachment = Attachment([UInt8](repeating: 7, count: 256 << 10))
    var committed = 0
    var end: StoreError?
    while end == nil, committed < 1000 {
      let event = try Units.event(ServiceStarted(version: "1"), attachments: [attachment])
      let outcome = await withCheckedContinuation { continuation in
        committer.submit([PreparedUnit(UnitOfWork(events: [event]))]) { continuation.resume(returning: $0[0]) }
      }
      if case .failure(let error) = outcome { end = error } else { committed += 1 }
    }
    #expect(end == .stopped && committer.outage == .stopped)
    // So many make a log that is to be brought.
    #expect((50..<1000).contains(committed))
    await carrier.close()
    await committer.close()
    // The committer's own connection could have written it over.
    #expect(FileManager.default.fileExists(atPath: test.folder.database + "-wal"))
    let db = try Connection(path: test.folder.database, .readOnly)
    #expect(try StoredTree(db: db).checked(test.signer.verifier, noted: nil).size == UInt64(committed))
    #expect(try db.first("PRAGMA integrity_check") { row in row.text(0) } == "ok")
  }

  /// By which this process may write the file.
  private static func descriptors(of path: String) throws -> Set<Int32> {
    Set(
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init).filter { descriptor in
        fcntl(descriptor, F_GETFL) & O_ACCMODE == O_RDWR
          && (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")) == path
      })
  }
}
