public import Attestation
import CertificateAuthority
public import DeviceRegistry
public import KeyVault
public import MusterModel

/// A device asks for its identity. Exactly one evidence authorises it. An object, for it is handed on many times.
public final class EnrollmentRequest: Sendable {
  public enum Evidence: Sendable {
    /// HTTP Basic: the device ID and the ticket's code.
    case ticket(DeviceID, TicketCode)
    /// The chain with which the peer authenticated TLS, DER, leaf first.
    case certificate([[UInt8]])
    /// A factory line's station, for the board before it.
    case station(StationRequest)
    /// A token by a key derived from the group's.
    case groupKey(EnrollmentToken)
    /// The answer to a TPM's challenge; beside a ticket, which authorises then, where one is named.
    case tpm(challenge: RecordID, TPMAnswer, ticket: (DeviceID, TicketCode)? = nil)
  }

  /// What the device is to prove itself by from then on.
  public enum Wish: Sendable {
    /// PKCS #10 in DER, as received.
    case certificate([UInt8])
    case keys(EnrollmentClaim)
    /// The request's key is its claim too.
    case both([UInt8])
  }

  public let evidence: Evidence
  public let wish: Wish
  /// The group that the path or the row names, where it names one.
  public let label: RecordName?
  /// What the device says of its hardware beside its evidence.
  public let claimed: [HardwareID]
  /// The address it came from.
  public let source: String

  /// For a certificate: PKCS #10 in DER, as received.
  public convenience init(
    evidence: Evidence, csr: [UInt8], label: RecordName?, claimed: [HardwareID] = [], source: String
  ) {
    self.init(evidence: evidence, wish: .certificate(csr), label: label, claimed: claimed, source: source)
  }

  public init(
    evidence: Evidence, wish: Wish, label: RecordName?, claimed: [HardwareID] = [], source: String
  ) {
    self.evidence = evidence
    self.wish = wish
    self.label = label
    self.claimed = claimed
    self.source = source
  }
}

/// What a device is given.
public struct Enrolled: Sendable, Hashable {
  public struct Certificate: Sendable, Hashable {
    public let record: RecordID
    /// The certificate in DER, then its issuer's.
    public let chain: [[UInt8]]
    public let serial: String
    public let notAfter: Timestamp

    init(_ certificate: CertificateSnapshot, _ issuer: Issuer) {
      record = certificate.record
      chain = [certificate.der, issuer.certificate]
      serial = certificate.serial
      notAfter = certificate.notAfter
    }

    init(_ issued: IssuedCertificate, _ issuer: Issuer) {
      record = issued.facts.certificate
      chain = [issued.der, issuer.certificate]
      serial = issued.facts.serial
      notAfter = issued.facts.notAfter
    }
  }

  public let device: RecordID
  public let deviceID: DeviceID
  /// Of the binding: 1 for the first.
  public let generation: UInt64
  /// nil where the device has symmetric keys alone.
  public let certificate: Certificate?
  /// nil where it has none, or they were not asked for.
  public let keys: IssuedKeys?
  /// Where the ledger holds the event that issued the certificate; without one, that by which the keys were handed over.
  public let position: UInt64
  /// That event's line, for a station, which proves it to others.
  public let event: [UInt8]?

  init(
    device: RecordID, deviceID: DeviceID, generation: UInt64, certificate: Certificate?, keys: IssuedKeys? = nil,
    position: UInt64, event: [UInt8]? = nil
  ) {
    self.device = device
    self.deviceID = deviceID
    self.generation = generation
    self.certificate = certificate
    self.keys = keys
    self.position = position
    self.event = event
  }

  /// Empty without a certificate.
  public var chain: [[UInt8]] { certificate?.chain ?? [] }
}
