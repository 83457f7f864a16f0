import DeviceRegistry
import KeyVault
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
      for device in event.body.devices { try move(device, .left(event.body.cause), event.origin, db) }
    }
    projections.on(RolloverTokensRefused.self, tokensRefused)
    registerOthers(in: &projections)
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
      try moveIfOpen(event.body.device, .removed, event.origin, db)
    }
  }

  private static func planned(_ event: Recorded<RolloverPlanned>, _ db: Connection) throws(StoreError) {
    let (body, plan, origin) = (event.body, event.body.plan, event.origin)
    try db.run(
      """
      INSERT INTO rollover(
        record, device_group, canary, step, quorum, soak, overlap, deadline, refusals, breaks, state, cause, changed_at,
        planned_by, planned_at, wave, target, refused, position)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)
      """, body.rollover, body.group, plan.canary, plan.step, plan.quorum, plan.soak, plan.overlap, plan.deadline,
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
    guard let row = try db.first("SELECT id FROM rollover WHERE record = ?", body.rollover, read: { $0.int(0) }) else {
      throw .conflict("devices that enter no rollover")
    }
    let fresh = DeviceRollover(at: event.origin.at)
    for device in body.devices {
      try db.run(
        """
        INSERT INTO rollover_device(rollover, device, wave, stage, is_open, proofs, since, is_refused)
        VALUES (?, ?, ?, ?, 1, ?, ?, 0)
        """, row, device, body.wave, fresh.stage.rawValue, fresh.proofs, fresh.since)
      try count(1, row, body.wave, fresh.stage, db)
    }
    try db.run("UPDATE rollover SET last_entered = coalesce(?, last_entered) WHERE id = ?", body.devices.last, row)
  }

  private static func tokensRefused(_ event: Recorded<RolloverTokensRefused>, _ db: Connection) throws(StoreError) {
    for device in event.body.devices {
      try db.run(
        """
        UPDATE rollover SET refused = refused + 1 WHERE id = (
          SELECT rollover FROM rollover_device WHERE device = ? AND is_open = 1 AND is_refused = 0)
        """, device)
      try db.run("UPDATE rollover_device SET is_refused = 1 WHERE device = ? AND is_open = 1", device)
    }
  }

  // MARK: - One device

  private static func move(
    _ device: RecordID, _ move: DeviceRollover.Move, _ origin: EventOrigin, _ db: Connection
  ) throws(StoreError) {
    guard try moveIfOpen(device, move, origin, db) else { throw .conflict("a device that is in no rollover") }
  }

  /// Whether the device is in one.
  @discardableResult private static func moveIfOpen(
    _ device: RecordID, _ move: DeviceRollover.Move, _ origin: EventOrigin, _ db: Connection
  ) throws(StoreError) -> Bool {
    guard let found = try db.openRollover(of: device) else { return false }
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
  func openRollover(of device: RecordID) throws(StoreError) -> OpenRollover? {
    try first(
      """
      SELECT stage, known_version, made_version, proofs, since, id, rollover, wave, is_refused FROM rollover_device
      WHERE device = ? AND is_open = 1
      """, device
    ) { (row) throws(StoreError) in
      OpenRollover(
        row: row.int(5), rollover: row.int(6), wave: try row.number(7), device: try row.deviceRollover(at: 0),
        isRefused: row.bool(8))
    }
  }
}

extension Row {
  /// `stage, known_version, made_version, proofs, since` from a column on.
  func deviceRollover(at column: Int32) throws(StoreError) -> DeviceRollover {
    DeviceRollover(
      stage: try value(column), known: try optional(column + 1, Row.number), made: try optional(column + 2, Row.number),
      proofs: try number(column + 3), since: time(column + 4))
  }
}
