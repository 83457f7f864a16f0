import CSQLite
import Dispatch
import GRDBSQLite
import Synchronization

/// Brings what is in the write-ahead log into the database's file beside the commits, on a thread and a connection of its
/// own: thousands of pages are written and synced, and no commit waits for them.
final class LogCarrier: Sendable {
  private final class Progress: Sendable {
    let brought = Mutex(Result<Int?, StoreError>.success(0))
    let underWay = DispatchGroup()

    func begin() {
      underWay.enter()
      brought.withLock { $0 = .success(nil) }
    }

    func end(_ pages: Result<Int?, StoreError>) {
      brought.withLock { $0 = pages }
      underWay.leave()
    }
  }

  private let mailbox = Mailbox<Void>()
  private let progress = Progress()
  private let end: Occurrence

  init(path: String) throws(StoreError) {
    let db = try Connection(path: path, .readWrite)
    try db.becomeDurable()
    // The last to let go of the log is the committer, which has the folder's lock.
    db.keepLog()
    let connection = Handover(db)
    end = Occurrence.ofThread("log carrier") { [mailbox, progress] in
      guard let db = connection.take() else { return }
      while mailbox.take(atMost: 1) != nil {
        progress.end(Result { () throws(StoreError) in try db.bringAndSyncLog() })
      }
    }
  }

  /// How many of the log's pages the last time brought; nil while it lasts. Throws where the disk failed.
  func brought() throws(StoreError) -> Int? { try progress.brought.withLock { $0 }.get() }

  /// Begins to bring what is there now. Only behind a commit, which has appended to the log: SQLite before 3.51.3 can lose
  /// pages where one connection looks at a log that was brought whole while another begins it anew.
  func bring() {
    progress.begin()
    if !mailbox.put(()) { progress.end(.success(0)) }
  }

  /// Blocks while something is brought. Throws where the disk failed.
  func settle() throws(StoreError) {
    progress.underWay.wait()
    _ = try brought()
  }

  /// Returns when the thread has let go of its connection.
  func close() async {
    mailbox.close()
    await end.wait()
  }

  deinit { mailbox.close() }
}

extension Connection {
  /// Brings the write-ahead log into the database's file, as far as no reader needs what is there. Returns how many of its
  /// pages are there then; what could not be brought stays in the log, and is tried again. Throws where the disk failed:
  /// SQLite counts pages as brought before they are synced, and those that were lost are then in the log alone.
  func bringLog() throws(StoreError) -> Int { try bringLog("PRAGMA wal_checkpoint(PASSIVE)").pages }

  /// The same, and what was brought is on disk: SQLite itself syncs the file only once all of the log is in it, and where
  /// commits go on that is the committer's.
  fileprivate func bringAndSyncLog() throws(StoreError) -> Int {
    let pages = try bringLog()
    let code = sqlite_sync_database(handle)
    guard code == SQLITE_OK else { throw .database(code: code, message: "the database's file could not be synced") }
    return pages
  }

  /// Brings all of it and cuts the log to nothing; false where a reader is in the way.
  func emptyLog() throws(StoreError) -> Bool {
    let isEmpty = try !bringLog("PRAGMA wal_checkpoint(TRUNCATE)").isBusy
    if isEmpty { logPages = 0 }
    return isEmpty
  }

  private func bringLog(_ pragma: StaticString) throws(StoreError) -> (isBusy: Bool, pages: Int) {
    do throws(StoreError) {
      return try first(pragma) { row in (row.bool(0), Int(row.int(2))) } ?? (true, 0)
    } catch {
      guard case .database(let code, _) = error, code & 0xff == SQLITE_IOERR else { return (true, 0) }
      throw error
    }
  }

  /// From now on the log stays where it is, when the connection is closed too.
  func keepLog() { sqlite_keep_log(handle) }
}
