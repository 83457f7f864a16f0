import DeviceRegistry
import MusterModel

/// Which hardware was which device, from when to when. At most one binding of a device is active; that of hardware is
/// `HardwareView`'s to hold.
enum BindingView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(DeviceEnrolled.self, made)
    projections.on(DeviceEnrolledWithKeys.self, made)
    projections.on(BindingEnded.self, ended)
  }

  private static func made(_ event: Recorded<some EnrollmentBody>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.insert(
      into: """
        binding(
          device, generation, evidence, ticket, public_key, certificate, made_by, made_at, position, factory_order, batch)
        """, body.device, body.generation, body.evidence, body.ticket, body.requester, body.issued,
      origin.by.description, origin.at, origin.position, body.order, body.batch)
    for bound in body.hardware {
      try db.insert(
        into: "bound_hardware(device, generation, hardware, assurance)", body.device, body.generation, bound.hardware,
        bound.assurance.rawValue)
    }
  }

  private static func ended(_ event: Recorded<BindingEnded>, _ db: Connection) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    try db.change(
      """
      UPDATE binding SET ended_at = ?, ended_reason = ?, ended_position = ?
      WHERE device = ? AND generation = ? AND ended_at IS NULL
      """, origin.at, body.reason.rawValue, origin.position, body.device, body.generation)
    try db.run(
      "UPDATE bound_hardware SET ended_at = ? WHERE device = ? AND generation = ?", origin.at, body.device,
      body.generation)
  }
}
