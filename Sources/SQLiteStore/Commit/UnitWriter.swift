import Ledger
import MusterModel

/// Writes one unit of work into the open transaction: events, attachments, secrets, views. It knows neither whether the
/// unit may be written nor whether the transaction will end well.
struct UnitWriter {
  private let db: Connection
  private let catalog: EventCatalog
  private let knownKinds: Set<String>
  private let projections: Projections
  private var recorder: EventRecorder

  init(_ db: Connection, catalog: EventCatalog = .muster, projections: Projections = .all) {
    self.db = db
    self.catalog = catalog
    knownKinds = catalog.names
    self.projections = projections
    recorder = EventRecorder(db, projections)
  }

  /// The unit's first event stands at `first`.
  mutating func write(_ prepared: PreparedUnit, at first: UInt64) throws(StoreError) {
    let unit = prepared.unit
    for (index, event) in prepared.events.enumerated() { try write(event, at: first + UInt64(index)) }
    for record in unit.forgets { try db.run("DELETE FROM secret WHERE owner = ?", record) }
    for secret in unit.secrets { try write(secret) }
    for rewrap in unit.rewraps { try write(rewrap) }
    if let answer = unit.answer { try write(answer, at: first) }
    try clear(prepared.clearing)
  }

  private func clear(_ clearing: Clearing) throws(StoreError) {
    if let position = clearing.answersThrough {
      try db.run("DELETE FROM idempotent_answer WHERE position <= ?", position)
    }
    for position in clearing.lists {
      try db.run(
        "DELETE FROM attachment WHERE id BETWEEN ? AND ?", AttachmentKey.first(of: position),
        AttachmentKey.first(of: position) + Int64(AttachmentKey.limit) - 1)
    }
  }

  mutating func rolledBack() { recorder.rolledBack() }

  private mutating func write(_ prepared: PreparedEvent, at position: UInt64) throws(StoreError) {
    let event = prepared.event
    guard knownKinds.contains(event.kind) else { throw .conflict("an event of unknown kind \(event.kind)") }
    try db.insert(into: "event(position, bytes)", position, event.bytes)
    guard event.attachments.count <= AttachmentKey.limit else {
      throw .conflict("\(event.attachments.count) attachments of one event")
    }
    for (place, attachment) in event.attachments.enumerated() {
      try db.insert(
        into: "attachment(id, digest, bytes)", AttachmentKey.first(of: position) + Int64(place), attachment.digest,
        attachment.bytes)
    }
    if let bytes = event.privateAttachment {
      try db.insert(into: "private_attachment(position, digest, bytes)", position, event.privateDigest, bytes)
    }
    let origin = EventOrigin(position: position, at: event.at, by: event.by, on: event.on)
    try recorder.record(
      AnyRecorded(
        kind: event.kind, changesRecords: event.changesRecords, body: event.body, details: event.details,
        origin: origin))
    if event.kind == EventErased.kind, let erased = event.body as? EventErased { try erase(erased.position) }
  }

  /// Removes an event's private attachment, and from the views what came from it.
  private func erase(_ position: UInt64) throws(StoreError) {
    guard
      let bytes = try db.first(
        "SELECT bytes FROM event WHERE position = ?", position, read: { (row) throws(StoreError) in row.bytes(0) })
    else { throw .conflict("no event to erase at \(position)") }
    let event = try AnyRecorded(bytes, details: nil, at: position, catalog)
    try projections.erase(event, db)
    try db.run("DELETE FROM private_attachment WHERE position = ?", position)
  }

  private func write(_ secret: SealedSecret) throws(StoreError) {
    try db.run(
      """
      INSERT INTO secret(owner, purpose, version, bytes) VALUES (?, ?, ?, ?)
      ON CONFLICT (owner, purpose, version) DO UPDATE SET bytes = excluded.bytes
      """, secret.owner, secret.purpose, secret.version, secret.bytes)
  }

  /// Only in place of the bytes that were opened: a change that came between wins.
  private func write(_ rewrap: Rewrap) throws(StoreError) {
    let new = rewrap.sealed
    guard let key = IdempotentAnswer.key(ofPurpose: new.purpose) else {
      return try db.run(
        "UPDATE secret SET bytes = ? WHERE owner = ? AND purpose = ? AND version = ? AND bytes = ?", new.bytes,
        new.owner, new.purpose, new.version, rewrap.old)
    }
    try db.run(
      "UPDATE idempotent_answer SET body = ? WHERE operator = ? AND key = ? AND is_sealed = 1 AND body = ?",
      new.bytes, new.owner, key, rewrap.old)
  }

  private func write(_ answer: IdempotentAnswer, at position: UInt64) throws(StoreError) {
    try db.run(
      """
      INSERT INTO idempotent_answer(operator, key, request, status, body, is_sealed, position)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """, answer.operator, answer.key, answer.request, answer.status, answer.body, answer.isSealed, position)
  }
}

/// The IDs of an event's attachments.
enum AttachmentKey {
  static let limit = 1024

  static func first(of position: UInt64) -> Int64 { Int64(clamping: position) * Int64(limit) }

  static func position(of id: Int64) -> UInt64 { UInt64(clamping: id) / UInt64(limit) }
}

extension AnyRecorded {
  /// Reads a recorded event: its line, and its private attachment where it was not erased.
  init(_ bytes: [UInt8], details: [UInt8]?, at position: UInt64, _ catalog: EventCatalog) throws(StoreError) {
    do {
      let envelope = try EventEnvelope(bytes)
      let kind = try catalog[envelope.kind]
      self.init(
        kind: envelope.kind, changesRecords: kind.changesRecords, body: try kind.body(bytes),
        details: try details.flatMap { try kind.details($0) },
        origin: EventOrigin(position: position, at: envelope.at, by: envelope.by, on: envelope.on))
    } catch {
      throw .damaged("at position \(position): \(error)")
    }
  }
}
