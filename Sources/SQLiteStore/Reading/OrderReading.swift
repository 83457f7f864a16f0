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

  /// How the active binding of a device came to be; nil where there is none.
  func bindingOrigin(of device: RecordID) throws(StoreError) -> BindingOrigin? {
    try db.first(
      "SELECT factory_order, made_by, made_at FROM binding WHERE device = ? AND ended_at IS NULL", device
    ) { (row) throws(StoreError) in
      let actor = row.text(1)
      return BindingOrigin(
        order: try row.optional(0, Row.record), by: try makerName(actor) ?? actor, at: row.time(2))
    }
  }

  /// The name of who an actor is, where it has one.
  private func makerName(_ actor: String) throws(StoreError) -> String? {
    guard let record = actor.split(separator: " ").first.flatMap({ RecordID($0) }) else { return nil }
    return try name(of: record)
  }
}
