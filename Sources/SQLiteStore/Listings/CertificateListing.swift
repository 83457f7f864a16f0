import CertificateAuthority
import Enrollment
import MusterModel

extension Snapshot {
  /// Certificates in the order in which they were issued; of one device, where it is given. Those of some groups' devices
  /// stand by group and device.
  func certificates(
    _ request: PageRequest, of device: DeviceID?, in scope: GroupScope
  ) throws -> Page<CertificateSummary> {
    if let device { return try certificates(request, ofDevice: device, in: scope) }
    let (start, probe) = (try request.start(), request.probe)
    guard case .groups(let groups) = scope else {
      return request.page(
        try db.all(
          """
          SELECT id, record, subject, issuer, serial, der, profile, not_before, not_after, revoked_at, revoked_reason,
            position
          FROM certificate WHERE id > ? ORDER BY id LIMIT ?
          """, start, probe, read: placedCertificate))
    }
    return try certificates(request, ofGroups: groups)
  }

  /// Group by group, of each device after device: each certificate is found by its device's, so that no more is looked at
  /// than is shown.
  private func certificates(_ request: PageRequest, ofGroups groups: [RecordID]) throws -> Page<CertificateSummary> {
    let start = try request.start()
    let last = try db.first(
      "SELECT device_group, device.id FROM certificate JOIN device ON device.record = subject WHERE certificate.id = ?",
      start
    ) { (row) throws(StoreError) in (group: try row.optional(0, Row.record), device: row.int(1)) }
    var rows: [Placed<CertificateSummary>] = []
    let groups = Set(groups).sorted().drop { group in last?.group.map { group < $0 } ?? false }
    for group in groups where rows.count < request.probe {
      rows += try db.all(
        """
        SELECT certificate.id, certificate.record, subject, issuer, serial, der, profile, not_before, not_after,
          revoked_at, revoked_reason, certificate.position
        FROM device CROSS JOIN certificate ON certificate.subject = device.record
        WHERE device_group = ?1 AND device.id >= ?2 AND (device.id > ?2 OR certificate.id > ?3)
        ORDER BY device.id, certificate.id LIMIT ?4
        """, group, group == last?.group ? last?.device ?? -1 : -1, start, request.probe - rows.count,
        read: placedCertificate)
    }
    return request.page(rows)
  }

  private func certificates(
    _ request: PageRequest, ofDevice device: DeviceID, in scope: GroupScope
  ) throws -> Page<CertificateSummary> {
    guard let record = try deviceRecord(device), scope.contains(try group(ofDevice: record)) else {
      return Page(rows: [], next: nil)
    }
    return request.page(
      try db.all(
        """
        SELECT id, record, subject, issuer, serial, der, profile, not_before, not_after, revoked_at, revoked_reason,
          position
        FROM certificate WHERE subject = ? AND id > ? ORDER BY id LIMIT ?
        """, record, try request.start(), request.probe, read: placedCertificate))
  }

  /// The last hundred of a record, oldest first.
  func certificates(of subject: RecordID) throws(StoreError) -> [CertificateSummary] {
    try db.all(
      """
      SELECT id, record, subject, issuer, serial, der, profile, not_before, not_after, revoked_at, revoked_reason,
        position
      FROM certificate WHERE subject = ? ORDER BY id DESC LIMIT 100
      """, subject, read: certificateSummary
    ).reversed()
  }

  func certificateSummary(_ name: CertificateName) throws(StoreError) -> CertificateSummary? {
    guard let record = try certificateRecord(name) else { return nil }
    return try db.first(
      """
      SELECT id, record, subject, issuer, serial, der, profile, not_before, not_after, revoked_at, revoked_reason,
        position
      FROM certificate WHERE record = ?
      """, record, read: certificateSummary
    )?.with(
      try keyAttestation(ofKeyIn: db.first("SELECT public_key FROM certificate WHERE record = ?", record, read: digest))
    )
  }

  /// How the key of the newest certificate of a device was attested last.
  func keyAttestation(ofDevice device: RecordID) throws(StoreError) -> KeyAttestationSummary? {
    try keyAttestation(
      ofKeyIn: db.first(
        "SELECT public_key FROM certificate WHERE subject = ? ORDER BY id DESC LIMIT 1", device, read: digest))
  }

  private func keyAttestation(ofKeyIn key: Digest?) throws(StoreError) -> KeyAttestationSummary? {
    try key.flatMap { key throws(StoreError) in try keyAttestation(of: key) }
  }

  private func digest(_ row: Row) throws(StoreError) -> Digest { try row.digest(0) }

  /// When the newest certificate of a record that is not revoked ends.
  func certificateExpiry(of subject: RecordID) throws(StoreError) -> Timestamp? {
    try db.first(
      "SELECT not_after FROM certificate WHERE subject = ? AND revoked_at IS NULL ORDER BY id DESC LIMIT 1", subject
    ) { (row) throws(StoreError) in row.time(0) }
  }

  private func placedCertificate(_ row: Row) throws(StoreError) -> Placed<CertificateSummary> {
    Placed(place: row.int(0), summary: try certificateSummary(row))
  }

  private func certificateSummary(_ row: Row) throws(StoreError) -> CertificateSummary {
    let subject = try row.optional(2, Row.record)
    let reason: RevocationReason? = row.isNull(9) ? nil : try row.value(10)
    let status: CertificateSummary.Status =
      switch reason {
      case nil: .good
      case .certificateHold: .held
      default: .revoked
      }
    return CertificateSummary(
      record: try row.record(1), subject: subject,
      subjectName: try subject.flatMap { subject throws(StoreError) in try name(of: subject) },
      issuerKeyID: row.text(3), serial: Hex.encode(row.bytes(4)), fingerprint: try row.digest(5).hex,
      profile: row.text(6), notBefore: row.time(7), notAfter: row.time(8), status: status,
      revoked: row.isNull(9) ? nil : row.time(9), reason: reason, position: try row.position(11))
  }
}
