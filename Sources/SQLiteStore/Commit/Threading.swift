import Foundation
import Synchronization

/// A value on its way to the thread that will own it.
final class Handover<Value>: @unchecked Sendable {
  // Taken once, by the thread that was started for it; the maker gave it away (`sending`).
  private var value: Value?

  init(_ value: sending Value) { self.value = value }

  func take() -> Value? {
    defer { value = nil }
    return value
  }
}

/// Something that happens once, and can be waited for.
final class Occurrence: Sendable {
  private enum State {
    case awaited([CheckedContinuation<Void, Never>])
    case happened
  }

  private let state = Mutex(State.awaited([]))

  func happen() {
    let waiting = state.withLock { state in
      guard case .awaited(let waiting) = state else { return [CheckedContinuation<Void, Never>]() }
      state = .happened
      return waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let hasHappened = state.withLock { state in
        guard case .awaited(let waiting) = state else { return true }
        state = .awaited(waiting + [continuation])
        return false
      }
      if hasHappened { continuation.resume() }
    }
  }
}

extension Occurrence {
  /// Starts a thread; what is returned happens when `body` has ended and what it holds is let go of.
  static func ofThread(_ name: String, _ body: @escaping @Sendable () -> Void) -> Occurrence {
    let end = Occurrence()
    let thread = Thread {
      body()
      end.happen()
    }
    thread.name = name
    thread.start()
    return end
  }
}
