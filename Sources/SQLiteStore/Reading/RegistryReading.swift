public import DeviceRegistry
import Ledger
public import MusterModel

// What the registry's rules are asked about. A record whose name was erased is not found by it, and is not shown here.

extension Snapshot {
  public func device(_ record: RecordID) throws(StoreError) -> DeviceSnapshot? {
    let device = try db.first(
      "SELECT record, device_id, state, device_group, hub, generation FROM device WHERE record = ?", record,
      read: Row.device)
    return try device.flatMap { device throws(StoreError) in try complete(device) }
  }

  /// The device of that ID, by folding, that is not retired.
  public func device(_ id: DeviceID) throws(StoreError) -> DeviceSnapshot? {
    let device = try db.first(
      """
      SELECT record, device_id, state, device_group, hub, generation FROM device
      WHERE folded = ? AND state <> 'retired'
      """, id.folded, read: Row.device)
    return try device.flatMap { device throws(StoreError) in try complete(device) }
  }

  private func complete(_ device: DeviceColumns) throws(StoreError) -> DeviceSnapshot? {
    guard let id = device.id else { return nil }
    return DeviceSnapshot(
      record: device.record, version: try version(of: device.record), id: id, state: device.state,
      group: device.group, hub: device.hub, lastGeneration: device.generation,
      binding: try activeBinding(of: device.record))
  }

  private func activeBinding(of device: RecordID) throws(StoreError) -> BindingSnapshot? {
    let binding = try db.first(
      "SELECT generation, public_key, certificate FROM binding WHERE device = ? AND ended_at IS NULL", device
    ) { (row) throws(StoreError) in (try row.position(0), try row.digest(1), try row.optional(2, Row.record))
    }
    guard let (generation, publicKey, certificate) = binding else { return nil }
    let hardware = try db.all(
      "SELECT hardware, assurance FROM bound_hardware WHERE device = ? AND generation = ? ORDER BY hardware", device,
      generation
    ) { (row) throws(StoreError) in
      BoundHardware(hardware: try row.record(0), assurance: try row.value(1))
    }
    return BindingSnapshot(
      generation: generation, hardware: hardware, publicKey: publicKey, certificate: certificate)
  }

  public func hardware(_ id: HardwareID) throws(StoreError) -> HardwareSnapshot? {
    let hardware = try db.first(
      """
      SELECT record, hardware_id, listing, listing_group, listed_position, device, factory_order, batch, allowed_as,
        allowed_by, listed_at
      FROM hardware WHERE hardware_id = ?
      """, id.description, read: Row.hardware)
    return try hardware.flatMap { hardware throws(StoreError) in try complete(hardware) }
  }

  public func hardware(_ record: RecordID) throws(StoreError) -> HardwareSnapshot? {
    let hardware = try db.first(
      """
      SELECT record, hardware_id, listing, listing_group, listed_position, device, factory_order, batch, allowed_as,
        allowed_by, listed_at
      FROM hardware WHERE record = ?
      """, record, read: Row.hardware)
    return try hardware.flatMap { hardware throws(StoreError) in try complete(hardware) }
  }

  private func complete(_ hardware: HardwareColumns) throws(StoreError) -> HardwareSnapshot? {
    guard let id = hardware.id else { return nil }
    let isOutOfUse = hardware.device == nil ? try isOutOfUse(hardware) : false
    return HardwareSnapshot(
      record: hardware.record, version: try version(of: hardware.record), id: id, listing: hardware.listing,
      group: hardware.group, boundTo: hardware.device, isOutOfUse: isOutOfUse,
      allowance: hardware.device == nil && !isOutOfUse
        ? try hardware.allowed.map { allowed throws(StoreError) in try allowance(allowed) } : nil)
  }

  private func allowance(_ allowed: HardwareColumns.Allowed) throws(StoreError) -> Allowance {
    Allowance(
      deviceID: allowed.deviceID, provisioning: allowed.provisioning,
      by: try makerName(allowed.by) ?? allowed.by, at: allowed.at)
  }

  /// Whether a binding of it ended after it was last allowed. What was only claimed was never the device.
  private func isOutOfUse(_ hardware: HardwareColumns) throws(StoreError) -> Bool {
    try db.exists(
      """
      SELECT 1 FROM bound_hardware JOIN binding USING (device, generation)
      WHERE hardware = ? AND bound_hardware.ended_at IS NOT NULL AND assurance <> 'claimed' AND ended_position > ?
      """, hardware.record, hardware.listing == .allowed ? hardware.listedPosition : -1)
  }

  /// The patterns that are listed now, in the order in which they were.
  public func patterns() throws(StoreError) -> PatternsSnapshot {
    let entries = try db.all(
      """
      SELECT pattern, listing, device_group FROM hardware_pattern AS last
      WHERE pattern IS NOT NULL AND listing <> 'none' AND NOT EXISTS (
        SELECT 1 FROM hardware_pattern AS later
        WHERE later.pattern = last.pattern AND later.position > last.position)
      ORDER BY position
      """
    ) { (row) throws(StoreError) in
      PatternsSnapshot.Entry(
        pattern: try row.parsed(0, HardwarePattern(row.text(0))), listing: try row.value(1),
        group: try row.optional(2, Row.record))
    }
    return PatternsSnapshot(version: try version(of: .hardwarePatterns), entries: entries)
  }

