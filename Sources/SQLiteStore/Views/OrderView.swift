import DeviceRegistry
import Ledger
import MusterModel

/// Orders: for which station and group, how much of each is left, and which runs are theirs.
enum OrderView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(OrderAdded.self, added)
    projections.on(OrderClosed.self) { (event, db) throws(StoreError) in
      try db.change(
        "UPDATE factory_order SET closed_at = ? WHERE record = ? AND closed_at IS NULL", event.origin.at,
        event.body.order)
    }
    projections.on(DeviceEnrolled.self, made)
    projections.on(DeviceEnrolledWithKeys.self, made)
    projections.on(HardwareListed.self) { (event, db) throws(StoreError) in
      try hold(event.body.batch, for: event.body.order, db)
    }
    projections.on(TicketIssued.self) { (event, db) throws(StoreError) in
      try hold(event.body.batch, for: event.body.order, db)
    }
    projections.on(RequestRefused.self, refused)
    projections.onErasure(of: OrderAdded.self) { (event, db) throws(StoreError) in
      try db.run("UPDATE factory_order SET name = NULL, folded = NULL WHERE record = ?", event.body.order)
    }
  }

  private static func added(_ event: Recorded<OrderAdded>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.run(
      """
      INSERT INTO factory_order(
        record, name, folded, station, device_group, quota, made, until, added_by, added_at, position)
      VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)
      """, body.order, event.details?.name.text, event.details?.name.folded, body.station, body.group, body.count,
      body.until, origin.by.description, origin.at, origin.position)
  }

  private static func made(_ event: Recorded<some EnrollmentBody>, _ db: Connection) throws(StoreError) {
    guard let order = event.body.order else { return }
    try db.countMade(by: order)
    try hold(event.body.batch, for: order, db)
  }

  private static func hold(_ batch: RecordID?, for order: RecordID?, _ db: Connection) throws(StoreError) {
    if let batch, let order { try db.hold(batch, for: order) }
  }

  private static func refused(_ event: Recorded<RequestRefused>, _ db: Connection) throws(StoreError) {
    for record in event.origin.records(.order) {
      try db.run(
        "UPDATE factory_order SET refused_at = ?, refused_code = ?, refused_position = ? WHERE record = ?",
        event.origin.at, event.body.code, event.origin.position, record)
    }
  }
}
