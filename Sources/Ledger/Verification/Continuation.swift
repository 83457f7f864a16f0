extension TreeReader {
  /// Whether the tree continues a checkpoint that was kept outside: nil where it does. At start, against the last one
  /// noted; costs one root, O(log n).
  public func finding(against kept: VerifiedCheckpoint, of origin: LedgerOrigin) throws -> LedgerFinding? {
    guard kept.origin.ledger == origin.ledger else {
      return .otherLedger(expected: origin.ledger, found: kept.origin.ledger)
    }
    guard kept.size <= tree.size else { return .truncated(expected: kept.size, found: tree.size) }
    return try root(at: kept.size) == kept.root ? nil : .rewritten(kept: kept.size)
  }
}
