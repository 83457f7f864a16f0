import MusterModel
import Testing

@testable import HubAccess

/// Who waits is woken by what concerns them, and costs nothing after.
@Suite struct HubSignalTests {
  private let hub = RecordID(.hub, UUIDv7(at: Timestamp(milliseconds: 1_750_000_000_000)))
  private let other = RecordID(.hub, UUIDv7(at: Timestamp(milliseconds: 1_750_000_000_001)))

  @Test func `a change wakes the hub that it concerns, though it came before the wait`() async throws {
    let signal = HubSignal()
    let changes = try #require(signal.changes(for: hub))
    signal.changed([hub])
    signal.changed([hub])
    var iterator = changes.makeAsyncIterator()
    #expect(await iterator.next() != nil)
  }

  @Test func `a change of another hub wakes nobody`() async throws {
    let signal = HubSignal()
    let changes = try #require(signal.changes(for: hub))
    let others = try #require(signal.changes(for: other))
    signal.changed([other])
    signal.changed([hub])
    var iterator = others.makeAsyncIterator()
    #expect(await iterator.next() != nil)
    var own = changes.makeAsyncIterator()
    #expect(await own.next() != nil)
    #expect(Set(signal.awaited) == [hub, other])
  }

  @Test func `who waits no longer is forgotten`() async throws {
    let signal = HubSignal()
    do {
      let changes = try #require(signal.changes(for: hub))
      #expect(signal.awaited == [hub])
      withExtendedLifetime(changes) {}
    }
    #expect(signal.awaited == [])
  }

  @Test func `no more than eight polls of a hub wait, and none once the service ends`() throws {
    let signal = HubSignal()
    let eight = try (0..<8).map { _ in try #require(signal.changes(for: hub)) }
    #expect(signal.changes(for: hub) == nil)
    let others = try #require(signal.changes(for: other))
    signal.close()
    #expect(signal.changes(for: other) == nil)
    withExtendedLifetime((eight, others)) {}
  }
}
