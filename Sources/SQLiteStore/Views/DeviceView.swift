import CertificateAuthority
import DeviceRegistry
import Ledger
import MusterModel

/// Devices: what they are called, what they may, when they were last seen and refused.
enum DeviceView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(DeviceEnrolled.self, enrolled)
    projections.on(DeviceEnrolledWithKeys.self, enrolled)
    projections.on(DeviceStateChanged.self, stateChanged)
    projections.on(CertificateIssued.self, certificateIssued)
    projections.on(RequestRefused.self, refused)
    projections.onErasure(of: DeviceEnrolled.self, erased)
    projections.onErasure(of: DeviceEnrolledWithKeys.self, erased)
  }

  private static func enrolled(_ event: Recorded<some EnrollmentBody>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    guard body.isNew else {
      try db.writeRows()
      try count(-1, body.device, db)
      try db.change(
        "UPDATE device SET device_group = ?, hub = ?, generation = ?, last_seen_at = ? WHERE record = ?", body.group,
        body.hub, body.generation, origin.at, body.device)
      return try count(1, body.device, db)
    }
    try db.insert(
      into:
        "device(record, device_id, folded, state, device_group, hub, generation, created_at, position, last_seen_at)",
      body.device, event.details?.deviceID.text, event.details?.deviceID.folded, DeviceState.enabled.rawValue,
      body.group, body.hub, body.generation, origin.at, origin.position, origin.at)
    if let group = body.group { db.countDevice(in: group) }
  }

  private static func stateChanged(_ event: Recorded<DeviceStateChanged>, _ db: Connection) throws(StoreError) {
    try count(-1, event.body.device, db)
    try db.change("UPDATE device SET state = ? WHERE record = ?", event.body.state.rawValue, event.body.device)
    try count(1, event.body.device, db)
  }

  /// Adds to its group's count of devices that are not retired: once before a device changes, and once after.
  private static func count(_ change: Int, _ device: RecordID, _ db: Connection) throws(StoreError) {
    try db.run(
      """
      UPDATE device_group SET devices = devices + ?
      WHERE record = (SELECT device_group FROM device WHERE record = ? AND state <> 'retired')
      """, change, device)
  }

  /// A device that renews was seen; what others issue for it says nothing of it.
  private static func certificateIssued(_ event: Recorded<CertificateIssued>, _ db: Connection) throws(StoreError) {
    guard let record = event.origin.by.record, record.kind == .device else { return }
    try db.writeRows()
    try db.run("UPDATE device SET last_seen_at = ? WHERE record = ?", event.origin.at, record)
  }

  private static func refused(_ event: Recorded<RequestRefused>, _ db: Connection) throws(StoreError) {
    for record in event.origin.records(.device) {
      try db.run(
        "UPDATE device SET refused_at = ?, refused_code = ?, refused_position = ? WHERE record = ?", event.origin.at,
        event.body.code, event.origin.position, record)
    }
  }

  private static func erased(_ event: Recorded<some EnrollmentBody>, _ db: Connection) throws(StoreError) {
    try db.run(
      "UPDATE device SET device_id = NULL, folded = NULL WHERE record = ? AND position = ?", event.body.device,
      event.origin.position)
  }
}

extension EventOrigin {
  /// The records of one kind that the event concerns.
  func records(_ kind: RecordID.Kind) -> [RecordID] { on.compactMap(\.record).filter { $0.kind == kind } }
}
