import Dispatch
import Synchronization

/// Brings what is in the write-ahead log into the database's file beside the commits, on a thread and a connection of its
/// own: thousands of pages are written and synced, and no commit waits for them.
final class LogCarrier: Sendable {
  private final class Progress: Sendable {
    let brought = Mutex<Int?>(0)
    let underWay = DispatchGroup()

    func begin() {
      underWay.enter()
      brought.withLock { $0 = nil }
    }

    func end(_ pages: Int) {
      brought.withLock { $0 = pages }
      underWay.leave()
    }
  }

  private let mailbox = Mailbox<Void>()
  private let progress = Progress()
  private let end: Occurrence

  init(path: String) throws(StoreError) {
    let db = try Connection(path: path, .readWrite)
    // What is brought over is synced before the log begins anew.
    try db.becomeDurable()
    let connection = Handover(db)
    end = Occurrence.ofThread("log carrier") { [mailbox, progress] in
      guard let db = connection.take() else { return }
      // What could not be brought stays in the log, and is tried again with more.
      while mailbox.take(atMost: 1) != nil { progress.end((try? db.bringLog()) ?? 0) }
    }
  }

  /// How many of the log's pages the last time brought; nil while it lasts.
  var brought: Int? { progress.brought.withLock { $0 } }

  /// Begins to bring what is there now.
  func bring() {
    progress.begin()
    if !mailbox.put(()) { progress.end(0) }
  }

  /// Blocks while something is brought.
  func settle() { progress.underWay.wait() }

  /// Returns when the thread has let go of its connection.
  func close() async {
    mailbox.close()
    await end.wait()
  }

  deinit { mailbox.close() }
}

extension Connection {
  /// Brings the write-ahead log into the database's file, as far as no reader needs what is there. Returns how many of its
  /// pages are there then.
  func bringLog() throws(StoreError) -> Int {
    try first("PRAGMA wal_checkpoint(PASSIVE)") { row in Int(row.int(2)) } ?? 0
  }
}
