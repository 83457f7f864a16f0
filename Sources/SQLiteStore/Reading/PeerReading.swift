import Enrollment
import MusterModel
import Policy

// Operators and hubs. One whose name was erased is nobody any more.

extension Snapshot {
  func `operator`(_ record: RecordID) throws(StoreError) -> OperatorSnapshot? {
    let version = try version(of: record)
    return try db.first(
      "SELECT name, role, groups, removed_at FROM operator WHERE record = ? AND name IS NOT NULL", record
    ) { (row) throws(StoreError) in
      OperatorSnapshot(
        record: record, version: version, name: try row.name(0), role: try row.value(1), groups: try row.records(2),
        isRemoved: !row.isNull(3))
    }
  }

  func `operator`(_ name: RecordName) throws(StoreError) -> OperatorSnapshot? {
    let record = try db.first(
      "SELECT record FROM operator WHERE folded = ? AND removed_at IS NULL", name.folded, read: Row.record)
    return try record.flatMap { record throws(StoreError) in try self.operator(record) }
  }

  func hub(_ record: RecordID) throws(StoreError) -> HubSnapshot? {
    let version = try version(of: record)
    return try db.first(
      "SELECT name, host, groups, removed_at FROM hub WHERE record = ? AND name IS NOT NULL", record
    ) { (row) throws(StoreError) in
      HubSnapshot(
        record: record, version: version, name: try row.name(0), host: row.text(1), groups: try row.records(2),
        isRemoved: !row.isNull(3))
    }
  }

  func hub(_ name: RecordName) throws(StoreError) -> HubSnapshot? {
    let record = try db.first(
      "SELECT record FROM hub WHERE folded = ? AND removed_at IS NULL", name.folded, read: Row.record)
    return try record.flatMap { record throws(StoreError) in try hub(record) }
  }

  /// Who a certificate names; nil where it names nobody on record.
  func subject(of certificate: CertificateSnapshot) throws(StoreError) -> IdentityFacts.Subject? {
    guard let subject = certificate.subject else { return nil }
    switch subject.kind {
    case .device: return try device(subject).map { .device($0) }
    case .operator: return try self.operator(subject).map { .operator($0) }
    case .hub: return try hub(subject).map { .hub($0) }
    default: return nil
    }
  }
}

extension Row {
  func name(_ column: Int32) throws(StoreError) -> RecordName { try parsed(column, RecordName(text(column))) }

  func records(_ column: Int32) throws(StoreError) -> [RecordID] {
    try parsed(column, RecordList.records(text(column)))
  }
}
