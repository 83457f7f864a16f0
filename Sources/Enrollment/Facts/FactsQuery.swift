public import MusterModel

/// What a use case asks of the registry. What a fact names (a ticket its hardware, a certificate its device) is followed
/// in the same snapshot.
public struct FactsQuery: Sendable, Hashable {
  public enum TicketKey: Sendable, Hashable {
    /// HMAC of the code under the vault's ticket key.
    case code(Digest)
    case record(RecordID)
  }

  public enum GroupKey: Sendable, Hashable {
    case name(RecordName)
    case record(RecordID)
  }

  public enum OrderKey: Sendable, Hashable {
    /// The open order of that name; where none is, the last one.
    case name(RecordName)
    case record(RecordID)
  }

  public enum CertificateKey: Sendable, Hashable {
    case serial(issuerKeyID: String, serial: String)
    case named(CertificateName)
  }

  public var ticket: TicketKey?
  public var deviceID: DeviceID?
  public var hardware: [HardwareID] = []
  /// Prefer the device that the first hardware ID is bound to, or allowed for by an order, over the one of `deviceID`.
  public var deviceOfHardware = false
  /// The one-time secret of the first hardware ID.
  public var secret = false
  public var group: GroupKey?
  /// How many devices are in the group.
  public var groupDevices = false
  public var order: OrderKey?
  /// A run of a station: whose is it?
  public var batch: RecordID?
  /// SHA-256 of an SPKI: who holds or held it?
  public var publicKey: Digest?
  public var certificate: CertificateKey?
  /// With a certificate of an operator or a hub: all of theirs that are in force, as `deviceCertificates`.
  public var certificatesOfPeer = false
  /// The keys of the device, where it stands in a rollover of them, and the hub that it talks to.
  public var deviceKeys = false
  public var rollover: RecordID?
  /// Whether the device has keys.
  public var hasDeviceKeys = false
  /// By which boards enroll into the group.
  public var boardRings = false
  /// With `boardRings`: how many of the ring's versions boards enroll by, where this is the lowest; nil as it is.
  public var boardMinimum: UInt32?
  public var operatorName: RecordName?
  public var hubName: RecordName?
  /// Groups to be found by name, each.
  public var groupNames: [RecordName] = []
  /// A TPM's challenge, where it is open.
  public var challenge: RecordID?
  /// The version of the list of TPM makers, in `reads`.
  public var tpmMakers = false

  /// A key ring with its newest version, and `ringVersions` beside.
  public var ring: RecordName?
  public var ringVersions: Set<UInt32> = []

  /// The vault's key to which keys are wrapped that are to come in.
  public var wrappingKey = false

  public init() {}
}
