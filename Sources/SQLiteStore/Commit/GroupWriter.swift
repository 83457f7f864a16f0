import GRDBSQLite
import HubAccess
import KeyVault
import Ledger
import MusterModel

/// Commits many units of work in one transaction and one disk sync, each refused alone. It belongs to the committer's
/// thread.
final class GroupWriter {
  typealias Outcome = Result<CommitOutcome, StoreError>

  private let db: Connection
  private var check: UnitCheck
  private var writer: UnitWriter
  private var head: LedgerHead
  private let published: PublishedHead
  private let signal: HubSignal
  /// The note of the last checkpoint that was committed here.
  private(set) var note: String?
  /// Whether erased bytes may still lie in the write-ahead log: of a run that ended before it emptied it, too.
  private(set) var logHoldsErased = true
  /// How many pages the write-ahead log had after the last commit.
  var logPages: Int { db.logPages }

  init(_ db: Connection, head: LedgerHead, published: PublishedHead, signal: HubSignal = HubSignal()) {
    self.db = db
    self.signal = signal
    self.head = head
    self.published = published
    check = UnitCheck(db: db)
    writer = UnitWriter(db)
  }

  /// How a group can end other than well.
  enum Failure: Error {
    /// Nothing of the group was committed; the next may be.
    case rolledBack(StoreError)
    /// Whether the group is on disk is not known: nothing may be committed any more.
    case uncertain(StoreError)

    var reason: StoreError {
      switch self {
      case .rolledBack(let error), .uncertain(let error): error
      }
    }

    /// nil for what concerned this group alone.
    var outage: StoreOutage? {
      switch self {
      case .rolledBack(let error): error.outage
      case .uncertain: .stopped
      }
    }
  }

  /// The outcome of each unit, in order. When this returns, what is `committed` is on disk.
  ///
  /// A unit whose name was taken meanwhile is rare, and cannot be written: then all is taken back and written again row by
  /// row, and each unit is asked for all of its names before. One that contradicts the views all the same is a mistake of
  /// ours, and is left out. A savepoint around each unit would do the same and copy every page that a unit changes, which
  /// doubles the cost of them all.
  func commit(_ units: [PreparedUnit]) throws(Failure) -> [Outcome] {
    var care = UnitCheck.Care.unheld
    var contradicting: [Int: StoreError] = [:]
    while true {
      var next = head
      let written: Written
      do throws(StoreError) {
        try db.run("BEGIN IMMEDIATE")
        db.digests.begin()
        written = try write(units, care, without: contradicting, &next)
      } catch {
        throw rollBack(after: error)
      }
      switch written {
      case .contradiction(let index, let error):
        if case .uncertain = rollBack(after: error) { throw .uncertain(error) }
        if care == .all, let index { contradicting[index] = error }
        care = .all
      case .group(let outcomes, let note):
        try end()
        advance(to: next, note, units)
        return outcomes
      }
    }
  }

  private func advance(to next: LedgerHead, _ note: String?, _ units: [PreparedUnit]) {
    let before = head.size
    head = next
    if let note {
      self.note = note
      published.publish(head.tree, note: note)
    }
    if units.contains(where: { $0.unit.events.contains(where: \.erases) }) { logHoldsErased = true }
    wakeHubs(since: before, units)
  }

  /// Of the hubs that wait, those that must know of something in this group. A hub that could not be asked about is woken.
  private func wakeHubs(since size: UInt64, _ units: [PreparedUnit]) {
    let awaited = signal.awaited
    guard !awaited.isEmpty, units.contains(where: { $0.unit.events.contains { HubChange.kinds.contains($0.kind) } })
    else { return }
    signal.changed(
      awaited.filter { hub in
        let isTouched = try? db.exists(
          "SELECT 1 FROM hub_change WHERE hub = (SELECT id FROM hub WHERE record = ?) AND position >= ?", hub, size)
        return isTouched ?? true
      })
  }

  /// After an erasure, and after a slot, a KEK or a key was removed for good: empties the write-ahead log, so that the erased
  /// bytes lie nowhere any more. Where a reader is in the way, the next call does it: answers wait behind this. The main
  /// file's own free pages are overwritten by `secure_delete`.
  func emptyLogOfErased() throws(StoreError) {
    db.setBusyTimeout(milliseconds: 50)
    defer { db.setBusyTimeout(milliseconds: Connection.busyTimeout) }
    logHoldsErased = try !db.emptyLog()
  }

  /// Brings the write-ahead log into the database's file. Throws where the disk failed.
  func bringLog() throws(StoreError) { _ = try db.bringLog() }

  /// What is in the log stays there until the next start.
  func keepLog() { db.keepLog() }

  private enum Written {
    case group([Outcome], note: String?)
    /// The unit at this index cannot be written; nil where it is one of the group's, and not known which.
    case contradiction(Int?, StoreError)
  }

  private func write(
    _ units: [PreparedUnit], _ care: UnitCheck.Care, without contradicting: [Int: StoreError], _ next: inout LedgerHead
  ) throws(StoreError) -> Written {
    check.begin(care)
    db.writesRowsAtOnce = care == .all
    var outcomes: [Outcome] = []
    outcomes.reserveCapacity(units.count)
    for (index, unit) in units.enumerated() {
      if let error = contradicting[index] {
        outcomes.append(.failure(error))
        continue
      }
      do throws(StoreError) {
        outcomes.append(.success(try write(unit, &next)))
      } catch {
        guard case .conflict = error else { throw error }
        return .contradiction(index, error)
      }
    }
    do throws(StoreError) {
      try db.settle()
    } catch {
      guard case .conflict = error, care == .unheld else { throw error }
      return .contradiction(nil, error)
    }
    return .group(outcomes, note: next.size > head.size ? try next.write(to: db) : nil)
  }

  private func write(_ prepared: PreparedUnit, _ next: inout LedgerHead) throws(StoreError) -> CommitOutcome {
    // What it may ask of the views is there.
    if !prepared.unit.events.allSatisfy({ GroupMemory.standsFor($0.kind) }) { try db.settle() }
    if let refusal = try check.refusal(of: prepared.unit) { return refusal }
    let position = LedgerPosition(first: next.size, count: prepared.events.count)
    try writer.write(prepared, at: position.first)
    check.wrote(prepared.unit)
    next.append(prepared.events.map(\.leaf))
    return .committed(position)
  }

  /// A disk that is full says so before the commit's last page is written, and the pages are written again by the next
  /// commit. After any other error the sync may have failed, and what the disk then holds is not known (a second sync
  /// that succeeds proves nothing about the first).
  private func end() throws(Failure) {
    do throws(StoreError) {
      try db.run("COMMIT")
    } catch {
      let failure = rollBack(after: error)
      if case .database(let code, _) = error, code & 0xff == SQLITE_FULL { throw failure }
      throw .uncertain(error)
    }
  }

  private func rollBack(after error: StoreError) -> Failure {
    writer.rolledBack()
    // SQLite ends the transaction itself after some errors; then there is nothing to roll back.
    if db.isInTransaction { try? db.execute("ROLLBACK") }
    return db.isInTransaction ? .uncertain(error) : .rolledBack(error)
  }
}

extension Event {
  /// Whether bytes went with it that are to lie nowhere any more.
  fileprivate var erases: Bool {
    switch kind {
    case EventErased.kind, SlotRemoved.kind, KEKRetired.kind, VaultRekeyed.kind, DeviceKeysDestroyed.kind: true
    case KeyStateChanged.kind: (body as? KeyStateChanged)?.to == .destroyed
    default: false
    }
  }
}
