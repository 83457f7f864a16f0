import DeviceRegistry
import Enrollment
import KeyVault
import MusterModel

/// A rollover's row.
struct RolloverColumns {
  let row: Int64
  let record: RecordID
  let kind: RolloverKind
  let devices: DeviceQuery
  /// nil for a rollover of keys.
  let certificates: LeavingCertificates?
  let plan: RolloverPlan
  let state: RolloverState
  let cause: RolloverStateChanged.Cause
  let changed: Timestamp
  let planned: Timestamp
  let started: Timestamp?
  let wave: UInt32
  let waveOpened: Timestamp
  let target: UInt64
  let refused: UInt64
}

extension Snapshot {
  func rolloverColumns(_ record: RecordID) throws(StoreError) -> RolloverColumns? {
    try db.first(
      """
      SELECT id, record, device_group, canary, step, quorum, soak, overlap, deadline, refusals, breaks, state, cause,
        changed_at, planned_at, started_at, wave, coalesce(wave_at, 0), target, refused, kind, leaving_issuer, hub, batch
      FROM rollover WHERE record = ?
      """, record
    ) { (row) throws(StoreError) in
      let kind: RolloverKind = try row.value(20)
      let leaving = LeavingCertificates(issuerKeyID: row.isNull(21) ? nil : row.text(21))
      return RolloverColumns(
        row: row.int(0), record: try row.record(1), kind: kind,
        devices: DeviceQuery(
          group: try row.optional(2, Row.record), hub: try row.optional(22, Row.record),
          batch: try row.optional(23, Row.record)),
        certificates: kind == .certificates ? leaving : nil,
        plan: RolloverPlan(
          canary: try row.number(3), step: try row.number(4), quorum: try row.number(5), soak: try row.position(6),
          overlap: try row.position(7), deadline: row.time(8), refusals: try row.number(9),
          breaks: try row.position(10)),
        state: try row.value(11), cause: try row.value(12), changed: row.time(13), planned: row.time(14),
        started: row.isNull(15) ? nil : row.time(15), wave: try row.number(16), waveOpened: row.time(17),
        target: try row.position(18), refused: try row.position(19))
    }
  }

  func campaign(_ found: RolloverColumns) throws(StoreError) -> RolloverCampaign {
    var waves: [UInt32: RolloverCampaign.Counts] = [:]
    try db.each("SELECT wave, stage, devices FROM rollover_count WHERE rollover = ?", found.row) {
      (row) throws(StoreError) in
      waves[try row.number(0), default: [:]][try row.value(1, DeviceRollover.Stage.self)] = try row.position(2)
    }
    let firstProved =
      try db.first(
        "SELECT min(since) FROM rollover_device WHERE rollover = ? AND stage = 'proved'", found.row
      ) { (row) throws(StoreError) in row.isNull(0) ? nil : row.time(0) } ?? nil
    return RolloverCampaign(
      found.kind, plan: found.plan, state: found.state, wave: found.wave, waveOpened: found.waveOpened,
      target: found.target,
      waves: waves, firstProved: firstProved, refused: found.refused)
  }

  func rollover(_ record: RecordID) throws(StoreError) -> RolloverSnapshot? {
    guard let found = try rolloverColumns(record) else { return nil }
    return RolloverSnapshot(
      record: record, version: try version(of: record), devices: found.devices, certificates: found.certificates,
      state: found.state, hasRival: try db.isRolloverUnderWay(found.kind, of: found.devices, besides: record))
  }

  /// In the rollover that the device is in; else in the last that took its old key.
  func deviceRollover(of device: RecordID) throws(StoreError) -> DeviceRollover? {
    if let open = try db.openRollover(of: device) { return open.device }
    return try db.first(
      """
      SELECT stage, known_version, made_version, proofs, since FROM rollover_device
      WHERE device = ? AND kind = 'keys' AND stage = 'broken' ORDER BY id DESC LIMIT 1
      """, device, read: { (row) throws(StoreError) in try row.deviceRollover(at: 0) })
  }

  func rolloversUnderWay() throws(StoreError) -> [RolloverSituation] {
    let records = try db.all(
      "SELECT record FROM rollover WHERE state IN ('running', 'paused', 'aborting') ORDER BY id",
      read: { (row) throws(StoreError) in try row.record(0) })
    return try records.map { record throws(StoreError) in
      guard let found = try rolloverColumns(record) else { throw .damaged("no rollover \(record)") }
      return RolloverSituation(
        record: record, campaign: try campaign(found),
        reads: ReadSet([.record(record): try version(of: record), .vault: try version(of: .vault)]))
    }
  }

  /// Devices of a rollover at some stages since a time or longer, those that are longest first.
  func members(
    of record: RecordID, _ kind: RolloverKind, at stages: [DeviceRollover.Stage], since time: Timestamp, limit: Int
  ) throws(StoreError) -> [(device: RecordID, rollover: DeviceRollover)] {
    // Of each stage in the order of its index; of all of them the first.
    var found: [(device: RecordID, rollover: DeviceRollover)] = []
    for stage in stages {
      found += try db.all(RolloverQuery.members, record, stage.rawValue, time, limit) { (row) throws(StoreError) in
        (try row.record(5), try row.deviceRollover(at: 0, kind))
      }
    }
    found.sort { $0.rollover.since < $1.rollover.since }
    return Array(found.prefix(limit))
  }

  func rolloverMembers(
    of record: RecordID, at stages: [DeviceRollover.Stage], since time: Timestamp, limit: Int
  ) throws(StoreError) -> [RolloverMember] {
    try members(of: record, .keys, at: stages, since: time, limit: limit).map {
      (device, rollover) throws(StoreError) in
      guard let keys = try deviceKeys(of: device) else { throw .damaged("no keys of \(device)") }
      return RolloverMember(
        device: device, version: try version(of: device), rollover: rollover, keys: DeviceKeysSnapshot(keys))
    }
  }
}

extension Connection {
  /// Whether one of this kind is under way that may be of some of the devices: it names no other group, hub or batch.
  func isRolloverUnderWay(
    _ kind: RolloverKind, of devices: DeviceQuery, besides record: RecordID? = nil
  ) throws(StoreError) -> Bool {
    try exists(
      """
      SELECT 1 FROM rollover WHERE state IN ('running', 'paused', 'aborting') AND kind = ? AND record IS NOT ?
        AND (device_group = ?) IS NOT FALSE AND (hub = ?) IS NOT FALSE AND (batch = ?) IS NOT FALSE
      """, kind.rawValue, record, devices.group, devices.hub, devices.batch)
  }
}

extension DeviceKeysSnapshot {
  init(_ keys: StoredDeviceKeys) {
    self.init(
      generation: keys.generation, primary: keys.sealed[0], secondary: keys.secondary.map { _ in keys.sealed[1] },
      deliverUntil: keys.deliverUntil, lastVersion: keys.last, proved: keys.proved)
  }
}

extension [DeviceRollover.Stage] {
  /// As a JSON list, which a query takes as one parameter.
  var list: String { "[" + map { "\"\($0.rawValue)\"" }.joined(separator: ",") + "]" }
}
