import Enrollment
import MusterModel

/// Threads that prepare units of work, with a connection each to read the facts by.
final class Preparers: Sendable {
  private typealias Work = @Sendable (any FactsSource) -> Void

  private let threads: ReadingThreads<Work>

  init(path: String, threads count: Int, clock: any WallClock) throws(StoreError) {
    threads = try ReadingThreads("preparer", path: path, count: count, atMost: 1) { works, db in
      for work in works { work(ConnectedFacts(db: db, clock: clock)) }
    }
  }

  /// Runs `body` on one of the threads; at once, without facts, where they were told to end.
  func prepare(_ body: @escaping @Sendable (any FactsSource) -> Void) {
    if !threads.put(body) { body(NoFacts()) }
  }

  func close() async { await threads.close() }
}

/// Facts by a thread's own connection.
private struct ConnectedFacts: FactsSource {
  let db: Connection
  let clock: any WallClock

  func facts(for queries: [FactsQuery]) -> [Result<GivenFacts, any Error>] {
    let now = clock.now()
    return db.withSnapshot { snapshot in
      let opened = Result { (snapshot: try snapshot.get(), common: try FactsReading.Common(snapshot.get())) }
      return queries.map { query in
        opened.flatMap { opened in
          Result {
            GivenFacts(try FactsReading(opened.snapshot, query, opened.common, at: now).read())
          }
        }
      }
    }
  }
}

/// What there is of a store that was closed.
private struct NoFacts: FactsSource {
  func facts(for queries: [FactsQuery]) -> [Result<GivenFacts, any Error>] {
    queries.map { _ in .failure(StoreError.stopped) }
  }
}
