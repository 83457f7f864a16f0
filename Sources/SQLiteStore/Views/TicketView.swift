import DeviceRegistry
import Ledger
import MusterModel

/// Tickets: for what, until when, which key redeemed them, why they were last refused.
enum TicketView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(TicketIssued.self, issued)
    projections.on(TicketCancelled.self, cancelled)
    projections.on(DeviceEnrolled.self, redeemed)
    projections.on(DeviceEnrolledWithKeys.self, redeemed)
    projections.on(RequestRefused.self, refused)
    projections.onErasure(of: TicketIssued.self) { (event, db) throws(StoreError) in
      try db.run(
        "UPDATE ticket SET device_id = NULL, hardware_id = NULL, code = NULL WHERE record = ?", event.body.ticket)
    }
  }

  private static func issued(_ event: Recorded<TicketIssued>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.run(
      """
      INSERT INTO ticket(
        record, device_id, hardware_id, code, is_swap, device, device_group, issued_by, issued_at, expires_at, position,
        factory_order, batch)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """, body.ticket, event.details?.deviceID.text, event.details?.hardware.description, event.details?.code,
      body.isSwap, body.device, body.group, origin.by.description, origin.at, body.expires, origin.position,
      body.order, body.batch)
  }

  private static func cancelled(_ event: Recorded<TicketCancelled>, _ db: Connection) throws(StoreError) {
    try db.change(
      """
      UPDATE ticket SET cancelled_at = ? WHERE record = ? AND cancelled_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM redemption WHERE redemption.ticket = ticket.id)
      """, event.origin.at, event.body.ticket)
  }

  /// A one-time right: a ticket that was used or cancelled is not there to be redeemed.
  private static func redeemed(_ event: Recorded<some EnrollmentBody>, _ db: Connection) throws(StoreError) {
    guard let ticket = event.body.ticket else { return }
    try db.change(
      """
      INSERT INTO redemption(ticket, at, position) SELECT id, ?, ? FROM ticket WHERE record = ? AND cancelled_at IS NULL
      """, event.origin.at, event.origin.position, ticket)
  }

  private static func refused(_ event: Recorded<RequestRefused>, _ db: Connection) throws(StoreError) {
    for record in event.origin.records(.ticket) {
      try db.run(
        "UPDATE ticket SET refused_at = ?, refused_code = ?, refused_position = ? WHERE record = ?", event.origin.at,
        event.body.code, event.origin.position, record)
    }
  }
}
