import DeviceRegistry
public import KeyVault
public import MusterModel

// Rollovers of certificates: what is read of a device in one, and what the device is told and shows.

/// A device in a rollover of certificates, with those in force that are to leave.
public struct CertificateRolloverMember: Sendable, Hashable {
  public let device: RecordID
  public let version: UInt64
  public let rollover: DeviceRollover
  public let leaving: [CertificateSnapshot]

  public init(device: RecordID, version: UInt64, rollover: DeviceRollover, leaving: [CertificateSnapshot]) {
    self.device = device
    self.version = version
    self.rollover = rollover
    self.leaving = leaving
  }
}

/// Where a device stands in a rollover of certificates, as it shows one.
public struct CertificateRolloverStanding: Sendable, Hashable {
  public let rollover: DeviceRollover
  /// Whether the certificate that it shows is to leave.
  public let isLeaving: Bool
  public let state: RolloverState
  public let plan: RolloverPlan

  public init(rollover: DeviceRollover, isLeaving: Bool, state: RolloverState, plan: RolloverPlan) {
    self.rollover = rollover
    self.isLeaving = isLeaving
    self.state = state
    self.plan = plan
  }
}

extension IdentityFacts {
  /// What is to be on record before the device is told that its certificate is good; nil where that says nothing new.
  func proof(of device: DeviceSnapshot, at now: Timestamp) throws -> UnitOfWork? {
    guard let standing = certificateRollover else { return nil }
    let body = RolloverCertificateProved(
      device: device.record, certificate: certificate.record, isLeaving: standing.isLeaving)
    guard standing.rollover.mustRecord(body.version) else { return nil }
    let event = try Event(
      at: now, by: Actor(device.record, by: .certificate), on: [.record(device.record)], body)
    return UnitOfWork(
      reads: ReadSet([.record(device.record): device.version, .record(certificate.record): certificate.version]),
      events: [event])
  }
}

/// Between which times a device is to renew: `suggestedWindow` of RFC 9773 §4.2. Of a time that is over, at once.
public struct RenewalWindow: Codable, Sendable, Hashable {
  public let start: Timestamp
  public let end: Timestamp
}

extension IdentityFacts {
  /// In an open wave from when the device was told, for as long as the wave soaks; else the last third of the certificate's
  /// time.
  var renewal: RenewalWindow {
    let end = min(certificate.notAfter, certificate.overlapUntil ?? certificate.notAfter)
    if let standing = certificateRollover, standing.isLeaving, standing.state == .running {
      let start = standing.rollover.since
      return RenewalWindow(
        start: start, end: max(start, min(end, standing.plan.deadline, start + .seconds(standing.plan.soak))))
    }
    let (from, to) = (certificate.notBefore.milliseconds, certificate.notAfter.milliseconds)
    let due = Timestamp(milliseconds: from + (to - from) * 2 / 3)
    return RenewalWindow(start: min(due, end), end: end)
  }
}
