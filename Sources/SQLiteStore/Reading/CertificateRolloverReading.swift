import CertificateAuthority
import DeviceRegistry
import Enrollment
import KeyVault
import MusterModel

// Rollovers of certificates. Which are to leave says the view `leaving_certificate`.

extension Snapshot {
  func certificateMembers(
    of rollover: RecordID, at stages: [DeviceRollover.Stage], since: Timestamp, now: Timestamp, limit: Int
  ) throws(StoreError) -> [CertificateRolloverMember] {
    try members(of: rollover, .certificates, at: stages, since: since, limit: limit).map {
      (device, found) throws(StoreError) in
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
      SELECT certificate FROM leaving_certificate
      WHERE rollover = (SELECT id FROM rollover WHERE record = ?) AND device = ? AND until > ? ORDER BY certificate
      """, rollover, device, now, read: Row.record)
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
      "SELECT 1 FROM leaving_certificate WHERE rollover = ? AND device = ? AND certificate = ?", open.rollover, device,
      certificate)
    return CertificateRolloverStanding(
      rollover: open.device, isLeaving: isLeaving, state: found.state, plan: found.plan)
  }
}
