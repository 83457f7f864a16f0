import CertificateAuthority
import DeviceRegistry
import Enrollment
import KeyVault
import MusterModel

// Rollovers of certificates. What is to leave was issued before the start, by the issuing CA that is to leave where one is
// named: since another took over it issues nothing. In force is what still authenticates, or will once a hold is lifted.

extension Snapshot {
  /// Devices in use that have a certificate in force that is to leave, and that are in no other rollover of certificates. The
  /// order as good as drawn by lot (Knuth's multiplicative hash of the row), so that the first are a sample of all.
  func certificateCandidates(
    of rollover: RecordID, at time: Timestamp, limit: Int
  ) throws(StoreError) -> [RolloverCandidate] {
    let found = try db.all(
      """
      SELECT device.record FROM rollover CROSS JOIN device
        JOIN binding ON binding.device = device.record AND binding.ended_at IS NULL
      WHERE rollover.record = ?1 AND (rollover.device_group IS NULL OR device.device_group = rollover.device_group)
        AND device.state = 'enabled' AND device.device_id IS NOT NULL
        AND EXISTS (
          SELECT 1 FROM certificate
          WHERE certificate.subject = device.record AND certificate.position < rollover.started_position
            AND certificate.issuer = coalesce(rollover.leaving_issuer, certificate.issuer)
            AND certificate.not_after > ?2 AND coalesce(certificate.overlap_until, certificate.not_after) > ?2
            AND coalesce(certificate.revoked_reason, 'certificate-hold') = 'certificate-hold')
        AND NOT EXISTS (
          SELECT 1 FROM rollover_device
          WHERE rollover_device.rollover = rollover.id AND rollover_device.device = device.record)
        AND NOT EXISTS (
          SELECT 1 FROM rollover_device
          WHERE rollover_device.device = device.record AND rollover_device.is_open = 1
            AND rollover_device.kind = 'certificates')
      ORDER BY ((device.id + rollover.id) * 2654435761) & 4294967295, device.id LIMIT ?3
      """, rollover, time, limit, read: Row.record)
    return try found.map { device throws(StoreError) in
      RolloverCandidate(device: device, version: try version(of: device))
    }
  }

  func certificateCandidateCount(of rollover: RecordID, at time: Timestamp) throws(StoreError) -> UInt64 {
    try db.first(
      """
      SELECT count(*) FROM rollover CROSS JOIN device
        JOIN binding ON binding.device = device.record AND binding.ended_at IS NULL
      WHERE rollover.record = ?1 AND (rollover.device_group IS NULL OR device.device_group = rollover.device_group)
        AND device.state = 'enabled' AND device.device_id IS NOT NULL
        AND EXISTS (
          SELECT 1 FROM certificate
          WHERE certificate.subject = device.record AND certificate.position < rollover.started_position
            AND certificate.issuer = coalesce(rollover.leaving_issuer, certificate.issuer)
            AND certificate.not_after > ?2 AND coalesce(certificate.overlap_until, certificate.not_after) > ?2
            AND coalesce(certificate.revoked_reason, 'certificate-hold') = 'certificate-hold')
        AND NOT EXISTS (
          SELECT 1 FROM rollover_device
          WHERE rollover_device.rollover = rollover.id AND rollover_device.device = device.record)
        AND NOT EXISTS (
          SELECT 1 FROM rollover_device
          WHERE rollover_device.device = device.record AND rollover_device.is_open = 1
            AND rollover_device.kind = 'certificates')
      """, rollover, time
    ) { (row) throws(StoreError) in try row.position(0) } ?? 0
  }

  func certificateMembers(
    of rollover: RecordID, at stages: [DeviceRollover.Stage], since: Timestamp, now: Timestamp, limit: Int
  ) throws(StoreError) -> [CertificateRolloverMember] {
    let rows = try db.all(
      """
      SELECT stage, known_version, made_version, proofs, since, device FROM rollover_device
      WHERE rollover = (SELECT id FROM rollover WHERE record = ?) AND stage IN (SELECT value FROM json_each(?))
        AND since <= ?
      ORDER BY since, id LIMIT ?
      """, rollover, stages.list, since, limit
    ) { (row) throws(StoreError) in (try row.record(5), try row.deviceRollover(at: 0, .certificates)) }
    return try rows.map { (device, found) throws(StoreError) in
      CertificateRolloverMember(
        device: device, version: try version(of: device), rollover: found,
        leaving: try leaving(device, rollover, at: now))
    }
  }

  /// Those of the device's certificates in force that are to leave.
  private func leaving(
    _ device: RecordID, _ rollover: RecordID, at now: Timestamp
  ) throws(StoreError) -> [CertificateSnapshot] {
    let records = try db.all(
      """
      SELECT certificate.record FROM certificate JOIN rollover ON rollover.record = ?3
      WHERE certificate.subject = ?1 AND certificate.position < rollover.started_position
        AND certificate.issuer = coalesce(rollover.leaving_issuer, certificate.issuer)
        AND certificate.not_after > ?2 AND coalesce(certificate.overlap_until, certificate.not_after) > ?2
        AND coalesce(certificate.revoked_reason, 'certificate-hold') = 'certificate-hold'
      ORDER BY certificate.id
      """, device, now, rollover, read: Row.record)
    var found: [CertificateSnapshot] = []
    for record in records { if let certificate = try certificate(record) { found.append(certificate) } }
    return found
  }

  /// Where the device stands with this certificate in a rollover of certificates; nil where it is in none.
  func certificateRollover(
    of device: RecordID, showing certificate: RecordID
  ) throws(StoreError) -> CertificateRolloverStanding? {
    guard let open = try db.openRollover(of: device, .certificates) else { return nil }
    let record = try db.first("SELECT record FROM rollover WHERE id = ?", open.rollover, read: Row.record)
    guard let record, let found = try rolloverColumns(record) else { throw .damaged("no rollover of \(device)") }
    let isLeaving = try db.exists(
      """
      SELECT 1 FROM certificate JOIN rollover ON rollover.id = ?
      WHERE certificate.record = ? AND certificate.position < rollover.started_position
        AND certificate.issuer = coalesce(rollover.leaving_issuer, certificate.issuer)
      """, open.rollover, certificate)
    return CertificateRolloverStanding(
      rollover: open.device, isLeaving: isLeaving, state: found.state, plan: found.plan)
  }
}
