import Ledger
import MusterModel

/// A unit of work with what can be computed before its turn: the committer's thread is the one that all wait for.
struct PreparedUnit: Sendable {
  let unit: UnitOfWork
  let events: [PreparedEvent]
  let clearing: Clearing

  init(_ unit: UnitOfWork, clearing: Clearing = Clearing()) {
    self.unit = unit
    self.clearing = clearing
    events = unit.events.map(PreparedEvent.init)
  }
}

struct PreparedEvent: Sendable {
  let event: Event
  /// The hash of its leaf in the ledger.
  let leaf: Digest

  init(_ event: Event) {
    self.event = event
    leaf = MerkleHash.leaf(event.bytes)
  }
}
