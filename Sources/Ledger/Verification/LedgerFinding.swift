public import MusterModel

/// What is wrong with a ledger. Positions are those of the ledger that was signed, except for what was inserted, which has
/// its position among the events that were found.
public enum LedgerFinding: Hashable, Sendable, CustomStringConvertible {
  /// The event's bytes are not those that were recorded.
  case eventEdited(position: UInt64)
  case eventDeleted(position: UInt64, count: UInt64)
  /// Events that were never recorded; also those after the end of what is signed.
  case eventInserted(position: UInt64, count: UInt64)
  /// Recorded events that stand elsewhere than they were recorded, between these positions.
  case reordered(first: UInt64, last: UInt64)
  /// The end is cut off.
  case truncated(expected: UInt64, found: UInt64)
  /// The events from `after` on, up to `upTo`, are not what was signed, and no stored hash that agrees with a signature
  /// says how: edited, reordered or replaced, and `surplus` more (or, below zero, fewer) than were signed.
  case contentChanged(after: UInt64, upTo: UInt64, surplus: Int64)
  /// The ledger is consistent in itself and no continuation of the checkpoint that was kept.
  case rewritten(kept: UInt64)
  /// The kept checkpoint is another ledger's.
  case otherLedger(expected: String, found: String)
  /// The checkpoint at this place of the stored ones does not verify.
  case checkpointForged(ordinal: Int, CheckpointRefusal)
  /// A stored checkpoint is smaller than the one before it.
  case checkpointMisplaced(ordinal: Int, size: UInt64)
  /// Nothing that was signed was found: whoever wrote the events could have written any.
  case noCheckpoint
  /// An event's position does not follow the one before it.
  case positionGap(expected: UInt64, found: UInt64)
  /// A recorded event that is no event line.
  case unreadable(position: UInt64, why: String)
  case attachmentMissing(position: UInt64, Digest)
  case attachmentEdited(position: UInt64, Digest)
  /// The stored tile's hashes are wrong while the events agree with what was signed.
  case tileEdited(TileCoordinate)
  case tileMissing(TileCoordinate)
  /// A hub's receipt that the hub did not sign.
  case receiptForged(position: UInt64)
  /// A hub saw another ledger there than this one.
  case receiptContradicts(position: UInt64)

  public var code: String {
    switch self {
    case .eventEdited: "event-edited"
    case .eventDeleted: "event-deleted"
    case .eventInserted: "event-inserted"
    case .reordered: "events-reordered"
    case .truncated: "ledger-truncated"
    case .contentChanged: "content-changed"
    case .rewritten: "ledger-rewritten"
    case .otherLedger: "other-ledger"
    case .checkpointForged: "checkpoint-forged"
    case .checkpointMisplaced: "checkpoint-misplaced"
    case .noCheckpoint: "no-checkpoint"
    case .positionGap: "position-gap"
    case .unreadable: "event-unreadable"
    case .attachmentMissing: "attachment-missing"
    case .attachmentEdited: "attachment-edited"
    case .tileEdited: "tile-edited"
    case .tileMissing: "tile-missing"
    case .receiptForged: "receipt-forged"
    case .receiptContradicts: "receipt-contradicts"
    }
  }

  public var description: String {
    switch self {
    case .eventEdited(let position): "the event at position \(position) was edited"
    case .eventDeleted(let position, let count): "\(events(count)) deleted from position \(position) on"
    case .eventInserted(let position, let count): "\(events(count)) inserted at position \(position)"
    case .reordered(let first, let last): "events between positions \(first) and \(last) were reordered"
    case .truncated(let expected, let found): "the end is cut off: expected \(expected) events, found \(found)"
    case .contentChanged(let after, let upTo, let surplus): changed(after, upTo, surplus)
    case .rewritten(let kept):
      "the whole tree was rewritten: it is no continuation of the kept checkpoint of size \(kept)"
    case .otherLedger(let expected, let found): "expected a checkpoint of \(expected), found one of \(found)"
    case .checkpointForged(let ordinal, let refusal): "stored checkpoint \(ordinal): \(refusal)"
    case .checkpointMisplaced(let ordinal, let size):
      "stored checkpoint \(ordinal) has size \(size), less than the one before it"
    case .noCheckpoint: "expected a signed checkpoint, found none"
    case .positionGap(let expected, let found): "expected position \(expected), found \(found)"
    case .unreadable(let position, let why): "the event at position \(position) cannot be read: \(why)"
    case .attachmentMissing(let position, let digest): "attachment \(digest) of the event at \(position) is missing"
    case .attachmentEdited(let position, let digest): "attachment \(digest) of the event at \(position) was edited"
    case .tileEdited(let tile): "the stored hashes of \(tile) are wrong; the events are as signed"
    case .tileMissing(let tile): "\(tile) is missing"
    case .receiptForged(let position): "the receipt at position \(position) is not signed by its hub"
    case .receiptContradicts(let position):
      "the hub of the receipt at position \(position) saw another ledger than this one"
    }
  }
}

private func events(_ count: UInt64) -> String { count == 1 ? "1 event was" : "\(count) events were" }

private func changed(_ after: UInt64, _ upTo: UInt64, _ surplus: Int64) -> String {
  let count =
    surplus == 0
    ? "their number is right" : "\(surplus.magnitude) \(surplus < 0 ? "are missing" : "are too many")"
  return "the events from position \(after) up to \(upTo) are not those that were signed; \(count)"
}

/// What the check of a whole ledger came to.
public struct LedgerReport: Sendable, Hashable {
  /// How many events were found.
  public let events: UInt64
  /// The largest checkpoint that verified.
  public let checkpoint: VerifiedCheckpoint?
  /// Empty where all is as it was signed.
  public let findings: [LedgerFinding]

  init(events: UInt64, checkpoint: VerifiedCheckpoint?, findings: [LedgerFinding]) {
    self.events = events
    self.checkpoint = checkpoint
    self.findings = findings
  }

  public var isSound: Bool { findings.isEmpty }
}
