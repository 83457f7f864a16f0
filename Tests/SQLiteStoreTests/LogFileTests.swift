import Foundation
import MusterModel
import Testing

@testable import SQLiteStore

/// The write-ahead log as it is handed to the system: in few calls, and never later than it must be.
@Suite struct LogFileTests {
  private final class Database {
    let path = FileManager.default.temporaryDirectory.path + "/muster-log-" + UUID().uuidString
    let db: Connection

    init() throws {
      db = try Connection(path: path, .readWrite, cacheKiB: 64)
      try db.becomeDurable()
      try db.execute("CREATE TABLE kept(id INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT")
    }

    deinit { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }

    /// As many pages as rows.
    func fill(_ ids: Range<Int>) throws {
      for id in ids {
        try db.run("INSERT INTO kept VALUES (?, ?)", Int64(id), [UInt8](repeating: UInt8(id % 251), count: 3_000))
      }
    }

    func isWhole(_ db: Connection, _ count: Int) throws -> Bool {
      let rows = try db.all("SELECT id, value FROM kept ORDER BY id") { row in (row.int(0), row.bytes(1)) }
      return rows.count == count
        && rows.allSatisfy { id, value in value == [UInt8](repeating: UInt8(id % 251), count: 3_000) }
    }
  }

  /// How often this thread has asked the system to write (proc(5), /proc/pid/io).
  private func writes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/thread-self/io", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("syscw: ") })
    return try #require(Int(line.dropFirst("syscw: ".count)))
  }

  @Test func `a commit of many pages is written in few calls`() throws {
    let database = try Database()
    let pages = 400
    let before = try writes()
    try database.db.execute("BEGIN IMMEDIATE")
    try database.fill(0..<pages)
    try database.db.execute("COMMIT")
    let calls = try writes() - before
    // SQLite makes two for each page; 64 KiB take fifteen pages.
    #expect(calls < pages / 5, "\(calls) calls")
    #expect(try database.isWhole(database.db, pages))
  }

  @Test func `a transaction that outgrows its cache reads what it wrote, and what is taken back is gone`() throws {
    let database = try Database()
    try database.fill(0..<10)
    try database.db.execute("BEGIN IMMEDIATE")
    try database.fill(10..<300)
    #expect(try database.isWhole(database.db, 300))
    try database.db.execute("ROLLBACK")
    #expect(try database.isWhole(database.db, 10))
    try database.db.execute("BEGIN IMMEDIATE")
    try database.fill(10..<200)
    try database.db.execute("COMMIT")
    #expect(try database.isWhole(database.db, 200))
  }

  @Test func `what is committed is in the files, and another connection reads it`() throws {
    let database = try Database()
    var count = 0
    for size in [1, 3, 40, 1, 200] {
      try database.db.execute("BEGIN IMMEDIATE")
      try database.fill(count..<count + size)
      try database.db.execute("COMMIT")
      count += size
      let copy = database.path + "-copy"
      for suffix in ["", "-wal"] {
        try FileManager.default.copyItem(atPath: database.path + suffix, toPath: copy + suffix)
      }
      defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + suffix) } }
      let (other, copied) = (try Connection(path: database.path, .readOnly), try Connection(path: copy, .readWrite))
      #expect(try database.isWhole(other, count) && database.isWhole(copied, count))
      #expect(try copied.first("PRAGMA integrity_check") { row in row.text(0) } == "ok")
    }
  }

  @Test func `a log that was emptied begins anew`() throws {
    let database = try Database()
    for round in 0..<4 {
      try database.fill(round * 50..<(round + 1) * 50)
      try database.db.pragma("wal_checkpoint(TRUNCATE)")
      #expect(try database.isWhole(database.db, (round + 1) * 50))
    }
    #expect(try database.isWhole(try Connection(path: database.path, .readOnly), 200))
  }
}
