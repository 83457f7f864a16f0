import Testing

@testable import KeyVault

/// So many, for so long, and none that was let go.
@Suite struct OpenedKeysTests {
  private let began = ContinuousClock.now
  private var opened = OpenedKeys<Int, String>(limit: 3, lifetime: .seconds(60))

  private func after(_ seconds: Int) -> ContinuousClock.Instant { began + .seconds(seconds) }

  private func held(at seconds: Int) -> [Int] { (0..<10).filter { opened.key($0, at: after(seconds)) != nil } }

  @Test mutating func `the one that was opened first goes first`() {
    for number in 0..<3 { opened.keep("key", number, at: after(number)) }
    // Opened again, it is the newest.
    opened.keep("again", 0, at: after(3))
    opened.keep("key", 4, at: after(4))
    #expect(held(at: 5) == [0, 2, 4] && opened.key(0, at: after(5)) == "again" && opened.count == 3)
  }

  @Test mutating func `none is held longer than its time, looked for or not`() {
    opened.keep("key", 1, at: after(0))
    opened.keep("key", 2, at: after(30))
    #expect(held(at: 59) == [1, 2] && held(at: 60) == [2])
    opened.sweep(at: after(60))
    #expect(opened.count == 1)
    opened.sweep(at: after(90))
    #expect(opened.count == 0)
  }

  @Test mutating func `one that was let go does not come back by who opened it before`() {
    opened.keep("key", 1, at: after(0))
    opened.forget(1, at: after(1))
    opened.keep("key", 1, at: after(2))
    #expect(held(at: 2) == [])
    opened.keep("key", 1, at: after(61))
    #expect(held(at: 61) == [1])
  }

  @Test mutating func `however many come and go, no more are held`() {
    for number in 0..<10_000 { opened.keep("key", number % 7, at: after(number / 100)) }
    #expect(opened.count == 3 && held(at: 99) == [1, 2, 3].map { (10_000 - $0) % 7 }.sorted())
  }
}
