import MusterModel
import Synchronization

/// How much work units make: how many they are, and how many bytes they hold.
struct CommitLoad: Sendable, Hashable {
  var units: Int
  var bytes: Int

  /// The most that waits: some seconds' work of a slow disk, and memory that a small machine has.
  static let capacity = CommitLoad(units: 8192, bytes: 64 << 20)
}

extension CommitLoad {
  init(of prepared: [PreparedUnit]) {
    self.init(units: prepared.count, bytes: prepared.reduce(0) { $0 + $1.unit.byteCount })
  }
}

extension UnitOfWork {
  /// What the unit keeps in memory while it waits, but for a little.
  fileprivate var byteCount: Int {
    let events = self.events.reduce(0) { sum, event in
      event.attachments.reduce(sum + event.bytes.count + (event.privateAttachment?.count ?? 0)) { $0 + $1.bytes.count }
    }
    let rewraps = self.rewraps.reduce(events) { $0 + $1.sealed.bytes.count + $1.old.count }
    return secrets.reduce(rewraps + (answer?.body.count ?? 0)) { $0 + $1.bytes.count }
  }
}

/// Counts what waits for the committer, and lets no more in than may: who asks faster than the disk writes is told so at
/// once, rather than made to wait for what fills the memory.
final class CommitQueue: Sendable {
  private let capacity: CommitLoad
  private let waiting = Mutex(CommitLoad(units: 0, bytes: 0))

  init(capacity: CommitLoad) { self.capacity = capacity }

  /// false where there is no room. What is more than the capacity by itself has room where nothing waits.
  func enter(_ load: CommitLoad) -> Bool {
    waiting.withLock { waiting in
      let sum = CommitLoad(units: waiting.units + load.units, bytes: waiting.bytes + load.bytes)
      guard waiting.units == 0 || sum.units <= capacity.units && sum.bytes <= capacity.bytes else { return false }
      waiting = sum
      return true
    }
  }

  func leave(_ load: CommitLoad) {
    waiting.withLock { $0 = CommitLoad(units: $0.units - load.units, bytes: $0.bytes - load.bytes) }
  }
}

/// Whether the committer commits, for whoever watches over it.
final class CommitHealth: Sendable {
  private let state = Mutex<StoreOutage?>(nil)

  var outage: StoreOutage? { state.withLock { $0 } }

  func note(_ outage: StoreOutage?) { state.withLock { $0 = outage } }
}
