import Foundation
import Synchronization
import Testing

@testable import SQLiteStore

@Suite struct MailboxTests {
  /// Threads that take one message each.
  private final class Takers: Sendable {
    let mailbox = Mailbox<Int>()
    private let taken = Mutex<[String: Int]>([:])
    private let done = DispatchSemaphore(value: 0)

    /// Returns once the thread waits.
    func start(_ name: String) {
      let before = mailbox.idle
      Thread.detachNewThread { [self] in
        let message = mailbox.take(atMost: 1)?.first
        taken.withLock { $0[name] = message }
        done.signal()
      }
      while mailbox.idle == before { sched_yield() }
    }

    /// Once so many have taken.
    func taken(by count: Int) -> [String: Int] {
      for _ in 0..<count { done.wait() }
      return taken.withLock { $0 }
    }
  }

  @Test func `of the threads that wait, the one that was busy last takes first`() {
    let takers = Takers()
    for name in ["first", "second", "third"] { takers.start(name) }
    #expect(takers.mailbox.put(1))
    #expect(takers.taken(by: 1) == ["third": 1])
    #expect(takers.mailbox.put(2))
    #expect(takers.taken(by: 1) == ["third": 1, "second": 2])
    takers.mailbox.close()
    #expect(takers.taken(by: 1) == ["third": 1, "second": 2])
  }

  @Test func `messages are taken in their order, as many as may be`() {
    let mailbox = Mailbox<Int>()
    for message in 0..<5 { #expect(mailbox.put(message)) }
    #expect(mailbox.take(atMost: 2) == [0, 1])
    #expect(mailbox.take(atMost: 9) == [2, 3, 4])
  }

  @Test func `a deadline ends the waiting and takes nothing from who comes later`() {
    let mailbox = Mailbox<Int>()
    #expect(mailbox.take(atMost: 1, before: .distantPast) == [])
    #expect(mailbox.idle == 0)
    #expect(mailbox.put(1))
    #expect(mailbox.take(atMost: 1, before: .distantPast) == [1])
  }

  @Test func `what waits in a closed mailbox is taken, and nothing more is put`() {
    let mailbox = Mailbox<Int>()
    #expect(mailbox.put(1))
    mailbox.close()
    #expect(!mailbox.put(2))
    #expect(mailbox.take(atMost: 1) == [1])
    #expect(mailbox.take(atMost: 1) == nil)
  }

  @Test func `nothing that is put is lost or taken twice, by many threads and many deadlines`() {
    let mailbox = Mailbox<Int>()
    let taken = Mutex<[Int]>([])
    let ended = DispatchGroup()
    for _ in 0..<4 {
      ended.enter()
      Thread.detachNewThread {
        while let messages = mailbox.take(atMost: 3, before: Date(timeIntervalSinceNow: 0.0001)) {
          taken.withLock { $0 += messages }
        }
        ended.leave()
      }
    }
    DispatchQueue.concurrentPerform(iterations: 4) { part in
      for message in 0..<5_000 { _ = mailbox.put(part * 5_000 + message) }
    }
    mailbox.close()
    ended.wait()
    #expect(taken.withLock { $0.sorted() } == Array(0..<20_000))
  }
}
