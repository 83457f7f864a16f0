import MusterModel
import Synchronization

/// How far re-wrapping is.
final class Rewrapping: Sendable {
  /// A few milliseconds' work, and as many rows as one commit changes.
  static let rowsAtOnce = 256
  /// A request may have read a secret before it was re-wrapped, and opens it a moment after.
  private static let grace = Duration.seconds(60)

  private struct State {
    var kek: UInt32 = 0
    var place = SealedPlace.beginning
    var rewrapped: UInt64 = 0
    /// Of this pass.
    var passed: UInt64 = 0
    var found = 0
    var unreadable = 0
    /// Of the last whole pass.
    var leftUnreadable = 0
    /// A whole pass found nothing.
    var isDone = false
    var retired: [(kek: UInt32, at: Timestamp)] = []
  }

  private let state = Mutex(State())

  /// Where to go on; at the beginning towards a new KEK.
  func place(towards kek: UInt32) -> SealedPlace {
    state.withLock { state in
      if state.kek != kek { state = State(kek: kek, rewrapped: state.rewrapped, retired: state.retired) }
      return state.place
    }
  }

  /// Whether a whole pass found nothing under an older KEK: nothing comes there any more, for the store takes it not.
  func isDone(towards kek: UInt32) -> Bool { state.withLock { $0.kek == kek && $0.isDone } }

  /// Whether there is more to do now: not after a pass that found nothing, or only what does not open.
  func passed(_ page: SealedPage, rewrapped: Int, unreadable: Int) -> Bool {
    state.withLock { state in
      state.rewrapped += UInt64(rewrapped)
      state.passed += UInt64(page.passed)
      state.found += page.secrets.count
      state.unreadable += unreadable
      if let next = page.next {
        state.place = next
        return true
      }
      let (found, stuck) = (state.found, state.unreadable)
      (state.place, state.passed, state.found, state.unreadable) = (.beginning, 0, 0, 0)
      state.leftUnreadable = stuck
      state.isDone = found == 0
      return found > stuck
    }
  }

  func retired(_ keks: [UInt32], at now: Timestamp) {
    state.withLock { state in state.retired += keks.map { ($0, now) } }
  }

  /// Those that were retired long enough ago to be let go of.
  func forgotten(at now: Timestamp) -> [UInt32] {
    state.withLock { state in
      let due = state.retired.filter { now >= $0.at + Rewrapping.grace || now < $0.at }
      state.retired.removeAll { entry in due.contains { $0.kek == entry.kek } }
      return due.map(\.kek)
    }
  }

  /// Since the start.
  var rewrapped: UInt64 { state.withLock(\.rewrapped) }

  /// Nothing of it before the first look at what is under an older one.
  func progress(towards kek: UInt32) -> VaultStatus.Rewrapping {
    state.withLock { state in
      let isUnderWay = state.kek == kek
      return .init(
        kek: kek, rewrapped: state.rewrapped, passed: isUnderWay ? state.passed : 0,
        unreadable: isUnderWay ? state.leftUnreadable : 0)
    }
  }
}
