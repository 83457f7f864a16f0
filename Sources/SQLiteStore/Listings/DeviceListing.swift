import Attestation
import DeviceRegistry
import Enrollment
import KeyVault
import MusterModel

extension Snapshot {
  /// Devices in the order in which they came to be; those of a batch in the order in which they were given their hardware.
  func devices(_ request: PageRequest, _ filter: DeviceFilter, in scope: GroupScope) throws -> Page<DeviceSummary> {
    guard let query = try devices(filter) else { return Page(rows: [], next: nil) }
    var scope = scope
    if let group = query.group {
      guard scope.contains(group) else { return Page(rows: [], next: nil) }
      scope = .groups([group])
    }
    if let batch = query.batch { return try devices(request, batch: batch, hub: query.hub, in: scope) }
    if let hub = query.hub { return try devices(request, hub: hub, in: scope) }
    return try devices(request, in: scope)
  }

  /// nil where there is none of a name.
  private func devices(_ filter: DeviceFilter) throws(StoreError) -> DeviceQuery? {
    let group = try filter.group.flatMap { name throws(StoreError) in try self.group(name)?.record }
    let hub = try filter.hub.flatMap { name throws(StoreError) in try self.hub(name)?.record }
    guard (group != nil) == (filter.group != nil), (hub != nil) == (filter.hub != nil) else { return nil }
    return DeviceQuery(group: group, hub: hub, batch: filter.batch)
  }

  private func devices(_ request: PageRequest, in scope: GroupScope) throws -> Page<DeviceSummary> {
    let (start, probe) = (try request.start(), request.probe)
    guard let groups = scope.list else {
      return request.page(
        try db.all(
          """
          SELECT id, record, device_id, state, device_group, hub, generation, created_at, last_seen_at FROM device
          WHERE device_id IS NOT NULL AND id > ? ORDER BY id LIMIT ?
          """, start, probe, read: placedDevice))
    }
    // Of each group no more than a page is looked at.
    return request.page(
      try db.all(
        """
        SELECT device.id, record, device_id, state, device_group, hub, generation, created_at, last_seen_at
        FROM (SELECT DISTINCT value FROM json_each(?1)) AS scope CROSS JOIN device
        WHERE device.id IN (
          SELECT id FROM device
          WHERE device_group = scope.value AND device_id IS NOT NULL AND id > ?2 ORDER BY id LIMIT ?3)
        ORDER BY device.id LIMIT ?3
        """, groups, start, probe, read: placedDevice))
  }

  private func devices(_ request: PageRequest, hub: RecordID, in scope: GroupScope) throws -> Page<DeviceSummary> {
    let groups = scope.list
    return request.page(
      try db.all(
        """
        SELECT id, record, device_id, state, device_group, hub, generation, created_at, last_seen_at FROM device
        WHERE hub = ? AND (? OR device_group IN (SELECT value FROM json_each(?))) AND device_id IS NOT NULL AND id > ?
        ORDER BY id LIMIT ?
        """, hub, groups == nil, groups ?? "[]", try request.start(), request.probe, read: placedDevice))
  }

  /// The place is the position of the event that gave the device its hardware.
  private func devices(
    _ request: PageRequest, batch: RecordID, hub: RecordID?, in scope: GroupScope
  ) throws -> Page<DeviceSummary> {
    let groups = scope.list
    return request.page(
      try db.all(
        """
        SELECT binding.position, record, device_id, state, device_group, hub, device.generation, created_at,
          last_seen_at
        FROM binding CROSS JOIN device ON device.record = binding.device AND device.generation = binding.generation
        WHERE batch = ?1 AND (?2 OR device_group IN (SELECT value FROM json_each(?3))) AND (?4 IS NULL OR hub = ?4)
          AND binding.position > ?5
        ORDER BY binding.position LIMIT ?6
        """, batch, groups == nil, groups ?? "[]", hub, try request.start(), request.probe, read: placedDevice))
  }

  /// nil where it is in none.
  func group(ofDevice record: RecordID) throws(StoreError) -> RecordID? {
    try db.first("SELECT device_group FROM device WHERE record = ?", record) { (row) throws(StoreError) in
      try row.optional(0, Row.record)
    } ?? nil
  }

  private func placedDevice(_ row: Row) throws(StoreError) -> Placed<DeviceSummary> {
    Placed(place: row.int(0), summary: try deviceSummary(row))
  }

  private func deviceSummary(_ row: Row) throws(StoreError) -> DeviceSummary? {
    guard !row.isNull(2) else { return nil }
    return DeviceSummary(
      record: try row.record(1), deviceID: try row.parsed(2, DeviceID(row.text(2))), state: try row.value(3),
      group: try recordName(of: row.optional(4, Row.record)), hub: try recordName(of: row.optional(5, Row.record)),
      generation: try row.position(6), enrolled: row.time(7), lastSeen: row.time(8))
  }

