import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// Rows that one statement inserts together are what one statement for each would have made.
@Suite struct RowInsertTests {
  private func database() throws -> Connection {
    let db = try Connection(path: "", .readWrite)
    try db.execute("CREATE TABLE kept(id INTEGER PRIMARY KEY, name TEXT UNIQUE, value BLOB) STRICT")
    return db
  }

  private struct Kept: Equatable {
    let id: Int64
    let name: String?
    let value: [UInt8]
  }

  private func kept(_ db: Connection) throws -> [Kept] {
    try db.all("SELECT id, name, value FROM kept ORDER BY id") { (row) throws(StoreError) in
      Kept(id: row.int(0), name: row.isNull(1) ? nil : row.text(1), value: row.bytes(2))
    }
  }

  /// One statement takes sixteen; the space for their parameters has 64 KiB.
  @Test(arguments: [0, 1, 15, 16, 17, 32, 47], [0, 100, 5_000, 70_000])
  func `each row is there once what waits is written, to the byte`(count: Int, length: Int) throws {
    let db = try database()
    let rows = (0..<count).map { number in
      Kept(
        id: Int64(number), name: number.isMultiple(of: 3) ? nil : "row \(number)",
        value: (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) })
    }
    for round in 0..<2 {
      for row in rows { try db.insert(into: "kept(id, name, value)", row.id, row.name, row.value) }
      try db.writeRows()
      #expect(try kept(db) == rows, "round \(round)")
      try db.run("DELETE FROM kept")
    }
  }

  @Test func `nothing of fewer than sixteen is written before it is asked for, and what was rolled back never is`()
    throws
  {
    let db = try database()
    for id in 0..<15 { try db.insert(into: "kept(id)", Int64(id)) }
    #expect(try kept(db).isEmpty)
    db.forgetRows()
    try db.insert(into: "kept(id)", Int64(99))
    try db.writeRows()
    #expect(try kept(db).map(\.id) == [99])
  }

  @Test(arguments: [false, true])
  func `a row that may not be there is a contradiction, told at once where rows are written as they come`(
    atOnce: Bool
  ) throws {
    let db = try database()
    db.writesRowsAtOnce = atOnce
    try db.insert(into: "kept(id, name)", Int64(1), "a")
    if atOnce {
      #expect(throws: StoreError.self) { try db.insert(into: "kept(id, name)", Int64(2), "a") }
    } else {
      try db.insert(into: "kept(id, name)", Int64(2), "a")
      let error = #expect(throws: StoreError.self) { try db.writeRows() }
      guard case .conflict = error else {
        Issue.record("expected a conflict, found \(String(describing: error))")
        return
      }
    }
    // What failed does not come again.
    try db.run("DELETE FROM kept")
    try db.insert(into: "kept(id, name)", Int64(3), "b")
    try db.writeRows()
    #expect(try kept(db).map(\.id) == [3])
  }

  @Test func `rows that are there are passed over, or changed as the clause says, and each must be one of the two`()
    throws
  {
    let db = try database()
    try db.run("INSERT INTO kept(id, name) VALUES (1, 'free'), (2, 'held')")
    for id in 1...3 { try db.insert(into: "kept(id, name)", Int64(id), "x\(id)", conflict: .ignored) }
    try db.writeRows()
    #expect(try kept(db).map(\.name) == ["free", "held", "x3"])
    func take(_ id: Int64) throws {
      try db.insert(
        into: "kept (id, name)", id, "y\(id)",
        conflict: .resolved(by: "(id) DO UPDATE SET name = excluded.name WHERE name <> 'held'"))
    }
    for id in [1, 3, 4] as [Int64] { try take(id) }
    try db.writeRows()
    #expect(try kept(db).map(\.name) == ["y1", "held", "y3", "y4"])
    for id in [1, 2] as [Int64] { try take(id) }
    #expect(throws: StoreError.conflict("expected 2 rows written, found 1")) { try db.writeRows() }
  }
}