  /// The ticket of a code, by the code's HMAC.
  public func ticket(code: Digest) throws(StoreError) -> TicketSnapshot? {
    try db.first(
      """
      SELECT record, device_id, hardware_id, is_swap, device, device_group, expires_at, cancelled_at,
        redemption.position, factory_order, batch
      FROM ticket LEFT JOIN redemption ON redemption.ticket = ticket.id WHERE code = ?
      """, code, read: ticketSnapshot)
  }

  public func ticket(_ record: RecordID) throws(StoreError) -> TicketSnapshot? {
    try db.first(
      """
      SELECT record, device_id, hardware_id, is_swap, device, device_group, expires_at, cancelled_at,
        redemption.position, factory_order, batch
      FROM ticket LEFT JOIN redemption ON redemption.ticket = ticket.id WHERE record = ? AND code IS NOT NULL
      """, record, read: ticketSnapshot)
  }

  func ticketSnapshot(_ row: Row) throws(StoreError) -> TicketSnapshot {
    let record = try row.record(0)
    let state: TicketSnapshot.State =
      if !row.isNull(7) { .cancelled } else if row.isNull(8) { .open } else {
        .redeemed(try redemption(at: row.position(8)))
      }
    return TicketSnapshot(
      record: record, version: try version(of: record), deviceID: try row.parsed(1, DeviceID(row.text(1))),
      hardware: try row.parsed(2, try? HardwareID.parse(row.text(2)).get()), isSwap: row.bool(3),
      device: try row.optional(4, Row.record), group: try row.optional(5, Row.record), expires: row.time(6),
      provisioning: try row.provisioning(order: 9, batch: 10), state: state)
  }

  /// What the enrollment at this position made of its ticket.
  private func redemption(at position: UInt64) throws(StoreError) -> TicketSnapshot.Redemption {
    let line = try db.first("SELECT bytes FROM event WHERE position = ?", position) { (row) throws(StoreError) in
      row.bytes(0)
    }
    guard let line else { throw .damaged("no enrollment at \(position)") }
    let event = try AnyRecorded(line, details: nil, at: position, .muster)
    guard let enrolled = event.body as? any EnrollmentBody else { throw .damaged("no enrollment at \(position)") }
    return TicketSnapshot.Redemption(
      publicKey: enrolled.requester, certificate: enrolled.issued, device: enrolled.device,
      generation: enrolled.generation, at: event.origin.at)
  }

  public func group(_ record: RecordID) throws(StoreError) -> GroupSnapshot? {
    let version = try version(of: record)
    let anchors = try db.all(
      "SELECT digest FROM group_anchor WHERE device_group = ? ORDER BY digest", record
    ) { (row) throws(StoreError) in try row.digest(0) }
    return try db.first(
      "SELECT name, profile, hub, removed_at FROM device_group WHERE record = ? AND name IS NOT NULL", record
    ) { (row) throws(StoreError) in
      GroupSnapshot(
        record: record, version: version, name: try row.parsed(0, RecordName(row.text(0))),
        profile: row.isNull(1) ? nil : row.text(1), hub: try row.optional(2, Row.record), trustAnchors: anchors,
        isRemoved: !row.isNull(3))
    }
  }

  /// The group of that name, by folding, that is not removed.
  public func group(_ name: RecordName) throws(StoreError) -> GroupSnapshot? {
    let record = try db.first(
      "SELECT record FROM device_group WHERE folded = ? AND removed_at IS NULL", name.folded
    ) { (row) throws(StoreError) in try row.record(0) }
    return try record.flatMap { record throws(StoreError) in try group(record) }
  }
}

private struct DeviceColumns {
  let record: RecordID
  let id: DeviceID?
  let state: DeviceState
  let group: RecordID?
  let hub: RecordID?
  let generation: UInt64
}

private struct HardwareColumns {
  let record: RecordID
  let id: HardwareID?
  let listing: HardwareListed.Listing
  let group: RecordID?
  let listedPosition: Int64?
  let device: RecordID?
  /// Where an order allows it.
  let allowed: Allowed?

  struct Allowed {
    let provisioning: Provisioning
    let deviceID: DeviceID?
    /// As the event writes an actor.
    let by: String
    let at: Timestamp
  }
}

extension Row {
  fileprivate static func device(_ row: Row) throws(StoreError) -> DeviceColumns {
    DeviceColumns(
      record: try row.record(0), id: row.isNull(1) ? nil : try row.parsed(1, DeviceID(row.text(1))),
      state: try row.value(2), group: try row.optional(3, Row.record), hub: try row.optional(4, Row.record),
      generation: try row.position(5))
  }

  fileprivate static func hardware(_ row: Row) throws(StoreError) -> HardwareColumns {
    HardwareColumns(
      record: try row.record(0),
      id: row.isNull(1) ? nil : try row.parsed(1, try? HardwareID.parse(row.text(1)).get()), listing: try row.value(2),
      group: try row.optional(3, Row.record), listedPosition: row.isNull(4) ? nil : row.int(4),
      device: try row.optional(5, Row.record), allowed: try allowed(row))
  }

  private static func allowed(_ row: Row) throws(StoreError) -> HardwareColumns.Allowed? {
    guard let provisioning = try row.provisioning(order: 6, batch: 7) else { return nil }
    return HardwareColumns.Allowed(
      provisioning: provisioning, deviceID: row.isNull(8) ? nil : try row.parsed(8, DeviceID(row.text(8))),
      by: row.text(9), at: row.time(10))
  }

  /// nil where the first of the columns is.
  func provisioning(order: Int32, batch: Int32) throws(StoreError) -> Provisioning? {
    guard let record = try optional(order, Row.record) else { return nil }
    return Provisioning(order: record, batch: try self.record(batch))
  }
}
