import Enrollment
import MusterModel
import Policy

// Groups, operators and hubs that are there now, in the order in which they came.

extension Snapshot {
  func groups(_ request: PageRequest, in scope: GroupScope) throws -> Page<GroupSummary> {
    request.page(
      try db.all(
        """
        SELECT id, record, name, profile, hub, devices FROM device_group
        WHERE (?1 IS NULL OR record IN (SELECT value FROM json_each(?1))) AND id > ?2 AND removed_at IS NULL
          AND name IS NOT NULL ORDER BY id LIMIT ?3
        """, scope.list, try request.start(), request.probe
      ) { (row) throws(StoreError) in Placed(place: row.int(0), summary: try groupSummary(row)) })
  }

  func groupSummary(_ name: RecordName) throws(StoreError) -> GroupSummary? {
    try db.first(
      """
      SELECT id, record, name, profile, hub, devices FROM device_group WHERE folded = ? AND removed_at IS NULL
      """, name.folded
    ) { (row) throws(StoreError) in try groupSummary(row) }
  }

  private func groupSummary(_ row: Row) throws(StoreError) -> GroupSummary {
    let record = try row.record(1)
    return GroupSummary(
      record: record, name: try row.name(2), profile: row.isNull(3) ? nil : row.text(3),
      hub: try recordName(of: row.optional(4, Row.record)), trustAnchors: try group(record)?.trustAnchors ?? [],
      devices: Int(row.int(5)))
  }

  func operators(_ request: PageRequest) throws -> Page<OperatorSummary> {
    request.page(
      try db.all(
        """
        SELECT id, record, name, role, groups, added_at FROM operator
        WHERE id > ? AND removed_at IS NULL AND name IS NOT NULL ORDER BY id LIMIT ?
        """, try request.start(), request.probe
      ) { (row) throws(StoreError) in
        let summary = OperatorSummary(
          record: try row.record(1), name: try row.name(2), role: try row.value(3),
          groups: try recordNames(of: row.records(4)), added: row.time(5),
          certificateExpires: try certificateExpiry(of: row.record(1)))
        return Placed(place: row.int(0), summary: summary)
      })
  }

  func hubs(_ request: PageRequest) throws -> Page<HubSummary> {
    request.page(
      try db.all(
        """
        SELECT id, record, name, host, groups, added_at, (SELECT public_key FROM hub_seal_key WHERE hub = hub.record)
        FROM hub WHERE id > ? AND removed_at IS NULL AND name IS NOT NULL ORDER BY id LIMIT ?
        """, try request.start(), request.probe
      ) { (row) throws(StoreError) in
        let summary = HubSummary(
          record: try row.record(1), name: try row.name(2), host: row.text(3),
          groups: try recordNames(of: row.records(4)), added: row.time(5),
          certificateExpires: try certificateExpiry(of: row.record(1)),
          sealKey: row.isNull(6) ? nil : Digest.sha256(row.bytes(6)).hex)
        return Placed(place: row.int(0), summary: summary)
      })
  }
}
