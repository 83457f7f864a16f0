import DeviceRegistry
import Enrollment
import MusterModel

extension Snapshot {
  /// Tickets in the order in which they were issued, as they stand at `time`.
  func tickets(_ request: PageRequest, at time: Timestamp, in scope: GroupScope) throws -> Page<TicketSummary> {
    let (start, probe) = (try request.start(), request.probe)
    let read = { (row: Row) throws(StoreError) in
      Placed(place: row.int(0), summary: try ticketSummary(row, at: time))
    }
    guard let groups = scope.list else {
      return request.page(
        try db.all(
          """
          SELECT id, record, device_id, hardware_id, is_swap, device_group, issued_at, issued_by, expires_at,
            redemption.at, cancelled_at, refused_at, refused_code, refused_position
          FROM ticket LEFT JOIN redemption ON redemption.ticket = ticket.id WHERE id > ? ORDER BY id LIMIT ?
          """, start, probe, read: read))
    }
    return request.page(
      try db.all(
        """
        SELECT ticket.id, record, device_id, hardware_id, is_swap, device_group, issued_at, issued_by, expires_at,
          redemption.at, cancelled_at, refused_at, refused_code, refused_position
        FROM (SELECT DISTINCT value FROM json_each(?1)) AS scope CROSS JOIN ticket
          LEFT JOIN redemption ON redemption.ticket = ticket.id
        WHERE ticket.id IN (
          SELECT id FROM ticket WHERE device_group = scope.value AND id > ?2 ORDER BY id LIMIT ?3)
        ORDER BY ticket.id LIMIT ?3
        """, groups, start, probe, read: read))
  }

  private func ticketSummary(_ row: Row, at time: Timestamp) throws(StoreError) -> TicketSummary {
    let issuer = row.text(7).split(separator: " ").first.flatMap { RecordID($0) }
    let state: TicketSummary.State =
      if !row.isNull(9) { .redeemed } else if !row.isNull(10) { .cancelled } else if row.time(8) <= time {
        .expired
      } else {
        .open
      }
    return TicketSummary(
      record: try row.record(1), deviceID: row.isNull(2) ? nil : try row.parsed(2, DeviceID(row.text(2))),
      hardware: try row.optional(3, Row.hardwareID), isSwap: row.bool(4),
      group: try recordName(of: row.optional(5, Row.record)), issued: row.time(6),
      issuedBy: try recordName(of: issuer), expires: row.time(8), state: state,
      redeemed: row.isNull(9) ? nil : row.time(9), lastRefusal: try refusal(row, at: 11))
  }
}
