import DeviceRegistry
import HubAccess
import KeyVault
import MusterModel

/// The devices whose tokens one hub shows, from one snapshot: of each no more than its tokens are judged by, for a hub asks
/// at every connection. The patterns of the blocklist and the hub's row are read once for all of them.
struct KeyHolderReading {
  private let snapshot: Snapshot
  private let hub: RecordID
  /// The hub's row.
  private let number: Int64
  private let patterns: PatternsSnapshot

  init(_ snapshot: Snapshot, hub: RecordID) throws(StoreError) {
    self.snapshot = snapshot
    self.hub = hub
    // No row has the number 0.
    number = try snapshot.db.first("SELECT id FROM hub WHERE record = ?", hub) { row in row.int(0) } ?? 0
    patterns = try snapshot.patterns()
  }

  private struct Columns {
    let device: RecordID
    let deviceID: DeviceID
    let state: DeviceState
    let generation: UInt64?
    let keys: [(version: UInt32, bytes: [UInt8]?)]
    let proved: UInt32?
    let rollover: (device: DeviceRollover, isRefused: Bool)?
  }

  /// nil where there is no such device, or it is not assigned to the hub.
  func holder(_ id: DeviceID) throws(StoreError) -> KeyHolder? {
    guard let found = try columns(id) else { return nil }
    let sealed = try found.keys.map { key throws(StoreError) in
      guard let bytes = key.bytes else { throw .damaged("no sealed key \(key.version) of \(found.device)") }
      return SealedSecret(
        owner: found.device, purpose: DeviceKeyPair.purpose, version: key.version, bytes: bytes)
    }
    return KeyHolder(
      device: found.device, deviceID: found.deviceID, state: found.state, isBlocked: try isBlocked(found),
      sealed: sealed, proved: found.proved, rollover: try rollover(found))
  }

  private func rollover(_ found: Columns) throws(StoreError) -> KeyHolder.HeldRollover? {
    guard let (device, isRefused) = found.rollover else { return nil }
    return KeyHolder.HeldRollover(
      device: device, isRefused: isRefused, version: try snapshot.version(of: found.device))
  }

  private func columns(_ id: DeviceID) throws(StoreError) -> Columns? {
    try snapshot.db.first(
      """
      SELECT device.record, device_id, state, binding.generation, primary_version,
        (SELECT bytes FROM secret WHERE owner = device.record AND purpose = ?4 AND version = primary_version),
        secondary_version,
        (SELECT bytes FROM secret WHERE owner = device.record AND purpose = ?4 AND version = secondary_version),
        proved_version, stage, known_version, made_version, proofs, since, is_refused
      FROM device
        LEFT JOIN binding ON binding.device = device.record AND binding.ended_at IS NULL
        LEFT JOIN device_key ON device_key.device = device.record AND device_key.generation = binding.generation
        LEFT JOIN rollover_device ON rollover_device.device = device.record AND rollover_device.is_open = 1
          AND rollover_device.kind = 'keys'
      WHERE folded = ?1 AND state <> 'retired' AND (device.hub = ?2 OR EXISTS (
        SELECT 1 FROM hub_group WHERE hub_group.device_group = device.device_group AND hub_group.hub = ?3))
      """, id.folded, hub, number, DeviceKeyPair.purpose
    ) { (row) throws(StoreError) in
      Columns(
        device: try row.record(0), deviceID: try row.parsed(1, DeviceID(row.text(1))), state: try row.value(2),
        generation: row.isNull(3) ? nil : try row.position(3),
        keys: try [Int32]([4, 6]).filter { !row.isNull($0) }.map { column throws(StoreError) in
          (version: try row.number(column), bytes: row.isNull(column + 1) ? nil : row.bytes(column + 1))
        },
        proved: row.isNull(8) ? nil : try row.number(8),
        rollover: row.isNull(9) ? nil : (try row.deviceRollover(at: 9), row.bool(14)))
    }
  }

  private func isBlocked(_ found: Columns) throws(StoreError) -> Bool {
    guard let generation = found.generation else { return false }
    let bound = try snapshot.db.all(
      "SELECT hardware FROM bound_hardware WHERE device = ? AND generation = ?", found.device, generation,
      read: { (row) throws(StoreError) in try row.record(0) })
    return try snapshot.isBlocked(bound, patterns)
  }
}

extension Snapshot {
  /// Whether some of that hardware is on the blocklist.
  func isBlocked(_ bound: [RecordID], _ patterns: PatternsSnapshot) throws(StoreError) -> Bool {
    for record in bound {
      guard let hardware = try hardware(record) else { continue }
      if Registry.standing(of: KnownHardware(hardware.id, hardware), patterns: patterns) == .blocked { return true }
    }
    return false
  }
}
