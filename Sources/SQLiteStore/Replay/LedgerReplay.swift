import CertificateAuthority
import GRDB
import Ledger
import MusterModel

/// Rebuilds the views from the events in a scratch database and compares them with those at hand, row by row
/// (`muster ledger replay --check`). It reads one snapshot and needs no lock: the service may go on.
public enum LedgerReplay {
  public struct Report: Sendable, Hashable {
    /// How many events were replayed.
    public let events: UInt64
    /// How many of them have details that were erased.
    public let erased: UInt64
    /// How many CRLs are no longer kept, for they are over: their events have the digest.
    public let listsDropped: UInt64
    /// At most one per table: where it first differs.
    public let differences: [Difference]

    public var agrees: Bool { differences.isEmpty }
  }

  /// Where a view's table is not what the events make of it; a row is nil where there is none.
  public struct Difference: Sendable, Hashable, CustomStringConvertible {
    public let table: String
    public let replayed: String?
    public let stored: String?

    public var description: String {
      "\(table): expected \(replayed ?? "no more rows") by replay, found \(stored ?? "no more rows")"
    }
  }

  /// Throws `StoreError` where an event or its details cannot be read, or where the views refuse it. `progress` is told
  /// how many events of how many are done, now and then.
  public static func check(
    _ folder: DataFolder, progress: (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in }
  ) throws(StoreError) -> Report {
    let stored = try Connection(path: folder.database, .readOnly)
    guard try Schema.checkedVersion(stored, path: folder.database) == Schema.version else {
      throw .folderUnusable(path: folder.path, why: "a database of an older schema, which serving it migrates")
    }
    let scratch = try Connection(path: "", .readWrite)
    try Schema.migrate(scratch, path: "a scratch database")
    try stored.execute("BEGIN")
    var replay = Replay(from: stored, to: scratch)
    try scratch.execute("BEGIN")
    try replay.run(progress)
    try scratch.execute("COMMIT")
    return Report(
      events: replay.events, erased: replay.erased, listsDropped: replay.listsDropped,
      differences: try ViewComparison(stored, scratch).differences() + lostDigest(stored))
  }

  /// The tree of digests hangs on how the events were grouped; what it must have does not.
  private static func lostDigest(_ stored: Connection) throws(StoreError) -> [Difference] {
    guard let missing = try stored.missingDigest() else { return [] }
    return [
      Difference(
        table: "certificate_digest", replayed: "\(missing.digest) of certificate \(missing.certificate)", stored: nil)
    ]
  }
}

/// Events from one database into the views of another, or of the same.
struct Replay {
  private let stored: Connection
  private let views: Connection
  private(set) var events: UInt64 = 0
  private(set) var erased: UInt64 = 0
  private(set) var listsDropped: UInt64 = 0

  init(from stored: Connection, to views: Connection) {
    self.stored = stored
    self.views = views
  }

  /// In the open transaction of the views' database.
  mutating func run(_ progress: (UInt64, UInt64) -> Void = { _, _ in }) throws(StoreError) {
    let total = UInt64(try stored.number("SELECT count(*) FROM event"))
    var recorder = EventRecorder(views)
    try stored.each(
      """
      SELECT event.position, event.bytes, private_attachment.bytes
      FROM event LEFT JOIN private_attachment USING (position) ORDER BY event.position
      """
    ) { (row) throws(StoreError) in
      guard try row.position(0) == events else { throw .damaged("a gap in the events before \(events)") }
      let recorded = try event(row.bytes(1), details: row.isNull(2) ? nil : row.bytes(2))
      if recorded.body is CRLPublished, try !hasAttachment(events) { listsDropped += 1 }
      try recorder.record(recorded)
      events += 1
      // What is held until then is bounded.
      if events.isMultiple(of: 1024) { try views.settle() }
      if events.isMultiple(of: 1024) || events == total { progress(events, total) }
    }
    try views.settle()
  }

  private func hasAttachment(_ position: UInt64) throws(StoreError) -> Bool {
    try stored.exists("SELECT 1 FROM attachment WHERE id = ?", AttachmentKey.first(of: position))
  }

  /// What hangs on an event is what the event names, or it is not shown as the event's.
  private mutating func event(_ bytes: [UInt8], details: [UInt8]?) throws(StoreError) -> AnyRecorded {
    let digest: Digest?
    do {
      digest = try EventEnvelope(bytes).privateDigest
    } catch {
      throw .damaged("at position \(events): \(error)")
    }
    if let details, Digest.sha256(details) != digest {
      throw .damaged("a private attachment at \(events) that its event does not name")
    }
    if details == nil, digest != nil { erased += 1 }
    return try AnyRecorded(bytes, details: details, at: events, .muster)
  }
}

private let threeColumnKeys: Set<String> = ["concern", "bound_hardware"]

/// Two databases' views, side by side.
private struct ViewComparison {
  private let stored: Connection
  private let replayed: Connection

  init(_ stored: Connection, _ replayed: Connection) {
    self.stored = stored
    self.replayed = replayed
  }

  func differences() throws(StoreError) -> [LedgerReplay.Difference] {
    do {
      return try stored.inDatabase { stored in
        try replayed.inDatabase { replayed in
          try viewTableNames.compactMap { try difference(in: $0, stored, replayed) }
        }
      }
    } catch {
      throw StoreError(error)
    }
  }

  /// Both in the order of the primary key, which is in the first three columns.
  private func difference(
    in table: String, _ stored: Database, _ replayed: Database
  ) throws -> LedgerReplay.Difference? {
    let sql = "SELECT * FROM \(table) ORDER BY \(threeColumnKeys.contains(table) ? "1, 2, 3" : "1, 2")"
    let left = try GRDB.Row.fetchCursor(replayed, sql: sql)
    let right = try GRDB.Row.fetchCursor(stored, sql: sql)
    while true {
      let (expected, found) = (try left.next(), try right.next())
      guard expected != nil || found != nil else { return nil }
      guard expected == found else {
        return LedgerReplay.Difference(
          table: table, replayed: expected.map { "\($0)" }, stored: found.map { "\($0)" })
      }
    }
  }
}
