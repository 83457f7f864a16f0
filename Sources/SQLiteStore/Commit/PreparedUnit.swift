import Ledger
import MusterModel

/// A unit of work with what can be computed before its turn: the committer's thread is the one that all wait for. A class,
/// as its events are, for it is handed on many times, and to copy a unit is to count dozens of references.
final class PreparedUnit: Sendable {
  let unit: UnitOfWork
  let events: [PreparedEvent]
  let clearing: Clearing

  init(_ unit: UnitOfWork, clearing: Clearing = Clearing()) {
    self.unit = unit
    self.clearing = clearing
    events = unit.events.map(PreparedEvent.init)
  }
}

final class PreparedEvent: Sendable {
  let event: Event
  /// The hash of its leaf in the ledger.
  let leaf: Digest

  init(_ event: Event) {
    self.event = event
    leaf = MerkleHash.leaf(event.bytes)
  }
}
