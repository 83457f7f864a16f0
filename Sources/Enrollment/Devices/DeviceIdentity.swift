public import DeviceRegistry
public import MusterModel

/// What a device is told of itself.
public struct DeviceIdentity: Codable, Sendable, Hashable {
  public let deviceID: DeviceID
  public let state: DeviceState
  public let group: RecordName?
  /// Of the certificate that it shows, hex.
  public let serial: String
  public let notAfter: Timestamp
  /// Where its key is, as far as it is known.
  public let key: KeyResidence
  /// When it is to renew.
  public let suggestedWindow: RenewalWindow
}

/// Tells a device, by its certificate, what is on record of it.
public struct DeviceIdentification: Sendable {
  private let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  /// `leaf` is the certificate with which the device authenticated TLS, DER.
  public func identity(leaf: [UInt8]) async throws -> Outcome<DeviceIdentity> {
    switch try await Authentication(instance).identify(leaf: leaf) {
    case .refused(let refusal): return .refused(refusal)
    case .foreign: return .refused(Refusal(.certificateUnknown))
    case .known(.device(_, let id, let certificate), _):
      guard let device = try await instance.listings.device(id),
        let shown = try await instance.listings.certificate(.record(certificate)),
        let identity = try await instance.facts.identity(fingerprint: .sha256(leaf))
      else { return .refused(.noDevice) }
      return .done(
        DeviceIdentity(
          deviceID: id, state: device.summary.state, group: device.summary.group, serial: shown.serial,
          notAfter: shown.notAfter, key: device.keyResidence ?? .notAttested, suggestedWindow: identity.renewal))
    case .known: return .refused(.deviceExpected)
    }
  }
}

extension Refusal {
  static let deviceExpected = Refusal(
    .forbidden, "device-expected", "expected a device's certificate, found an operator's or a hub's")
}
