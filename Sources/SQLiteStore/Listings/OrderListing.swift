import Enrollment
import MusterModel

extension Snapshot {
  /// Orders in the order in which they were added, as they stand at `time`.
  func orders(_ request: PageRequest, at time: Timestamp, in scope: GroupScope) throws -> Page<OrderSummary> {
    let (start, probe) = (try request.start(), request.probe)
    let read = { (row: Row) throws(StoreError) in
      Placed(place: row.int(0), summary: try orderSummary(row, at: time))
    }
    guard let groups = scope.list else {
      return request.page(
        try db.all(
          """
          SELECT id, record, name, station, device_group, quota, made, until, added_at, closed_at,
            refused_at, refused_code, refused_position
          FROM factory_order WHERE id > ? AND name IS NOT NULL ORDER BY id LIMIT ?
          """, start, probe, read: read))
    }
    return request.page(
      try db.all(
        """
        SELECT factory_order.id, record, name, station, device_group, quota, made, until, added_at, closed_at,
          refused_at, refused_code, refused_position
        FROM (SELECT DISTINCT value FROM json_each(?1)) AS scope CROSS JOIN factory_order
        WHERE factory_order.id IN (
          SELECT id FROM factory_order
          WHERE device_group = scope.value AND id > ?2 AND name IS NOT NULL ORDER BY id LIMIT ?3)
        ORDER BY factory_order.id LIMIT ?3
        """, groups, start, probe, read: read))
  }

  func orderSummary(_ name: RecordName, at time: Timestamp) throws(StoreError) -> OrderSummary? {
    guard let record = try orderRecord(name) else { return nil }
    return try db.first(
      """
      SELECT id, record, name, station, device_group, quota, made, until, added_at, closed_at,
        refused_at, refused_code, refused_position
      FROM factory_order WHERE record = ?
      """, record
    ) { (row) throws(StoreError) in try orderSummary(row, at: time) }
  }

  private func orderSummary(_ row: Row, at time: Timestamp) throws(StoreError) -> OrderSummary {
    let (count, made, until) = (try row.position(5), try row.position(6), row.isNull(7) ? nil : row.time(7))
    let state: OrderSummary.State =
      if !row.isNull(9) { .closed } else if made >= count { .full } else if until.map({ $0 <= time }) == true {
        .expired
      } else {
        .open
      }
    let group = try group(row.record(4))
    let hub = try group?.hub.flatMap { record throws(StoreError) in try self.hub(record) }
    return OrderSummary(
      record: try row.record(1), name: try row.name(2), station: try recordName(of: row.record(3)),
      group: group?.name, hub: hub?.name, hubHost: hub?.host, count: count, made: made, until: until,
      added: row.time(8), state: state, lastRefusal: try refusal(row, at: 10))
  }
}
