import CertificateAuthority
import DeviceRegistry
import HubAccess
import KeyVault
import MusterModel

/// Devices as one hub sees them, from one snapshot. The patterns of the blocklist are read once for all of them.
struct HubDeviceReading {
  /// The most certificates of a device that are shown, the newest.
  private static let certificateLimit = 64

  let snapshot: Snapshot
  let hub: RecordID
  let time: Timestamp
  private let patterns: PatternsSnapshot

  init(_ snapshot: Snapshot, hub: RecordID, at time: Timestamp) throws(StoreError) {
    self.snapshot = snapshot
    self.hub = hub
    self.time = time
    patterns = try snapshot.patterns()
  }

  /// Device rows after a place, with that place, at most `limit`; of what names the hub, and of each of its groups, no
  /// more is looked at.
  func page(after place: Int64, limit: Int) throws(StoreError) -> [(place: Int64, device: SealedDevice?)] {
    let rows = try snapshot.db.all(
      """
      SELECT id, record FROM device
      WHERE id IN (
        SELECT id FROM (
          SELECT id FROM device WHERE hub = ?2 AND id > ?1 AND state <> 'retired' AND device_id IS NOT NULL
          ORDER BY id LIMIT ?3)
        UNION ALL
        SELECT seen.id
        FROM hub CROSS JOIN hub_group ON hub_group.hub = hub.id CROSS JOIN device AS seen
        WHERE hub.record = ?2 AND seen.id IN (
          SELECT id FROM device
          WHERE device_group = hub_group.device_group AND id > ?1 AND state <> 'retired' AND device_id IS NOT NULL
          ORDER BY id LIMIT ?3))
      ORDER BY id LIMIT ?3
      """, place, hub, limit
    ) { (row) throws(StoreError) in (row.int(0), try row.record(1)) }
    return try rows.map { (place, record) throws(StoreError) in
      (place: place, device: try snapshot.device(record).flatMap { device throws(StoreError) in try shown(device) })
    }
  }

  /// nil where there is no such device, or it is not assigned to the hub.
  func device(_ id: DeviceID) throws(StoreError) -> SealedDevice? {
    guard let device = try snapshot.device(id), try isAssigned(device.record) else { return nil }
    return try shown(device)
  }

  func device(of key: CertificateKey) throws(StoreError) -> SealedDevice? {
    let subject =
      switch key {
      case .fingerprint(let digest):
        try snapshot.db.certificates(
          with: digest, "SELECT subject FROM certificate WHERE id = ? AND der = ? AND subject IS NOT NULL",
          read: Row.record
        ).first
      case .serial(let serial):
        try snapshot.db.first(
          """
          SELECT subject FROM certificate
          WHERE issuer IN (SELECT key_id FROM issuer) AND serial = ? AND subject IS NOT NULL
          """, Hex.decode(serial), read: Row.record)
      }
    guard let subject, subject.kind == .device, try isAssigned(subject), let device = try snapshot.device(subject)
    else { return nil }
    return try shown(device)
  }

  private func isAssigned(_ device: RecordID) throws(StoreError) -> Bool {
    try snapshot.db.exists(
      """
      SELECT 1 FROM device WHERE record = ?1 AND (hub = ?2 OR device_group IN (
        SELECT hub_group.device_group FROM hub_group JOIN hub ON hub.id = hub_group.hub WHERE hub.record = ?2))
      """, device, hub)
  }

  private func shown(_ device: DeviceSnapshot) throws(StoreError) -> SealedDevice {
    let keys = try keys(of: device)
    let shown = HubDevice(
      device: device.record, deviceID: device.id, state: device.state,
      isBlocked: try snapshot.isBlocked(device.binding?.hardware.map(\.hardware) ?? [], patterns),
      generation: device.lastGeneration, certificates: try certificates(of: device.record), keys: keys?.shown ?? [])
    return SealedDevice(device: shown, sealed: keys?.sealed ?? [])
  }

