import CertificateAuthority
import DeviceRegistry
import KeyVault
public import MusterModel
import Policy

// What operators do to devices and to certificates.

extension Administration {
  public enum DeviceChange: Sendable { case enable, disable, retire }

  /// Enables, disables or retires; the device's certificates go on hold, come back, or end in the same unit of work. The keys of
  /// a retired one are destroyed by it.
  /// `version` is what `If-Match` says; nil where the caller said nothing.
  public func change(
    _ id: String, _ change: DeviceChange, reason: String?, version: UInt64? = nil, by caller: Caller
  ) async throws -> Outcome<DeviceID> {
    var query = FactsQuery()
    do throws(Refusal) { query.deviceID = try parse(deviceID: id) } catch { return .refused(error) }
    query.hasDeviceKeys = change == .retire
    return try await self.change(change.operation, by: caller, asking: query, group: { $0.device?.group }) {
      facts, grant, actor, now in
      guard let device = facts.device else { return .refused(.noDevice) }
      if let version, version != device.version { return .refused(.versionChanged) }
      let decision =
        switch change {
        case .enable: Registry.enable(device, reason: reason)
        case .disable: Registry.disable(device, reason: reason)
        case .retire: Registry.retire(device, reason: reason)
        }
      let keyed = facts.hasDeviceKeys ? [device.record] : []
      return try decision.change(
        at: now, by: actor, policy: grant.decidedBy,
        forgetting: keyed,
        also: { _ in
          try events(of: facts.deviceCertificates, change, at: now, by: actor)
            + keyed.map { try Event(at: now, by: actor, on: [.record($0)], DeviceKeysDestroyed(device: $0)) }
        }
      ) { _ in device.id }
    }
  }

  private func events(
    of certificates: [CertificateSnapshot], _ change: DeviceChange, at time: Timestamp, by actor: Actor
  ) throws -> [Event] {
    try certificates.compactMap { certificate in
      switch (change, certificate.status) {
      case (.disable, .good): try certificate.revoked(.certificateHold, withDevice: true, at: time, by: actor)
      // One that an officer put on hold by name stays there.
      case (.enable, .held) where certificate.isHeldWithDevice: try certificate.released(at: time, by: actor)
      case (.retire, .good), (.retire, .held): try certificate.revoked(.cessationOfOperation, at: time, by: actor)
      default: nil
      }
    }
  }

  /// Revokes a certificate; with `certificate-hold`, for now.
  public func revoke(
    _ name: String, _ input: RevocationInput, by caller: Caller
  ) async throws -> Outcome<RecordID> {
    guard let certificate = CertificateName(name) else {
      return .refused(.malformed("certificate", "a serial, a SHA-256 fingerprint or a record ID"))
    }
    guard let reason = RevocationReason(rawValue: input.reason ?? RevocationReason.unspecified.rawValue) else {
      let known = RevocationReason.allCases.map(\.rawValue).joined(separator: ", ")
      return .refused(Refusal(.invalid, "reason-malformed", "expected a reason of \(known)"))
    }
    var query = FactsQuery()
    query.certificate = .named(certificate)
    return try await self.change(.certificateRevoke, by: caller, asking: query, group: { $0.device?.group }) {
      facts, _, actor, now in
      guard let found = facts.certificate else { return .refused(.noCertificate) }
      switch found.status {
      case .revoked: return .unchanged(found.record)
      case .held where reason == .certificateHold && !found.isHeldWithDevice: return .unchanged(found.record)
      case .good, .held: break
      }
      var reads = ReadSet()
      reads.saw(.record(found.record), version: found.version)
      let event = try found.revoked(reason, at: now, by: actor)
      return .commit(UnitOfWork(reads: reads, events: [event]), found.record)
    }
  }

  /// Lifts a certificate's hold. While its device is disabled it stays: that is the device's to lift.
  public func release(_ name: String, by caller: Caller) async throws -> Outcome<RecordID> {
    guard let certificate = CertificateName(name) else {
      return .refused(.malformed("certificate", "a serial, a SHA-256 fingerprint or a record ID"))
    }
    var query = FactsQuery()
    query.certificate = .named(certificate)
    return try await self.change(.certificateRevoke, by: caller, asking: query, group: { $0.device?.group }) {
      facts, _, actor, now in
      guard let found = facts.certificate else { return .refused(.noCertificate) }
      switch found.status {
      case .good: return .unchanged(found.record)
      case .revoked: return .refused(.notOnHold)
      case .held: break
      }
      if let device = facts.device, device.state != .enabled { return .refused(Refusal(.deviceDisabled(device.id))) }
      return .commit(UnitOfWork(events: [try found.released(at: now, by: actor)]), found.record)
    }
  }
}

extension Administration.DeviceChange {
  var operation: Policy.Operation {
    switch self {
    case .enable: .deviceEnable
    case .disable: .deviceDisable
    case .retire: .deviceRetire
    }
  }
}

extension Refusal {
  public static let noDevice = Refusal(.notFound, "device-unknown", "expected a device of that ID, found none")
  public static let noCertificate = Refusal(
    .notFound, "certificate-unknown", "expected a certificate that this instance issued, found none of that name")
  static let notOnHold = Refusal(
    .conflict, "certificate-revoked", "expected a certificate on hold, found it revoked for good")
  static let versionChanged = Refusal(
    .preconditionFailed, "version-changed", "expected the version that If-Match names, found a newer one")
}
