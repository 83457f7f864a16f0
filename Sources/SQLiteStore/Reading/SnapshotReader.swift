/// Answers queries from snapshots of the last commit, on threads and connections of its own. Many waiting queries share
/// one read transaction, which begins after they came: none is answered from before a commit that was answered earlier.
final class SnapshotReader: Sendable {
  private typealias Query = @Sendable (Result<Snapshot, StoreError>) -> Void

  /// How many queries share one transaction at most, so that no snapshot is held for long.
  private static let batchLimit = 256

  private let threads: ReadingThreads<Query>

  init(path: String, threads: Int) throws(StoreError) {
    self.threads = try ReadingThreads("reader", path: path, count: threads, atMost: SnapshotReader.batchLimit) {
      queries, db in
      db.withSnapshot { snapshot in
        for query in queries { query(snapshot) }
      }
    }
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Snapshot) throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let isTaken = threads.put { snapshot in
        continuation.resume(with: Result { try body(snapshot.get()) })
      }
      if !isTaken { continuation.resume(throwing: StoreError.stopped) }
    }
  }

  func close() async { await threads.close() }
}

extension Connection {
  /// Calls `body` with a snapshot that begins now.
  func withSnapshot<Value>(_ body: (Result<Snapshot, StoreError>) throws -> Value) rethrows -> Value {
    let snapshot = Result { () throws(StoreError) in
      try run("BEGIN")
      digests.begin()
      return Snapshot(db: self)
    }
    defer { if isInTransaction { try? run("COMMIT") } }
    return try body(snapshot)
  }
}
