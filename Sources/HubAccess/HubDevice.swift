public import CertificateAuthority
public import DeviceRegistry
public import KeyVault
public import MusterModel

/// A device as its hubs see it: whether it is let in, and by what it shows itself.
public struct HubDevice: Codable, Sendable, Hashable {
  public struct Certificate: Codable, Sendable, Hashable {
    public enum Status: String, Codable, Sendable { case good, held, revoked }
    public let serial: String
    /// SHA-256 of the DER, in hex.
    public let fingerprint: String
    public let issuerKeyID: String
    public let notBefore: Timestamp
    /// From then on it is over: its own end, or that of the overlap after its renewal.
    public let notAfter: Timestamp
    public let status: Status
    public let reason: RevocationReason?

    public init(
      serial: String, fingerprint: Digest, issuerKeyID: String, notBefore: Timestamp, notAfter: Timestamp,
      reason: RevocationReason?
    ) {
      self.serial = serial
      self.fingerprint = fingerprint.hex
      self.issuerKeyID = issuerKeyID
      self.notBefore = notBefore
      self.notAfter = notAfter
      self.reason = reason
      status =
        switch reason {
        case nil: .good
        case .certificateHold: .held
        default: .revoked
        }
    }
  }

  public struct Key: Codable, Sendable, Hashable {
    public let slot: DeviceKeySlot
    public let version: UInt32
    public let check: String
    /// Base64; only for a hub that may read keys in plain and asked for them so.
    public var key: String?

    public init(slot: DeviceKeySlot, version: UInt32, check: String) {
      self.slot = slot
      self.version = version
      self.check = check
    }
  }

  public let device: RecordID
  public let deviceID: DeviceID
  public let state: DeviceState
  /// Whether some of its hardware is on the blocklist: its tokens are refused, though it is enabled.
  public let isBlocked: Bool
  public let generation: UInt64
  /// Those whose time is not over.
  public let certificates: [Certificate]
  /// Those of the present binding.
  public var keys: [Key]
  /// Their bytes, for a hub that asked for them sealed; nil where it has none.
  public var sealedKeys: SealedKeys?

  public init(
    device: RecordID, deviceID: DeviceID, state: DeviceState, isBlocked: Bool, generation: UInt64,
    certificates: [Certificate], keys: [Key]
  ) {
    self.device = device
    self.deviceID = deviceID
    self.state = state
    self.isBlocked = isBlocked
    self.generation = generation
    self.certificates = certificates
    self.keys = keys
  }
}

/// A device with its sealed keys.
public struct SealedDevice: Sendable {
  public let device: HubDevice
  public let sealed: [SealedSecret]

  public init(device: HubDevice, sealed: [SealedSecret]) {
    self.device = device
    self.sealed = sealed
  }
}
