import Ledger
import MusterModel

/// A unit of work with what can be computed before its turn: the committer's thread is the one that all wait for.
struct PreparedUnit: Sendable {
  let unit: UnitOfWork
  /// The leaf hash of each event.
  let leaves: [Digest]

  init(_ unit: UnitOfWork) {
    self.unit = unit
    leaves = unit.events.map { MerkleHash.leaf($0.bytes) }
  }
}
