public import DeviceRegistry
public import MusterModel

// Orders. One whose name was erased is none any more.

extension Snapshot {
  public func order(_ record: RecordID) throws(StoreError) -> OrderSnapshot? {
    let version = try version(of: record)
    return try db.first(
      """
      SELECT name, station, device_group, quota, made, until, closed_at FROM factory_order
      WHERE record = ? AND name IS NOT NULL
      """, record
    ) { (row) throws(StoreError) in
      OrderSnapshot(
        record: record, version: version, name: try row.name(0), station: try row.record(1), group: try row.record(2),
        count: try row.position(3), made: try row.position(4), until: row.isNull(5) ? nil : row.time(5),
        isClosed: !row.isNull(6))
    }
  }

  /// The open order of that name, by folding; where none is, the last one.
  public func order(_ name: RecordName) throws(StoreError) -> OrderSnapshot? {
    try orderRecord(name).flatMap { record throws(StoreError) in try order(record) }
  }

  func orderRecord(_ name: RecordName) throws(StoreError) -> RecordID? {
    if let open = try db.first(
      "SELECT record FROM factory_order WHERE folded = ? AND closed_at IS NULL", name.folded, read: Row.record)
    {
      return open
    }
    return try db.first(
      "SELECT record FROM factory_order WHERE folded = ? AND closed_at IS NOT NULL ORDER BY id DESC LIMIT 1",
      name.folded, read: Row.record)
  }

  /// Whose a run of a station is; nil while it is nobody's.
  func holder(ofBatch batch: RecordID) throws(StoreError) -> BatchHolder? {
    let held = try db.first(
      """
      SELECT factory_batch.factory_order, device_group, station
      FROM factory_batch JOIN factory_order ON factory_order.record = factory_batch.factory_order
      WHERE factory_batch.record = ?
      """, batch
    ) { (row) throws(StoreError) in
      (order: try row.record(0), group: try row.record(1), station: try row.record(2))
    }
    return try held.map { held throws(StoreError) in
      BatchHolder(
        order: held.order, group: held.group, name: try recordName(of: held.order),
        station: try recordName(of: held.station))
    }
  }

  /// How the active binding of a device came to be; nil where there is none.
  func bindingOrigin(of device: RecordID) throws(StoreError) -> BindingOrigin? {
    try db.first(
      """
      SELECT factory_order, made_by, made_at, station
      FROM binding LEFT JOIN factory_order ON factory_order.record = binding.factory_order
      WHERE device = ? AND ended_at IS NULL
      """, device
    ) { (row) throws(StoreError) in
      BindingOrigin(
        order: try row.optional(0, Row.record),
        by: try stationName(madeBy: row.text(1), orderOf: row.optional(3, Row.record)) ?? row.text(1), at: row.time(2))
    }
  }

  /// Who made a device by an order: the operator who did, or the order's station where the board enrolled by itself.
  func stationName(madeBy actor: String, orderOf station: RecordID?) throws(StoreError) -> String? {
    if let name = try makerName(actor) { return name }
    return try station.flatMap { station throws(StoreError) in try name(of: station) }
  }

  /// The last one-time secret of a board that is neither used, cancelled nor over, and whose order is open.
  func openSecret(of hardware: HardwareID, at time: Timestamp) throws(StoreError) -> OpenSecret? {
    try db.first(
      """
      SELECT ticket.record, device_id, hardware_id, is_swap, device, ticket.device_group, expires_at, cancelled_at,
        redemption.position, factory_order, batch, code, issued_by, issued_at
      FROM ticket JOIN factory_order ON factory_order.record = ticket.factory_order
        LEFT JOIN redemption ON redemption.ticket = ticket.id
      WHERE hardware_id = ?1 AND ticket.factory_order IS NOT NULL AND cancelled_at IS NULL AND expires_at > ?2
        AND redemption.ticket IS NULL AND closed_at IS NULL AND (until IS NULL OR until > ?2) AND made < quota
      ORDER BY ticket.id DESC LIMIT 1
      """, hardware.description, time
    ) { (row) throws(StoreError) in
      let by = row.text(12)
      return OpenSecret(
        ticket: try ticketSnapshot(row), code: try row.digest(11), by: try makerName(by) ?? by, at: row.time(13))
    }
  }

  /// The name of who an actor is, where it has one.
  func makerName(_ actor: String) throws(StoreError) -> String? {
    guard let record = actor.split(separator: " ").first.flatMap({ RecordID($0) }) else { return nil }
    return try name(of: record)
  }
}
