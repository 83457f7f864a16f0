import DeviceRegistry
import Enrollment
import MusterModel

/// Patterns come before hardware IDs: the places of the former begin at 0, those of the latter here.
private let hardwarePlaces: Int64 = 1 << 52

extension Snapshot {
  /// The patterns that are listed now, then the hardware IDs that have a record, each in the order in which they came.
  func hardware(_ request: PageRequest, in scope: GroupScope) throws -> Page<HardwareSummary> {
    let start = try request.start()
    var rows: [Placed<HardwareSummary>] = start < hardwarePlaces ? try patternRows(after: start, in: scope) : []
    if rows.count < request.probe {
      rows += try hardwareRows(
        after: max(start - hardwarePlaces, -1), limit: request.probe - rows.count, in: scope)
    }
    return request.page(Array(rows.prefix(request.probe)))
  }

  private func patternRows(
    after start: Int64, in scope: GroupScope
  ) throws(StoreError) -> [Placed<HardwareSummary>] {
    try db.all(
      """
      SELECT position, pattern, listing, device_group FROM hardware_pattern AS last
      WHERE (?1 IS NULL OR device_group IN (SELECT value FROM json_each(?1))) AND pattern IS NOT NULL
        AND listing <> 'none' AND position > ?2 AND NOT EXISTS (
        SELECT 1 FROM hardware_pattern AS later
        WHERE later.pattern = last.pattern AND later.position > last.position)
      ORDER BY position
      """, scope.list, start
    ) { (row) throws(StoreError) in
      let listed = try details(HardwarePatternListed.self, at: row.position(0))
      return Placed(
        place: row.int(0),
        summary: HardwareSummary(
          pattern: try row.parsed(1, HardwarePattern(row.text(1))), listing: try row.value(2),
          group: try recordName(of: row.optional(3, Row.record)), reason: listed?.reason))
    }
  }

  /// What is a device is in the device's group; other hardware is in the one that it is allowed for.
  private func hardwareRows(
    after start: Int64, limit: Int, in scope: GroupScope
  ) throws(StoreError) -> [Placed<HardwareSummary>] {
    try db.all(
      """
      SELECT hardware.id, hardware.record, hardware_id, listing, listing_group, listed_position, device_id
      FROM hardware LEFT JOIN device ON device.record = hardware.device
      WHERE (?1 IS NULL
          OR CASE WHEN device.record IS NULL THEN listing_group ELSE device.device_group END
            IN (SELECT value FROM json_each(?1)))
        AND hardware.id > ?2 ORDER BY hardware.id LIMIT ?3
      """, scope.list, start, limit
    ) { (row) throws(StoreError) in
      Placed(place: row.int(0) + hardwarePlaces, summary: try hardwareSummary(row))
    }
  }

  private func hardwareSummary(_ row: Row) throws(StoreError) -> HardwareSummary {
    let listed = row.isNull(5) ? nil : try details(HardwareListed.self, at: row.position(5))
    return HardwareSummary(
      record: try row.record(1), hardware: try row.optional(2, Row.hardwareID), listing: try row.value(3),
      group: try recordName(of: row.optional(4, Row.record)),
      device: row.isNull(6) ? nil : try row.parsed(6, DeviceID(row.text(6))), reason: listed?.reason)
  }
}
