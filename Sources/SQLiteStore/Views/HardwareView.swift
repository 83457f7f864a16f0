import DeviceRegistry
import Ledger
import MusterModel

/// Hardware IDs that have a record: how they are listed, which device they are, when they were last seen and refused.
enum HardwareView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(HardwareListed.self, listed)
    projections.on(DeviceEnrolled.self, enrolled)
    projections.on(DeviceEnrolledWithKeys.self, enrolled)
    projections.on(BindingEnded.self, ended)
    projections.on(RequestRefused.self, refused)
    projections.onErasure(of: HardwareListed.self) { (event, db) throws(StoreError) in
      try erase(event.body.hardware, event.origin, db)
      try db.run(
        "UPDATE hardware SET allowed_as = NULL WHERE record = ? AND listed_position = ?", event.body.hardware,
        event.origin.position)
    }
    projections.onErasure(of: DeviceEnrolled.self, erased)
    projections.onErasure(of: DeviceEnrolledWithKeys.self, erased)
  }

  private static func listed(_ event: Recorded<HardwareListed>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.run(
      """
      INSERT INTO hardware(
        record, hardware_id, listing, listing_group, listed_at, listed_position, position, factory_order, batch,
        allowed_as, allowed_by)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (record) DO UPDATE SET listing = excluded.listing, listing_group = excluded.listing_group,
        listed_at = excluded.listed_at, listed_position = excluded.listed_position,
        factory_order = excluded.factory_order, batch = excluded.batch, allowed_as = excluded.allowed_as,
        allowed_by = excluded.allowed_by
      """, body.hardware, event.details?.hardware.description, body.listing.rawValue, body.group, origin.at,
      origin.position, origin.position, body.order, body.batch, event.details?.deviceID?.text,
      body.order.map { _ in origin.by.description })
  }

  /// What is a device already becomes no other.
  private static func enrolled(_ event: Recorded<some EnrollmentBody>, _ db: Connection) throws(StoreError) {
    for (index, bound) in event.body.hardware.enumerated() {
      let shown = event.details.flatMap { index < $0.hardware.count ? $0.hardware[index] : nil }
      try db.insert(
        into: "hardware(record, hardware_id, listing, position, last_seen_at, device)", bound.hardware,
        shown?.description, HardwareListed.Listing.none.rawValue, event.origin.position, event.origin.at,
        event.body.device,
        conflict: .resolved(
          by: """
            (record) DO UPDATE SET last_seen_at = excluded.last_seen_at, device = excluded.device WHERE device IS NULL
            """))
    }
  }

  private static func ended(_ event: Recorded<BindingEnded>, _ db: Connection) throws(StoreError) {
    try db.run(
      """
      UPDATE hardware SET device = NULL WHERE record IN (
        SELECT hardware FROM bound_hardware WHERE device = ? AND generation = ?)
      """, event.body.device, event.body.generation)
  }

  private static func refused(_ event: Recorded<RequestRefused>, _ db: Connection) throws(StoreError) {
    for record in event.origin.records(.hardware) {
      try db.run(
        "UPDATE hardware SET refused_at = ?, refused_code = ?, refused_position = ? WHERE record = ?",
        event.origin.at, event.body.code, event.origin.position, record)
    }
  }

  private static func erased(_ event: Recorded<some EnrollmentBody>, _ db: Connection) throws(StoreError) {
    for bound in event.body.hardware { try erase(bound.hardware, event.origin, db) }
  }

  /// The value came from the event that made the record.
  private static func erase(_ record: RecordID, _ origin: EventOrigin, _ db: Connection) throws(StoreError) {
    try db.run(
      "UPDATE hardware SET hardware_id = NULL WHERE record = ? AND position = ?", record, origin.position)
  }
}
