import DeviceRegistry
import Enrollment
import MusterModel

extension Snapshot {
  /// Hardware IDs that have a record, in the order in which they got it.
  func hardware(_ request: PageRequest) throws -> Page<HardwareSummary> {
    request.page(
      try db.all(
        """
        SELECT hardware.id, hardware.record, hardware_id, listing, listing_group, listed_position, device_id
        FROM hardware
          LEFT JOIN bound_hardware ON bound_hardware.hardware = hardware.record AND bound_hardware.ended_at IS NULL
          LEFT JOIN binding ON binding.id = bound_hardware.binding
          LEFT JOIN device ON device.record = binding.device
        WHERE hardware.id > ? ORDER BY hardware.id LIMIT ?
        """, try request.start(), request.probe
      ) { (row) throws(StoreError) in Placed(place: row.int(0), summary: try hardwareSummary(row)) })
  }

  private func hardwareSummary(_ row: Row) throws(StoreError) -> HardwareSummary {
    let listed = row.isNull(5) ? nil : try details(HardwareListed.self, at: row.position(5))
    return HardwareSummary(
      record: try row.record(1), hardware: try row.optional(2, Row.hardwareID), listing: try row.value(3),
      group: try recordName(of: row.optional(4, Row.record)),
      device: row.isNull(6) ? nil : try row.parsed(6, DeviceID(row.text(6))), reason: listed?.reason)
  }
}
