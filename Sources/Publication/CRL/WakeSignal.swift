import Synchronization

/// Counts changes, and wakes the one who waits for them. A change that comes while nobody waits is kept.
final class WakeSignal: Sendable {
  private struct State {
    var changes: UInt64 = 0
    var isRung = false
    var waiting: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  /// How many changes there were. Read it before reading what changes.
  var changes: UInt64 { state.withLock { $0.changes } }

  /// What is published may no longer be what is so.
  func change() {
    state.withLock { $0.changes += 1 }
    ring()
  }

  /// Returns at the next ring, at once if there was one since the last, and when the task is cancelled.
  func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isRung = state.withLock { state in
          defer { state.isRung = false }
          if !state.isRung { state.waiting = continuation }
          return state.isRung
        }
        if isRung { continuation.resume() }
      }
    } onCancel: {
      ring()
    }
  }

  /// Wakes, though nothing changed.
  func ring() {
    let waiting = state.withLock { state in
      defer { state.waiting = nil }
      state.isRung = state.waiting == nil
      return state.waiting
    }
    waiting?.resume()
  }
}
