import Enrollment
import MusterModel

extension GroupScope {
  /// The groups' records as a JSON list, which a query takes as one parameter; nil for all.
  var list: String? {
    switch self {
    case .instance: nil
    case .groups(let groups): "[" + groups.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }
  }
}

/// A row of a listing with its place in it; the row is nil where what it needs was erased.
struct Placed<Summary: Codable & Sendable> {
  let place: Int64
  let summary: Summary?
}

extension PageRequest {
  /// The place after which the page begins. Throws a `Refusal` for a cursor that no page gave out.
  func start() throws(Refusal) -> Int64 {
    guard let after else { return -1 }
    guard let place = Int64(after), place >= 0 else {
      throw Refusal(.invalid, "after-malformed", "expected a cursor as the page before gave it, found another")
    }
    return place
  }

  /// One more than asked for tells whether there is another page.
  var probe: Int { limit + 1 }

  /// The page of rows that were read with `probe` as their limit.
  func page<Summary>(_ rows: [Placed<Summary>]) -> Page<Summary> {
    let shown = rows.prefix(limit)
    return Page(
      rows: shown.compactMap(\.summary), next: rows.count > limit ? shown.last.map { String($0.place) } : nil)
  }
}

extension Snapshot {
  /// What people call a record; nil where it has no name, or its name was erased.
  func name(of record: RecordID) throws(StoreError) -> String? {
    let read = { (row: Row) throws(StoreError) -> String? in row.isNull(0) ? nil : row.text(0) }
    return switch record.kind {
    case .device: try db.first("SELECT device_id FROM device WHERE record = ?", record, read: read) ?? nil
    case .operator: try db.first("SELECT name FROM operator WHERE record = ?", record, read: read) ?? nil
    case .hub: try db.first("SELECT name FROM hub WHERE record = ?", record, read: read) ?? nil
    case .order: try db.first("SELECT name FROM factory_order WHERE record = ?", record, read: read) ?? nil
    case .group: try db.first("SELECT name FROM device_group WHERE record = ?", record, read: read) ?? nil
    default: nil
    }
  }

  func recordName(of record: RecordID?) throws(StoreError) -> RecordName? {
    guard let record, let name = try name(of: record) else { return nil }
    return RecordName(name)
  }

  func recordNames(of records: [RecordID]) throws(StoreError) -> [RecordName] {
    try records.map { record throws(StoreError) in try recordName(of: record) }.compactMap(\.self)
  }
}
