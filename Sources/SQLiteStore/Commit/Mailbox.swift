import Dispatch
import Foundation
import Synchronization

/// What waits for a thread: anyone puts, and a thread that is free takes what there is. Groups form by themselves, out of
/// what comes while the threads are busy. Of those that are free the one that was busy last is woken: its connection's pages
/// and statements are still at hand.
final class Mailbox<Message: Sendable>: Sendable {
  private struct State {
    var waiting: [Message] = []
    var isOpen = true
    /// Of each thread that waits for something to come, in the order in which they began to.
    var idle: [DispatchSemaphore] = []

    mutating func take(atMost limit: Int) -> [Message] {
      if waiting.count <= limit {
        defer { waiting = [] }
        return waiting
      }
      defer { waiting.removeFirst(limit) }
      return Array(waiting.prefix(limit))
    }
  }

  private enum Found {
    case messages([Message])
    case nothing
    case closed
  }

  private let state = Mutex(State())

  /// How many threads wait.
  var idle: Int { state.withLock { $0.idle.count } }

  /// false where the mailbox is closed: the message is not taken.
  func put(_ message: Message) -> Bool {
    let (isPut, free) = state.withLock { state -> (Bool, DispatchSemaphore?) in
      guard state.isOpen else { return (false, nil) }
      state.waiting.append(message)
      return (true, state.idle.popLast())
    }
    free?.signal()
    return isPut
  }

  /// Blocks until something waits, and takes at most `limit` messages in their order. Empty when `deadline` came first;
  /// nil once the mailbox is closed and empty.
  func take(atMost limit: Int, before deadline: Date? = nil) -> [Message]? {
    let call = DispatchSemaphore(value: 0)
    while true {
      switch state.withLock({ find(limit, in: &$0, orWaitFor: call) }) {
      case .messages(let messages): return messages
      case .closed: return nil
      case .nothing: if !isCalled(call, before: deadline) { return [] }
      }
    }
  }

  private func find(_ limit: Int, in state: inout State, orWaitFor call: DispatchSemaphore) -> Found {
    if !state.waiting.isEmpty { return .messages(state.take(atMost: limit)) }
    guard state.isOpen else { return .closed }
    state.idle.append(call)
    return .nothing
  }

  private func isCalled(_ call: DispatchSemaphore, before deadline: Date?) -> Bool {
    let end = deadline.map { DispatchTime.now() + max(0, $0.timeIntervalSinceNow) } ?? .distantFuture
    if call.wait(timeout: end) == .success { return true }
    let isForgotten = state.withLock { state in
      guard let place = state.idle.firstIndex(where: { $0 === call }) else { return false }
      state.idle.remove(at: place)
      return true
    }
    // Who is no longer in the list was called at the last moment.
    if !isForgotten { call.wait() }
    return !isForgotten
  }

  /// What waits is still taken; nothing more is put.
  func close() {
    let idle = state.withLock { state in
      state.isOpen = false
      defer { state.idle = [] }
      return state.idle
    }
    for call in idle { call.signal() }
  }
}
