import MusterModel

extension LedgerWalk {
  /// What the walk came to, by the best witness there is.
  func report() -> LedgerReport {
    var all = contentFindings
    if !all.contains(where: \.isContentChanged), let keptFinding { all.append(keptFinding) }
    all += findings + leaves.broken.map { .tileEdited($0) } + checkpoints.findings
    if checkpoints.largest == nil { all.append(.noCheckpoint) }
    // An event that was edited need not be readable; one that is as signed must be.
    if differences.isEmpty { all += unreadable }
    all += events.attachments.findings
    // Fail closed: whatever could not be named above is no sound ledger.
    if all.isEmpty, !differences.isEmpty || found.failed != nil || found.agreed != signedSize { all = [changed] }
    return LedgerReport(events: events.count, checkpoint: checkpoints.largest, findings: all)
  }

  private var unreadable: [LedgerFinding] {
    events.unreadable.sorted { $0.key < $1.key }.map { .unreadable(position: $0.key, why: $0.value) }
  }

  private var contentFindings: [LedgerFinding] {
    if differences.isEmpty { return found.failed != nil || isShortUnseen ? [changed] : endFindings }
    if !differences.isOverflown, !haveHashesFailed, stored?.failed == nil {
      return differences.findings(before: tailStart, of: expectedSize) + endFindings
    }
    guard found.failed == nil, found.agreed > 0 else { return [changed] }
    return differences.tiles.map { .tileEdited($0) } + differences.positionGaps + sizeFindings(events.count)
  }

  /// Fewer events than were signed, and neither a stored hash nor a smaller checkpoint says that it is the end that is gone.
  private var isShortUnseen: Bool {
    events.count > 0 && events.count < signedSize && !leaves.isKnown && found.agreed == 0 && found.keptAgreed != true
  }

  private var signedSize: UInt64 { checkpoints.largest?.size ?? 0 }

  private var changed: LedgerFinding {
    .contentChanged(
      after: found.agreed, upTo: found.failed ?? max(signedSize, events.count),
      surplus: Int64(clamping: events.count) - Int64(clamping: signedSize))
  }

  /// How many events there must be at least.
  private var expectedSize: UInt64 { max(signedSize, kept?.size ?? 0, isUnknown ? 0 : leaves.position) }

  /// Whether a hash is neither stored nor found, so that no tree can be made over all that was recorded.
  private var isUnknown: Bool { haveParted && stored == nil }

  /// Whether the end is where it was signed to be.
  private var endFindings: [LedgerFinding] {
    // The stored hashes' position counts every event that was recorded, found or not.
    let size = isUnknown ? events.count + differences.goneCount(of: expectedSize) : leaves.position
    let isLongTail = leaves.position > tailStart + UInt64(LedgerWalk.lookahead)
    if isLongTail || differences.hasMissing(from: tailStart) {
      return [.truncated(expected: expectedSize, found: events.count)]
    }
    return sizeFindings(size)
  }

  private func sizeFindings(_ size: UInt64) -> [LedgerFinding] {
    if size < expectedSize { return [.truncated(expected: expectedSize, found: events.count)] }
    guard checkpoints.largest != nil, size > signedSize else { return [] }
    return [.eventInserted(position: signedSize, count: size - signedSize)]
  }

  /// What the kept checkpoint says. Where a hash is neither stored nor found it cannot be asked.
  private var keptFinding: LedgerFinding? {
    guard let kept else { return nil }
    guard kept.origin.ledger == origin.ledger else {
      return .otherLedger(expected: origin.ledger, found: kept.origin.ledger)
    }
    if found.keptAgreed == true || stored?.keptAgreed == true { return nil }
    let isUnasked = haveParted ? stored?.keptAgreed == nil : found.keptAgreed == nil
    return isUnasked ? nil : .rewritten(kept: kept.size)
  }
}

extension LedgerFinding {
  fileprivate var isContentChanged: Bool { if case .contentChanged = self { true } else { false } }
}
