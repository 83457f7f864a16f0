import CertificateAuthority
import DeviceRegistry
import Enrollment
import KeyVault
import Ledger
import MusterModel

/// Rollovers: what they are to do, how far they are, and where each device stands, by the machine that decides.
enum RolloverView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(RolloverPlanned.self, planned)
    projections.on(RolloverStateChanged.self, stateChanged)
    projections.on(RolloverWaveOpened.self) { (event, db) throws(StoreError) in
      try db.change(
        "UPDATE rollover SET wave = ?, wave_at = ?, target = ? WHERE record = ?", event.body.wave, event.origin.at,
        event.body.target, event.body.rollover)
    }
    projections.on(RolloverDevicesEntered.self, entered)
    projections.on(RolloverKeyMade.self) { (event, db) throws(StoreError) in
      let (body, version) = (event.body, event.body.key.version)
      try move(body.device, body.keeps == nil ? .replaced(version) : .made(version), event.origin, db)
    }
    projections.on(RolloverKeysProved.self) { (event, db) throws(StoreError) in
      for proof in event.body.proved { try move(proof.device, .proved(proof.version), event.origin, db) }
    }
    projections.on(RolloverKeyEnded.self) { (event, db) throws(StoreError) in
      try move(event.body.device, .ended(event.body.cause), event.origin, db)
    }
    projections.on(RolloverDevicesLeft.self) { (event, db) throws(StoreError) in
      let kind = try db.rollover(event.body.rollover).kind
      for device in event.body.devices { try move(device, .left(event.body.cause), event.origin, db, kind) }
    }
    projections.on(RolloverTokensRefused.self, tokensRefused)
    registerOthers(in: &projections)
    registerCertificates(in: &projections)
  }

  /// What others do to a device that may be in a rollover.
  private static func registerOthers(in projections: inout Projections) {
    projections.on(DeviceKeyFetched.self) { (event, db) throws(StoreError) in
      try moveIfOpen(event.body.device, .offered, event.origin, db)
    }
    projections.on(DeviceKeysRead.self) { (event, db) throws(StoreError) in
      for device in event.body.devices { try moveIfOpen(device, .offered, event.origin, db) }
    }
    projections.on(DeviceKeysMade.self) { (event, db) throws(StoreError) in
      try moveIfOpen(event.body.device, .removed, event.origin, db)
    }
    projections.on(BindingEnded.self) { (event, db) throws(StoreError) in
      for kind in RolloverKind.allCases { try moveIfOpen(event.body.device, .removed, event.origin, db, kind) }
    }
  }

  private static func planned(_ event: Recorded<RolloverPlanned>, _ db: Connection) throws(StoreError) {
    let (body, plan, origin) = (event.body, event.body.plan, event.origin)
    try db.run(
      """
      INSERT INTO rollover(
        record, kind, device_group, hub, batch, leaving_issuer, canary, step, quorum, soak, overlap, deadline, refusals,
        breaks, state, cause, changed_at, planned_by, planned_at, wave, target, refused, position)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)
      """, body.rollover, body.of.rawValue, body.group, body.hub, body.batch, body.certificates?.issuerKeyID,
      plan.canary, plan.step,
      plan.quorum, plan.soak, plan.overlap, plan.deadline,
      plan.refusals, plan.breaks, RolloverState.planned.rawValue, RolloverStateChanged.Cause.operator.rawValue,
      origin.at, origin.by.description, origin.at, origin.position)
  }

  /// A rollover that goes on is not held up again by what held it up before.
  private static func stateChanged(_ event: Recorded<RolloverStateChanged>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.change(
      """
      UPDATE rollover SET state = ?1, cause = ?2, changed_at = ?3,
        started_at = CASE WHEN ?1 = 'running' THEN coalesce(started_at, ?3) ELSE started_at END,
        started_position = CASE WHEN ?1 = 'running' THEN coalesce(started_position, ?4) ELSE started_position END,
        refused = CASE WHEN ?1 = 'running' THEN 0 ELSE refused END
      WHERE record = ?5
      """, body.state.rawValue, body.cause.rawValue, origin.at, origin.position, body.rollover)
    guard body.state == .running else { return }
    try db.run(
      """
      UPDATE rollover_device SET is_refused = 0
      WHERE is_refused = 1 AND rollover = (SELECT id FROM rollover WHERE record = ?)
      """, body.rollover)
  }

  private static func entered(_ event: Recorded<RolloverDevicesEntered>, _ db: Connection) throws(StoreError) {
    let body = event.body
    let (row, kind) = try db.rollover(body.rollover)
    let fresh = DeviceRollover(kind, at: event.origin.at)
    for device in body.devices {
      try db.run(
        """
        INSERT INTO rollover_device(rollover, kind, device, wave, stage, is_open, proofs, since, is_refused)
        VALUES (?, ?, ?, ?, ?, 1, ?, ?, 0)
        """, row, kind.rawValue, device, body.wave, fresh.stage.rawValue, fresh.proofs, fresh.since)
      try count(1, row, body.wave, fresh.stage, db)
    }
    try db.run("UPDATE rollover SET last_entered = coalesce(?, last_entered) WHERE id = ?", body.devices.last, row)
  }

  private static func tokensRefused(_ event: Recorded<RolloverTokensRefused>, _ db: Connection) throws(StoreError) {
    for device in event.body.devices { try refused(device, .keys, db) }
  }

  private static func refused(_ device: RecordID, _ kind: RolloverKind, _ db: Connection) throws(StoreError) {
    try db.run(
      """
      UPDATE rollover SET refused = refused + 1 WHERE id = (
        SELECT rollover FROM rollover_device WHERE device = ? AND kind = ? AND is_open = 1 AND is_refused = 0)
      """, device, kind.rawValue)
    try db.run(
      "UPDATE rollover_device SET is_refused = 1 WHERE device = ? AND kind = ? AND is_open = 1", device, kind.rawValue)
  }

  // MARK: - Certificates

  private static func registerCertificates(in projections: inout Projections) {
    projections.on(RolloverCertificateProved.self) { (event, db) throws(StoreError) in
      try move(event.body.device, .proved(event.body.version), event.origin, db, .certificates)
    }
    projections.on(RolloverCertificatesEnded.self) { (event, db) throws(StoreError) in
      try move(event.body.device, .ended(event.body.cause), event.origin, db, .certificates)
    }
    projections.on(CertificateIssued.self, issued)
    projections.on(RequestRefused.self) { (event, db) throws(StoreError) in
      guard event.body.operation == DeviceRenewal.operation else { return }
      for device in event.origin.on.compactMap(\.record) { try refused(device, .certificates, db) }
    }
  }

  /// The first certificate that a device in a rollover is given is its new one: those that leave are of before the start.
  private static func issued(_ event: Recorded<CertificateIssued>, _ db: Connection) throws(StoreError) {
    guard let device = event.body.issued.subject, device.kind == .device, try db.isRolloverOpen(),
      let found = try db.openRollover(of: device, .certificates), found.device.made == nil
    else { return }
    try move(device, .made(DeviceRollover.staying), event.origin, db, .certificates)
  }

  // MARK: - One device

  private static func move(
    _ device: RecordID, _ move: DeviceRollover.Move, _ origin: EventOrigin, _ db: Connection,
    _ kind: RolloverKind = .keys
  ) throws(StoreError) {
    guard try moveIfOpen(device, move, origin, db, kind) else { throw .conflict("a device that is in no rollover") }
  }

  /// Whether the device is in one.
  @discardableResult private static func moveIfOpen(
    _ device: RecordID, _ move: DeviceRollover.Move, _ origin: EventOrigin, _ db: Connection,
    _ kind: RolloverKind = .keys
  ) throws(StoreError) -> Bool {
    guard let found = try db.openRollover(of: device, kind) else { return false }
    var moved = found.device
    do throws(RolloverFault) { try moved.move(move, at: origin.at) } catch { throw .conflict("\(error)") }
    guard moved != found.device else { return true }
    try db.run(
      """
      UPDATE rollover_device SET stage = ?, is_open = ?, known_version = ?, made_version = ?, proofs = ?, since = ?
      WHERE id = ?
      """, moved.stage.rawValue, moved.stage.isOpen, moved.known, moved.made, moved.proofs, moved.since, found.row)
    guard moved.stage != found.device.stage else { return true }
    try count(-1, found.rollover, found.wave, found.device.stage, db)
    try count(1, found.rollover, found.wave, moved.stage, db)
    return true
  }

  private static func count(
    _ change: Int, _ rollover: Int64, _ wave: UInt32, _ stage: DeviceRollover.Stage, _ db: Connection
  ) throws(StoreError) {
    try db.run(
      """
      INSERT INTO rollover_count(rollover, wave, stage, devices) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET devices = devices + excluded.devices
      """, rollover, wave, stage.rawValue, change)
  }
}

