import DeviceRegistry
import Enrollment
import Ledger
import MusterModel

/// The events that concern a device: those on its record and its certificates, and how its boards, past and present, were
/// listed and refused.
struct DeviceHistory {
  let snapshot: Snapshot
  let device: RecordID
  /// Who is limited to groups does not see what befell a board in another.
  let scope: GroupScope

  /// How often more is read to fill a page, where boards have much that is not the device's.
  private static let readings = 16

  /// Newest last; the cursor is a position.
  func page(_ request: PageRequest) throws -> Page<HistoryEntry> {
    var start = try request.start()
    var found: [Placed<HistoryEntry>] = []
    for _ in 0..<DeviceHistory.readings {
      let positions = try positions(after: start, limit: request.probe)
      for position in positions {
        if let entry = try entry(position) { found.append(Placed(place: Int64(position), summary: entry)) }
      }
      guard let last = positions.last, positions.count == request.probe else { return request.page(found) }
      start = Int64(last)
      if found.count >= request.probe { return request.page(found) }
    }
    return Page(rows: found.compactMap(\.summary), next: String(start))
  }

  private func positions(after start: Int64, limit: Int) throws(StoreError) -> [UInt64] {
    var found: Set<UInt64> = []
    for record in try [device] + certificates() + boards() {
      for changes in [true, false] {
        found.formUnion(
          try snapshot.db.all(
            """
            SELECT position FROM concern WHERE record = ? AND changes = ? AND position > ?
            ORDER BY position LIMIT ?
            """, Aggregate.record(record), changes, start, limit
          ) { (row) throws(StoreError) in try row.position(0) })
      }
    }
    return Array(found.sorted().prefix(limit))
  }

  private func certificates() throws(StoreError) -> [RecordID] {
    try snapshot.db.all("SELECT record FROM certificate WHERE subject = ?", device, read: Row.record)
  }

  private func boards() throws(StoreError) -> [RecordID] {
    try snapshot.db.all(
      "SELECT DISTINCT hardware FROM bound_hardware WHERE device = ?", device, read: Row.record)
  }

  /// nil for what befell a board as another device's.
  private func entry(_ position: UInt64) throws(StoreError) -> HistoryEntry? {
    guard let event = try snapshot.recorded(at: position), try isAbout(event) else { return nil }
    let actor = event.origin.by
    let name = try actor.record.flatMap { record throws(StoreError) in try snapshot.name(of: record) }
    return HistoryEntry(
      position: position, at: event.origin.at, kind: event.kind, by: name ?? actor.description,
      what: event.sentence)
  }

  private func isAbout(_ event: AnyRecorded) throws(StoreError) -> Bool {
    switch event.body {
    case let body as any EnrollmentBody: body.device == device
    case let body as BindingEnded: body.device == device
    case let body as TicketIssued: body.device == device
    case is RequestRefused: try isAbout(refused: event.origin)
    case let body as HardwareListed: body.group.map(scope.contains) ?? true
    default: true
    }
  }

  /// A board that was refused as no device: by a ticket, it is shown to those who see the ticket.
  private func isAbout(refused origin: EventOrigin) throws(StoreError) -> Bool {
    let devices = origin.records(.device)
    guard devices.isEmpty, scope != .instance else { return devices.allSatisfy { $0 == device } }
    guard let ticket = origin.records(.ticket).first else { return false }
    return scope.contains(try snapshot.ticket(ticket)?.group)
  }
}

extension Snapshot {
  /// An event with what is left of its details; nil where there is none at the position.
  func recorded(at position: UInt64) throws(StoreError) -> AnyRecorded? {
    let stored = try db.first(
      """
      SELECT event.bytes, private_attachment.bytes FROM event LEFT JOIN private_attachment USING (position)
      WHERE position = ?
      """, position
    ) { (row) throws(StoreError) in (line: row.bytes(0), details: row.isNull(1) ? nil : row.bytes(1)) }
    return try stored.map { stored throws(StoreError) in
      try AnyRecorded(stored.line, details: stored.details, at: position, .muster)
    }
  }
}
