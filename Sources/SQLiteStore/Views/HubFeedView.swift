import CertificateAuthority
import DeviceRegistry
import KeyVault
import MusterModel
import Policy

/// Which events each hub must know of. It rests on what never changes of a record (a hub's groups, a device's group and hub,
/// a certificate's subject), so that it is the same whenever it is made again.
enum HubFeedView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(HubAdded.self) { (event, db) throws(StoreError) in
      for group in event.body.groups {
        try db.run(
          "INSERT OR IGNORE INTO hub_group(device_group, hub) SELECT ?, id FROM hub WHERE record = ?", group,
          event.body.hub)
      }
    }
    projections.on(DeviceEnrolled.self, enrolled)
    projections.on(DeviceEnrolledWithKeys.self, enrolled)
    projections.on(DeviceStateChanged.self) { (event, db) throws(StoreError) in
      try note(event.body.device, event.origin, db)
    }
    projections.on(DeviceKeysMade.self) { (event, db) throws(StoreError) in
      try note(event.body.device, event.origin, db)
    }
    projections.on(RolloverKeyMade.self) { (event, db) throws(StoreError) in
      try note(event.body.device, event.origin, db)
    }
    projections.on(RolloverKeyEnded.self) { (event, db) throws(StoreError) in
      try note(event.body.device, event.origin, db)
    }
    projections.on(CertificateRevoked.self) { (event, db) throws(StoreError) in
      try note(subjectOf: event.body.certificate, event.origin, db)
    }
    projections.on(CertificateReleased.self) { (event, db) throws(StoreError) in
      try note(subjectOf: event.body.certificate, event.origin, db)
    }
  }

  private static func enrolled(_ event: Recorded<some EnrollmentBody>, _ db: Connection) throws(StoreError) {
    let body = event.body
    guard body.hub != nil || body.group != nil else { return }
    for hub in try db.hubs(of: body.hub, body.group) {
      try db.insert(into: "hub_change(hub, position)", hub, event.origin.position, conflict: .ignored)
    }
  }

  private static func note(_ device: RecordID, _ origin: EventOrigin, _ db: Connection) throws(StoreError) {
    try db.run(
      """
      INSERT OR IGNORE INTO hub_change(hub, position)
      SELECT hub.id, ?2 FROM device JOIN hub ON hub.record = device.hub WHERE device.record = ?1
      UNION ALL
      SELECT hub_group.hub, ?2 FROM device JOIN hub_group ON hub_group.device_group = device.device_group
      WHERE device.record = ?1
      """, device, origin.position)
  }

  private static func note(
    subjectOf certificate: RecordID, _ origin: EventOrigin, _ db: Connection
  ) throws(StoreError) {
    let subject = try db.first(
      "SELECT subject FROM certificate WHERE record = ? AND subject IS NOT NULL", certificate, read: Row.record)
    if let subject, subject.kind == .device { try note(subject, origin, db) }
  }
}
