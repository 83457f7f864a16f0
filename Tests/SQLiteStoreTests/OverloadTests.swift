import Foundation
import Ledger
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// More commits than the disk writes: what waits is bounded, and who finds no room is told so.
@Suite struct OverloadTests {
  @Test func `behind a blocked committer 8192 units wait, and no more`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    let unit = try Units.group(Units.name("a"))
    let answers = AsyncStream<(committed: Int, failed: Int)>.makeStream()
    let refused = await blocking(store) {
      store.submit(Array(repeating: unit, count: 8192)) { outcomes in
        answers.continuation.yield(
          outcomes.reduce(into: (0, 0)) { sum, outcome in
            switch outcome {
            case .success(.committed): sum.0 += 1
            case .success: break
            case .failure: sum.1 += 1
            }
          })
      }
      return await store.commit([unit, unit])
    }
    #expect(refused == [.failure(.overloaded), .failure(.overloaded)])
    var answered = answers.stream.makeAsyncIterator()
    let waited = try #require(await answered.next())
    #expect(waited == (1, 0), "what waits was let in, and has its answer")
    _ = try await store.commit(Units.group(Units.name("b")))
    await test.close(store)
    #expect(try test.number("SELECT count(*) FROM device_group") == 2)
  }

  @Test(arguments: [(CommitLoad(units: 2, bytes: 1000), 3, 0), (CommitLoad(units: 100, bytes: 1000), 1, 1001)])
  func `units and bytes are bounded, each`(capacity: CommitLoad, units: Int, bytes: Int) {
    let queue = CommitQueue(capacity: capacity)
    let load = CommitLoad(units: units, bytes: bytes)
    #expect(queue.enter(load), "alone it has room")
    #expect(!queue.enter(CommitLoad(units: 1, bytes: 1)))
    queue.leave(load)
    #expect(queue.enter(CommitLoad(units: 1, bytes: 1)))
    #expect(!queue.enter(load))
  }

  @Test func `a unit weighs what it keeps in memory`() throws {
    let event = try Units.event(
      ServiceStarted(version: "1"), attachments: [Attachment([UInt8](repeating: 1, count: 5000))])
    let load = CommitLoad(of: [PreparedUnit(UnitOfWork(events: [event]))])
    #expect(load.units == 1 && load.bytes == event.bytes.count + 5000)
  }

  @Test(
    arguments: [
      (StoreError.overloaded, StoreOutage.overloaded), (.stopped, .stopped),
      (.database(code: 13, message: "full"), .full),
      (.database(code: 13 | 1 << 8, message: "full"), .full), (.database(code: 778, message: "write"), nil),
      (.conflict("x"), nil),
    ] as [(StoreError, StoreOutage?)])
  func `what is the store's state is told apart`(error: StoreError, outage: StoreOutage?) {
    #expect(error.outage == outage)
  }

  /// Runs `body` while the committer hangs in an answer, and lets it go on after.
  private func blocking<Value: Sendable>(_ store: FolderStore, _ body: () async -> Value) async -> Value {
    let (hung, release) = (AsyncStream<Void>.makeStream(), DispatchSemaphore(value: 0))
    store.submit([]) { _ in
      hung.continuation.yield()
      release.wait()
    }
    for await _ in hung.stream { break }
    defer { release.signal() }
    return await body()
  }
}
