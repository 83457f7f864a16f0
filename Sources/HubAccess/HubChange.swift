public import CertificateAuthority
import DeviceRegistry
import KeyVault
public import MusterModel

/// Something that a hub must know of a device assigned to it: what it lets in from here on, and what not.
public struct HubChange: Codable, Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case enabled, disabled, retired
    /// Hardware became the device: the first time, or other hardware than before.
    case bound
    case revoked
    /// A certificate's hold was lifted.
    case released
    case keyChanged = "key-changed"
  }

  /// The ledger position of the event.
  public let position: UInt64
  public let at: Timestamp
  public let change: Kind
  public let device: RecordID
  /// nil where it was erased.
  public let deviceID: DeviceID?
  public var generation: UInt64?
  public var issuerKeyID: String?
  /// Of a certificate that was revoked or released.
  public var serial: String?
  /// SHA-256 of that certificate's DER, in hex.
  public var fingerprint: String?
  public var reason: RevocationReason?
  /// The primary key's version.
  public var keyVersion: UInt32?

  init(_ change: Kind, _ subject: Subject) {
    position = subject.position
    at = subject.at
    self.change = change
    device = subject.device
    deviceID = subject.deviceID
  }

  /// Where the event stands, and which device it is about.
  public struct Subject: Sendable {
    public let position: UInt64
    public let at: Timestamp
    public let device: RecordID
    public let deviceID: DeviceID?
    /// Of the certificate that the event names.
    public let fingerprint: Digest?

    public init(
      position: UInt64, at time: Timestamp, device: RecordID, deviceID: DeviceID?, fingerprint: Digest? = nil
    ) {
      self.position = position
      at = time
      self.device = device
      self.deviceID = deviceID
      self.fingerprint = fingerprint
    }
  }

  /// The kinds of events that a hub must know of, if they are about a device of its own.
  public static let kinds: Set<String> = [
    DeviceEnrolled.kind, DeviceEnrolledWithKeys.kind, DeviceStateChanged.kind, CertificateRevoked.kind,
    CertificateReleased.kind,
    DeviceKeysMade.kind, RolloverKeyMade.kind, RolloverKeyEnded.kind,
  ]

  /// nil for what no hub must know.
  public init?(_ body: any EventBody, of subject: Subject) {
    switch body {
    case let body as any EnrollmentBody:
      self.init(.bound, subject)
      generation = body.generation
    case let body as DeviceStateChanged: self.init(Kind(body.state), subject)
    case let body as CertificateRevoked:
      self.init(.revoked, subject, body.issuerKeyID, body.serial)
      reason = body.reason
    case let body as CertificateReleased: self.init(.released, subject, body.issuerKeyID, body.serial)
    case let body as DeviceKeysMade:
      self.init(.keyChanged, subject)
      generation = body.generation
      keyVersion = body.primary.version
    case let body as RolloverKeyMade:
      self.init(.keyChanged, subject)
      generation = body.generation
      keyVersion = body.key.version
    case let body as RolloverKeyEnded:
      self.init(.keyChanged, subject)
      generation = body.generation
      keyVersion = body.stays
    default: return nil
    }
  }

  private init(_ change: Kind, _ subject: Subject, _ issuerKeyID: String, _ serial: String) {
    self.init(change, subject)
    self.issuerKeyID = issuerKeyID
    self.serial = serial
    fingerprint = subject.fingerprint?.hex
  }
}

extension HubChange.Kind {
  fileprivate init(_ state: DeviceState) {
    switch state {
    case .enabled: self = .enabled
    case .disabled: self = .disabled
    case .retired: self = .retired
    }
  }
}