  /// The record of the device that has the ID; where none has, of the one that had it last.
  func deviceRecord(_ id: DeviceID) throws(StoreError) -> RecordID? {
    if let record = try db.first(
      "SELECT record FROM device WHERE folded = ? AND state <> 'retired'", id.folded, read: Row.record)
    {
      return record
    }
    return try db.first(
      "SELECT record FROM device WHERE folded = ? AND state = 'retired' ORDER BY id DESC LIMIT 1", id.folded,
      read: Row.record)
  }

  func deviceDetail(_ id: DeviceID, in scope: GroupScope) throws(StoreError) -> DeviceDetail? {
    guard let record = try deviceRecord(id), scope.contains(try group(ofDevice: record)) else { return nil }
    let bound = try boundHardware(of: record)
    let certificates = try certificates(of: record)
    let attestation = try keyAttestation(ofDevice: record)
    let keys = try keyStanding(of: record)?.versions ?? []
    let version = try version(of: record)
    let detail = try db.first(
      """
      SELECT id, record, device_id, state, device_group, hub, generation, created_at, last_seen_at,
        refused_at, refused_code, refused_position
      FROM device WHERE record = ?
      """, record
    ) { (row) throws(StoreError) -> DeviceDetail? in
      guard let summary = try deviceSummary(row) else { return nil }
      return DeviceDetail(
        summary: summary, hardware: bound?.hardware ?? [], boundSince: bound?.since, evidence: bound?.evidence,
        attestation: attestation, provisioned: bound?.provisioned, certificates: certificates,
        keys: keys, lastRefusal: try refusal(row, at: 9),
        version: version)
    }
    return detail ?? nil
  }

  private func keyStanding(of device: RecordID) throws(StoreError) -> DeviceKeyStanding? {
    try db.first(
      """
      SELECT primary_version, primary_check, secondary_version, secondary_check, last_version, proved_version,
        (SELECT made_version FROM rollover_device
          WHERE rollover_device.device = ?1 AND is_open = 1 AND kind = 'keys' AND stage = 'made'),
        EXISTS (
          SELECT 1 FROM binding
          WHERE binding.device = ?1 AND binding.generation = device_key.generation AND ended_at IS NULL),
        (SELECT state = 'enabled' FROM device WHERE record = ?1), is_destroyed
      FROM device_key WHERE device = ?1
      """, device
    ) { (row) throws(StoreError) in
      let isDestroyed = row.bool(9)
      return DeviceKeyStanding(
        primary: isDestroyed ? nil : .init(version: try row.number(0), check: row.text(1)),
        secondary: isDestroyed || row.isNull(2) ? nil : .init(version: try row.number(2), check: row.text(3)),
        last: try row.number(4), proved: try row.optional(5, Row.number), unheard: try row.optional(6, Row.number),
        isBound: row.bool(7), isEnabled: row.bool(8))
    }
  }

  /// The active binding; nil where there is none. What is erased is not shown.
  private func boundHardware(of device: RecordID) throws(StoreError) -> BoundBoard? {
    let binding = try db.first(
      """
      SELECT generation, made_at, evidence, binding.factory_order, batch, made_by, station
      FROM binding LEFT JOIN factory_order ON factory_order.record = binding.factory_order
      WHERE device = ? AND ended_at IS NULL
      """, device
    ) { (row) throws(StoreError) in
      BoundBoard(
        generation: try row.position(0), since: row.time(1), evidence: Evidence.Kind(rawValue: row.text(2)),
        provisioned: try provisioned(row))
    }
    guard let binding else { return nil }
    let hardware = try db.all(
      """
      SELECT hardware_id, assurance FROM bound_hardware JOIN hardware ON hardware.record = bound_hardware.hardware
      WHERE bound_hardware.device = ? AND generation = ? AND hardware_id IS NOT NULL ORDER BY hardware.id
      """, device, binding.generation
    ) { (row) throws(StoreError) in
      DeviceDetail.Hardware(hardware: try row.hardwareID(0), assurance: try row.value(1))
    }
    return binding.with(hardware)
  }

  /// Of a row with order, batch, maker and the order's station from column 3 on.
  private func provisioned(_ row: Row) throws(StoreError) -> ProvisioningSummary? {
    guard let batch = try row.optional(4, Row.record) else { return nil }
    let station = try stationName(madeBy: row.text(5), orderOf: row.optional(6, Row.record))
    return ProvisioningSummary(
      order: try recordName(of: row.optional(3, Row.record)), batch: batch, station: station.flatMap { RecordName($0) })
  }
}

private struct BoundBoard {
  let generation: UInt64
  let since: Timestamp
  let evidence: Evidence.Kind?
  let provisioned: ProvisioningSummary?
  private(set) var hardware: [DeviceDetail.Hardware] = []

  init(generation: UInt64, since: Timestamp, evidence: Evidence.Kind?, provisioned: ProvisioningSummary?) {
    self.generation = generation
    self.since = since
    self.evidence = evidence
    self.provisioned = provisioned
  }

  func with(_ hardware: [DeviceDetail.Hardware]) -> BoundBoard {
    var board = self
    board.hardware = hardware
    return board
  }
}

extension Row {
  func hardwareID(_ column: Int32) throws(StoreError) -> HardwareID {
    try parsed(column, try? HardwareID.parse(text(column)).get())
  }
}
