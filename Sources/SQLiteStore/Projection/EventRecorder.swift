import Ledger
import MusterModel

/// Writes what follows from an event: which records it concerns, its kind, and the views.
struct EventRecorder {
  private let db: Connection
  private let projections: Projections
  private var kinds: Set<String> = []

  init(_ db: Connection, _ projections: Projections = .all) {
    self.db = db
    self.projections = projections
  }

  mutating func record(_ event: AnyRecorded) throws(StoreError) {
    let mayWait = GroupMemory.standsFor(event.kind)
    if !mayWait { try db.settle() }
    try recordKind(event)
    for record in event.origin.on {
      try db.insert(
        into: "concern(record, changes, position)", record, event.changesRecords, event.origin.position,
        conflict: .ignored)
      if event.changesRecords { db.changed(record, at: event.origin.position) }
    }
    if !mayWait { try db.writeRows() }
    try projections.apply(event, db)
  }

  /// A kind that was seen is not written again; what a group that failed had seen is written twice at most.
  private mutating func recordKind(_ event: AnyRecorded) throws(StoreError) {
    guard !kinds.contains(event.kind) else { return }
    try db.run(
      "INSERT OR IGNORE INTO event_kind(name, position) VALUES (?, ?)", event.kind, event.origin.position)
    kinds.insert(event.kind)
  }

  /// Forgets which kinds were seen, what was counted and what waits: their rows may have been rolled back.
  mutating func rolledBack() {
    kinds = []
    db.memory = GroupMemory()
    db.forgetRows()
    db.digests.takeBack()
  }
}
