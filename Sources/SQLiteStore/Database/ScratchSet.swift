import Synchronization

/// A set of numbers in a scratch database of its own, which is gone with it: however many they are, a few megabytes of memory
/// hold the pages at hand, and a temporary file the rest.
public final class ScratchSet: Sendable {
  private let db: Mutex<Connection>

  /// Throws `StoreError` where there is no room for temporary files.
  public init() throws {
    let db = try Connection(path: "", .readWrite, cacheKiB: 4096)
    // Nothing of it outlives the process, so there is nothing to take back and nothing to sync.
    for setting in ["journal_mode = OFF", "synchronous = OFF"] { try db.pragma(setting) }
    try db.execute("CREATE TABLE number(id INTEGER PRIMARY KEY) STRICT; BEGIN")
    self.db = Mutex(db)
  }

  /// Whether it was not in the set.
  public func insert(_ number: Int) throws -> Bool {
    try db.withLock { db in try db.inserts("INSERT OR IGNORE INTO number(id) VALUES (?)", number) }
  }

  public func contains(_ number: Int) throws -> Bool {
    try db.withLock { db in try db.exists("SELECT 1 FROM number WHERE id = ?", number) }
  }

  public func count() throws -> Int {
    try db.withLock { db in Int(try db.number("SELECT count(*) FROM number")) }
  }
}
