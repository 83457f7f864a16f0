import CertificateAuthority
import KeyVault
import MusterModel

// What the upkeep does to devices in a rollover of certificates. New ones are made by the devices, which renew; what is
// left to it is to end the old.

extension RolloverUpkeep {
  /// The most devices of which one step ends certificates: each may have some.
  private static let endedAtOnce = 64

  /// nil for a step that is the same whatever is rolled over.
  func certificateChanges(
    _ step: RolloverCampaign.Step, _ rollover: RecordID, at now: Timestamp
  ) async throws -> [Change]? {
    switch step {
    case .settle(let time):
      return try await certificateMembers(rollover, [.proved], since: time).map {
        try ended($0, .overlap, rollover, at: now)
      }
    case .breakOff(let count):
      let some = try await certificateMembers(
        rollover, RolloverKind.certificates.breaking, since: now,
        limit: Int(clamping: min(count, UInt64(RolloverUpkeep.endedAtOnce))))
      return try some.map { try ended($0, .deadline, rollover, at: now) }
    case .letGo:
      let some = try await certificateMembers(rollover, RolloverKind.certificates.letGo, since: now)
      return try letGo(some.map { ($0.device, $0.version) }, rollover, at: now)
    case .make, .putBack: return []
    case .pause, .enter, .open, .finish, .endAbort: return nil
    }
  }

  private func certificateMembers(
    _ rollover: RecordID, _ stages: [DeviceRollover.Stage], since time: Timestamp,
    limit: Int = RolloverUpkeep.endedAtOnce
  ) async throws -> [CertificateRolloverMember] {
    try await instance.listings.certificateMembers(of: rollover, at: stages, since: time, limit: limit)
  }

  /// What is to leave is revoked; what the device proved since it was read makes this stale.
  private func ended(
    _ member: CertificateRolloverMember, _ cause: RolloverKeyEnded.Cause, _ rollover: RecordID, at now: Timestamp
  ) throws -> Change {
    guard member.rollover.stays(after: cause) != nil else {
      throw RolloverFault.notAllowed(.ended(cause), in: member.rollover.stage)
    }
    var events = [
      try Event(
        at: now, by: .service, on: [.record(rollover), .record(member.device)],
        RolloverCertificatesEnded(rollover: rollover, device: member.device, cause: cause))
    ]
    var reads = [member.device: member.version]
    for certificate in member.leaving {
      reads[certificate.record] = certificate.version
      events.append(
        try Event(
          at: now, by: .service, on: [.record(certificate.record), .record(member.device)],
          CertificateRevoked(
            certificate: certificate.record, issuerKeyID: certificate.issuerKeyID, serial: certificate.serial,
            reason: .superseded)))
    }
    return Change(events: events, reads: reads)
  }
}
