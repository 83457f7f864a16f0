/// Commits units of work. When the answer is `committed`, the unit is on disk.
public protocol Store: Sendable {
  func commit(_ unit: UnitOfWork) async throws -> CommitOutcome

  /// The same for callers that are threads, and for many units, each alone. `answer` is called once, on any thread, with
  /// the outcomes in the units' order, and before that of any unit whose turn came later: it must only hand over, or change
  /// in memory what those must find.
  func submit(_ units: [UnitOfWork], answer: @escaping @Sendable ([Result<CommitOutcome, any Error>]) -> Void)
}

public enum CommitOutcome: Sendable, Hashable {
  case committed(LedgerPosition)
  /// A version that was read is no longer the version: read again, decide again.
  case stale(Aggregate)
  case taken(UniqueName)
  /// Less is left than the unit would spend.
  case exhausted(Counter)
}

/// Where a unit's events stand in the ledger.
public struct LedgerPosition: Sendable, Hashable {
  /// The leaf index of the unit's first event; the others follow without gap.
  public let first: UInt64
  /// How many events the unit had.
  public let count: Int

  public init(first: UInt64, count: Int) {
    self.first = first
    self.count = count
  }
}