/// A device's row in the rollover that it is in.
struct OpenRollover {
  let row: Int64
  let rollover: Int64
  let wave: UInt32
  let device: DeviceRollover
  let isRefused: Bool
}

extension Connection {
  func openRollover(of device: RecordID, _ kind: RolloverKind = .keys) throws(StoreError) -> OpenRollover? {
    try first(
      """
      SELECT stage, known_version, made_version, proofs, since, id, rollover, wave, is_refused FROM rollover_device
      WHERE device = ? AND kind = ? AND is_open = 1
      """, device, kind.rawValue
    ) { (row) throws(StoreError) in
      OpenRollover(
        row: row.int(5), rollover: row.int(6), wave: try row.number(7), device: try row.deviceRollover(at: 0, kind),
        isRefused: row.bool(8))
    }
  }

  /// The rollover's row; throws where there is none.
  func rollover(_ record: RecordID) throws(StoreError) -> (row: Int64, kind: RolloverKind) {
    let found = try first("SELECT id, kind FROM rollover WHERE record = ?", record) { (row) throws(StoreError) in
      (row.int(0), try row.value(1, RolloverKind.self))
    }
    guard let found else { throw .conflict("no rollover \(record)") }
    return found
  }
}

extension Row {
  /// `stage, known_version, made_version, proofs, since` from a column on.
  func deviceRollover(at column: Int32, _ kind: RolloverKind = .keys) throws(StoreError) -> DeviceRollover {
    DeviceRollover(
      kind, stage: try value(column), known: try optional(column + 1, Row.number),
      made: try optional(column + 2, Row.number),
      proofs: try number(column + 3), since: time(column + 4))
  }
}
