import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

@Suite struct ConnectionTests {
  private func database() throws -> Connection {
    let db = try Connection(path: "", .readWrite)
    try db.execute("CREATE TABLE kept(id INTEGER PRIMARY KEY, value ANY) STRICT")
    return db
  }

  private func kept(_ db: Connection) throws -> [[UInt8]] {
    try db.all("SELECT value FROM kept ORDER BY id") { (row) throws(StoreError) in row.bytes(0) }
  }

  /// The space for parameters has 64 KiB: what does not fit is copied by SQLite.
  @Test(arguments: [0, 1, 4096, 65_535, 65_536, 65_537, 200_000])
  func `what is bound is stored to the byte, however long`(count: Int) throws {
    let db = try database()
    let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try db.run("INSERT INTO kept(value) VALUES (?)", value)
    try db.run("INSERT INTO kept(value) VALUES (?)", value)
    #expect(try kept(db) == [value, value])
  }

  @Test func `texts of all lengths, none among them, are texts and not null`() throws {
    let db = try database()
    for text in ["", "a", String(repeating: "ä", count: 40_000)] {
      #expect(
        try db.first("SELECT typeof(?1), ?1", text) { (row) throws(StoreError) in [row.text(0), row.text(1)] }
          == ["text", text])
    }
  }

  @Test func `a statement that runs within another's rows leaves that one's parameters alone`() throws {
    let db = try database()
    for value in [[1], [2], [3]] as [[UInt8]] { try db.run("INSERT INTO kept(value) VALUES (?)", value) }
    var found: [[UInt8]] = []
    try db.each("SELECT id, value, ? FROM kept ORDER BY id", [9, 9] as [UInt8]) { (row) throws(StoreError) in
      let inner = try db.first("SELECT ? || ''", String(repeating: "x", count: 300)) { (row) throws(StoreError) in
        row.bytes(0)
      }
      found.append(row.bytes(1) + row.bytes(2) + [UInt8(inner?.count ?? 0 == 300 ? 1 : 0)])
    }
    #expect(found == [[1, 9, 9, 1], [2, 9, 9, 1], [3, 9, 9, 1]])
  }

  @Test func `a statement that fails gives its space back`() throws {
    let db = try database()
    try db.run("INSERT INTO kept(id, value) VALUES (1, ?)", [0] as [UInt8])
    for _ in 0..<100 {
      #expect(throws: StoreError.self) {
        try db.run("INSERT INTO kept(id, value) VALUES (1, ?)", [UInt8](repeating: 7, count: 10_000))
      }
    }
    try db.run("INSERT INTO kept(id, value) VALUES (2, ?)", [5] as [UInt8])
    #expect(try kept(db) == [[0], [5]])
  }

  @Test func `a scratch set says of each number once that it is new, and of many more than its memory holds`() throws {
    let set = try ScratchSet()
    var generator = SeededGenerator(seed: 7)
    let numbers = (0..<60_000).map { _ in Int(truncatingIfNeeded: generator.next()) } + [0, .min, .max]
    #expect(try numbers.allSatisfy { try set.insert($0) })
    #expect(try !numbers.contains { try set.insert($0) })
    #expect(try numbers.allSatisfy { try set.contains($0) } && !set.contains(1))
    #expect(try set.count() == numbers.count)
  }
}
