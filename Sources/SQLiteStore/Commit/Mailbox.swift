import Foundation

/// What waits for a thread: anyone puts, and a thread that is free takes what there is. Groups form by themselves, out of
/// what comes while the threads are busy.
final class Mailbox<Message: Sendable>: @unchecked Sendable {
  // Checked by hand: every use of the variables is under the condition's lock.
  private let condition = NSCondition()
  private var waiting: [Message] = []
  private var isOpen = true
  /// How many threads wait for something to come.
  private var idle = 0

  /// false where the mailbox is closed: the message is not taken.
  func put(_ message: Message) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    guard isOpen else { return false }
    waiting.append(message)
    if idle > 0 { condition.signal() }
    return true
  }

  /// Blocks until something waits, and takes at most `limit` messages in their order. Empty when `deadline` came first;
  /// nil once the mailbox is closed and empty.
  func take(atMost limit: Int, before deadline: Date? = nil) -> [Message]? {
    condition.lock()
    idle += 1
    defer {
      idle -= 1
      condition.unlock()
    }
    while waiting.isEmpty {
      guard isOpen else { return nil }
      guard let deadline else {
        condition.wait()
        continue
      }
      guard condition.wait(until: deadline) else { return waiting.isEmpty ? [] : takeWaiting(limit) }
    }
    return takeWaiting(limit)
  }

  private func takeWaiting(_ limit: Int) -> [Message] {
    if waiting.count <= limit {
      defer { waiting = [] }
      return waiting
    }
    defer { waiting.removeFirst(limit) }
    return Array(waiting.prefix(limit))
  }

  /// What waits is still taken; nothing more is put.
  func close() {
    condition.lock()
    defer { condition.unlock() }
    isOpen = false
    condition.broadcast()
  }
}
