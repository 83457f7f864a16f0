public import MusterModel

/// What a follower enforces, and up to where: all that it must not lose.
public struct FollowerState: Codable, Sendable, Hashable {
  /// Grows when a field changes its meaning.
  private(set) var v = 1
  /// Everything in the ledger up to here is enforced.
  public internal(set) var place: LedgerPlace
  /// The receipt that is owed: what is enforced changed up to there, and nobody took the hub's word for it yet.
  public internal(set) var owed: LedgerPlace?
  /// Devices that are not let in, by record.
  public internal(set) var denied: [String: DeniedDevice] = [:]
  /// Certificates that are not let in before their time is over, by fingerprint.
  public internal(set) var revoked: [String: RevokedCertificate] = [:]

  public struct DeniedDevice: Codable, Sendable, Hashable {
    public let device: RecordID
    public let deviceID: DeviceID?
    public let change: HubChange.Kind
  }

  public struct RevokedCertificate: Codable, Sendable, Hashable {
    public let device: RecordID
    public let deviceID: DeviceID?
    public let serial: String
    public let issuerKeyID: String
  }

  init(place: LedgerPlace) { self.place = place }
}

extension FollowerState {
  /// Takes one change. Each is a fact: to take it twice is to take it once.
  mutating func take(_ change: HubChange) {
    switch change.change {
    case .disabled, .retired:
      denied[change.device.description] = DeniedDevice(
        device: change.device, deviceID: change.deviceID, change: change.change)
    case .enabled: denied[change.device.description] = nil
    case .revoked:
      guard let fingerprint = change.fingerprint, let serial = change.serial, let issuer = change.issuerKeyID else {
        return
      }
      revoked[fingerprint] = RevokedCertificate(
        device: change.device, deviceID: change.deviceID, serial: serial, issuerKeyID: issuer)
    case .released: revoked[change.fingerprint ?? ""] = nil
    case .bound, .keyChanged: break
    }
  }

  /// The state that a snapshot tells.
  init(_ devices: [HubDevice], at place: LedgerPlace) {
    self.init(place: place)
    for change in devices.flatMap({ $0.changes(at: place) }) { take(change) }
  }

  /// What is to be done where this was enforced and that is to be: what is shut out first, then what is let in again.
  func changes(to next: FollowerState, told: [HubChange]) -> [HubChange] {
    let shut = told.filter { change in
      switch change.change {
      case .disabled, .retired: denied[change.device.description] == nil
      case .revoked: revoked[change.fingerprint ?? ""] == nil
      default: false
      }
    }
    return shut + letIn(by: next)
  }

  private func letIn(by next: FollowerState) -> [HubChange] {
    let enabled = denied.values.filter { next.denied[$0.device.description] == nil }
      .sorted { $0.device < $1.device }
      .map { HubChange(.enabled, .init(next.place, $0.device, $0.deviceID)) }
    let released = revoked.filter { next.revoked[$0.key] == nil }.sorted { $0.key < $1.key }.map { fingerprint, gone in
      var change = HubChange(.released, .init(next.place, gone.device, gone.deviceID))
      (change.serial, change.issuerKeyID, change.fingerprint) = (gone.serial, gone.issuerKeyID, fingerprint)
      return change
    }
    return enabled + released
  }
}

extension HubDevice {
  /// What a snapshot's line says that is not to be let in, as changes.
  func changes(at place: LedgerPlace) -> [HubChange] {
    let subject = HubChange.Subject(place, device, deviceID)
    let kind: HubChange.Kind? =
      switch state {
      case .enabled: nil
      case .disabled: .disabled
      case .retired: .retired
      }
    let revoked = certificates.filter { $0.status != .good }.map { certificate in
      var change = HubChange(.revoked, subject)
      (change.serial, change.issuerKeyID) = (certificate.serial, certificate.issuerKeyID)
      (change.fingerprint, change.reason) = (certificate.fingerprint, certificate.reason)
      return change
    }
    return (kind.map { [HubChange($0, subject)] } ?? []) + revoked
  }
}

extension HubChange.Subject {
  /// What a snapshot tells has no event of its own: it stands at the snapshot's place.
  init(_ place: LedgerPlace, _ device: RecordID, _ deviceID: DeviceID?) {
    self.init(position: place.size, at: Timestamp(milliseconds: 0), device: device, deviceID: deviceID)
  }
}