  private func certificates(of device: RecordID) throws(StoreError) -> [HubDevice.Certificate] {
    try snapshot.db.all(
      """
      SELECT serial, der, issuer, not_before, min(not_after, coalesce(overlap_until, not_after)), revoked_at,
        revoked_reason
      FROM certificate WHERE subject = ?1 AND min(not_after, coalesce(overlap_until, not_after)) > ?2
      ORDER BY id DESC LIMIT ?3
      """, device, time, HubDeviceReading.certificateLimit
    ) { (row) throws(StoreError) in
      HubDevice.Certificate(
        serial: Hex.encode(row.bytes(0)), fingerprint: try row.digest(1), issuerKeyID: row.text(2),
        notBefore: row.time(3), notAfter: row.time(4), reason: row.isNull(5) ? nil : try row.value(6))
    }.reversed()
  }

  private struct Keys {
    let shown: [HubDevice.Key]
    let sealed: [SealedSecret]
  }

  /// nil where the present binding has none: the keys of a board that left the device prove nothing.
  private func keys(of device: DeviceSnapshot) throws(StoreError) -> Keys? {
    guard let generation = device.binding?.generation,
      let keys = try snapshot.deviceKeys(of: device.record), keys.generation == generation
    else { return nil }
    return Keys(
      shown: [HubDevice.Key(slot: .primary, version: keys.primary.version, check: keys.primary.check)]
        + [keys.secondary].compactMap(\.self).map {
          HubDevice.Key(slot: .secondary, version: $0.version, check: $0.check)
        },
      sealed: keys.sealed)
  }
}

/// What the views say of a device's keys, with the sealed bytes of the two in use.
struct StoredDeviceKeys {
  let generation: UInt64
  let primary: DeviceKeysMade.Key
  let secondary: DeviceKeysMade.Key?
  let last: UInt32
  let deliverUntil: Timestamp?
  let proved: UInt32?
  /// The primary's first.
  var sealed: [SealedSecret] = []
}

extension Snapshot {
  /// The hub in office that the device talks to: the one that its group named, else the first that sees its group.
  func hub(ofDevice device: RecordID) throws(StoreError) -> RecordID? {
    try db.first(
      """
      SELECT hub.record FROM device JOIN hub ON hub.record = device.hub
      WHERE device.record = ?1 AND removed_at IS NULL
      UNION ALL
      SELECT hub.record FROM device JOIN hub_group ON hub_group.device_group = device.device_group
        JOIN hub ON hub.id = hub_group.hub
      WHERE device.record = ?1 AND removed_at IS NULL
      LIMIT 1
      """, device, read: Row.record)
  }

  /// nil where it never had any, and where they are destroyed.
  func deviceKeys(of device: RecordID) throws(StoreError) -> StoredDeviceKeys? {
    let stored = try db.first(
      """
      SELECT generation, primary_version, primary_check, secondary_version, secondary_check, last_version, deliver_until,
        proved_version
      FROM device_key WHERE device = ? AND is_destroyed = 0
      """, device
    ) { (row) throws(StoreError) in
      StoredDeviceKeys(
        generation: try row.position(0), primary: .init(version: try row.number(1), check: row.text(2)),
        secondary: row.isNull(3) ? nil : .init(version: try row.number(3), check: row.text(4)),
        last: try row.number(5), deliverUntil: row.isNull(6) ? nil : row.time(6),
        proved: try row.optional(7, Row.number))
    }
    guard var keys = stored else { return nil }
    for version in [keys.primary.version, keys.secondary?.version].compactMap(\.self) {
      let bytes = try db.first(
        "SELECT bytes FROM secret WHERE owner = ? AND purpose = ? AND version = ?", device, DeviceKeyPair.purpose,
        version
      ) { (row) throws(StoreError) in row.bytes(0) }
      guard let bytes else { throw .damaged("no sealed key \(version) of \(device)") }
      keys.sealed.append(
        SealedSecret(owner: device, purpose: DeviceKeyPair.purpose, version: version, bytes: bytes))
    }
    return keys
  }
}
