package import MusterModel
import Synchronization

/// A clock that stands until it is told otherwise.
package final class FixedClock: WallClock {
  private let time: Mutex<Timestamp>

  package init(_ time: Timestamp = Timestamp(milliseconds: 1_800_000_000_000)) { self.time = Mutex(time) }

  package func now() -> Timestamp { time.withLock { $0 } }
  package func set(_ new: Timestamp) { time.withLock { $0 = new } }
  package func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
}
