import Foundation
import Ledger
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// How the write-ahead log is kept short beside the commits.
@Suite struct LogUpkeepTests {
  private typealias Step = LogUpkeep.Step

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

  @Test func `a log that cannot be brought over beside the commits is brought over by them`() {
    var upkeep = LogUpkeep()
    #expect(upkeep.step(pages: 4000, brought: 0) == .most)
    #expect(upkeep.step(pages: LogUpkeep.limit - 1, brought: 0) == .most)
    #expect(upkeep.step(pages: LogUpkeep.limit, brought: 0) == .rest)
    #expect(upkeep.step(pages: LogUpkeep.limit + 10, brought: 0) == .nothing)
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

    func bring() -> Int? {
      carrier.bring()
      carrier.settle()
      return carrier.brought
    }
  }

  @Test func `SQLite brings nothing over by itself, and the log begins anew once all of it was`() async throws {
    let database = try Database()
    try database.fill(0..<4500)
    let whole = database.db.logPages
    #expect(whole > 4500)
    try database.fill(4500..<4510)
    #expect(database.db.logPages > whole)
    #expect(database.bring() == database.db.logPages)
    try database.fill(4510..<4520)
    #expect(database.db.logPages < 100)
    #expect(try database.db.number("SELECT count(*) FROM kept") == 4520)
    await database.carrier.close()
  }

  @Test func `what was committed while most was brought is the committer's to bring`() async throws {
    let database = try Database()
    try database.fill(0..<100)
    #expect(database.bring() == database.db.logPages)
    // A reader that began here needs what is in the log now, and none of what comes.
    let reader = try Connection(path: database.test.folder.database, .readOnly)
    try reader.execute("BEGIN")
    #expect(try reader.number("SELECT count(*) FROM kept") == 100)
    try database.fill(100..<200)
    let before = try #require(database.bring())
    #expect(before < database.db.logPages)
    #expect(try database.db.bringLog() == before)
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
}
