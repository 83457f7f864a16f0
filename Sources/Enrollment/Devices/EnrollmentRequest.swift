public import KeyVault
public import MusterModel

/// A device asks for its identity. Exactly one evidence authorises it.
public struct EnrollmentRequest: Sendable {
  public enum Evidence: Sendable {
    /// HTTP Basic: the device ID and the ticket's code.
    case ticket(DeviceID, TicketCode)
    /// The chain with which the peer authenticated TLS, DER, leaf first.
    case certificate([[UInt8]])
    /// A factory line's station, for the board before it.
    case station(StationRequest)
  }

  public let evidence: Evidence
  /// PKCS #10 in DER, as received.
  public let csr: [UInt8]
  /// The group that the path or the row names, where it names one.
  public let label: RecordName?
  /// What the device says of its hardware beside its evidence.
  public let claimed: [HardwareID]
  /// The address it came from.
  public let source: String

  public init(
    evidence: Evidence, csr: [UInt8], label: RecordName?, claimed: [HardwareID] = [], source: String
  ) {
    self.evidence = evidence
    self.csr = csr
    self.label = label
    self.claimed = claimed
    self.source = source
  }
}

/// What a device is given.
public struct Enrolled: Sendable, Hashable {
  public let device: RecordID
  public let deviceID: DeviceID
  /// Of the binding: 1 for the first.
  public let generation: UInt64
  public let certificate: RecordID
  /// The certificate in DER, then its issuer's.
  public let chain: [[UInt8]]
  public let serial: String
  public let notAfter: Timestamp
  /// Where the ledger holds the event that issued it.
  public let position: UInt64
  /// That event's line, for a proof of it; not where a certificate was renewed.
  public let event: [UInt8]?

  public init(
    device: RecordID, deviceID: DeviceID, generation: UInt64, certificate: RecordID, chain: [[UInt8]], serial: String,
    notAfter: Timestamp, position: UInt64, event: [UInt8]? = nil
  ) {
    self.device = device
    self.deviceID = deviceID
    self.generation = generation
    self.certificate = certificate
    self.chain = chain
    self.serial = serial
    self.notAfter = notAfter
    self.position = position
    self.event = event
  }
}
