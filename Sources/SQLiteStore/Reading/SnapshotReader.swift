import Foundation

/// Answers queries from snapshots of the last commit, on threads and connections of its own. Many waiting queries share
/// one read transaction, which begins after they came: none is answered from before a commit that was answered earlier.
final class SnapshotReader: Sendable {
  private typealias Query = @Sendable (Result<Snapshot, StoreError>) -> Void

  /// How many queries share one transaction at most, so that no snapshot is held for long.
  private static let batchLimit = 256

  private let mailbox: Mailbox<Query>
  private let ends: [Occurrence]

  init(path: String, threads: Int) throws(StoreError) {
    let mailbox = Mailbox<Query>()
    var ends: [Occurrence] = []
    do throws(StoreError) {
      for _ in 0..<threads { ends.append(try SnapshotReader.start(mailbox, path)) }
    } catch {
      mailbox.close()
      throw error
    }
    (self.mailbox, self.ends) = (mailbox, ends)
  }

  /// What is returned happens when the thread has let go of its connection.
  private static func start(_ mailbox: Mailbox<Query>, _ path: String) throws(StoreError) -> Occurrence {
    let connection = Handover(try Connection(path: path, .readOnly))
    let end = Occurrence()
    let thread = Thread {
      if let connection = connection.take() { run(mailbox, connection) }
      end.happen()
    }
    thread.name = "reader"
    thread.start()
    return end
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Snapshot) throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let isTaken = mailbox.put { snapshot in
        continuation.resume(with: Result { try body(snapshot.get()) })
      }
      if !isTaken { continuation.resume(throwing: StoreError.stopped) }
    }
  }

  func close() async {
    mailbox.close()
    for end in ends { await end.wait() }
  }

  deinit { mailbox.close() }

  private static func run(_ mailbox: Mailbox<Query>, _ db: Connection) {
    while let queries = mailbox.take(atMost: batchLimit) {
      let snapshot = Result { () throws(StoreError) in
        try db.run("BEGIN")
        return Snapshot(db: db)
      }
      for query in queries { query(snapshot) }
      if db.isInTransaction { try? db.run("COMMIT") }
    }
  }
}
