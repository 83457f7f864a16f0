public import MusterModel

/// One hardware ID of a binding: the record, and how well it is known to be this board's.
public struct BoundHardware: Codable, Hashable, Sendable {
  public let hardware: RecordID
  public let assurance: Assurance
  public init(hardware: RecordID, assurance: Assurance) {
    self.hardware = hardware
    self.assurance = assurance
  }
}

/// Hardware became a device: the first time, or by a swap. The certificate that the same unit of work issued is a
/// `CertificateIssued` beside it.
public struct DeviceEnrolled: EventBody {
  public static let kind = "device-enrolled"
  public let device: RecordID
  /// Whether the device came to be by this event.
  public let isNew: Bool
  public let group: RecordID?
  public let hub: RecordID?
  public let generation: UInt64
  public let hardware: [BoundHardware]
  /// ticket, idevid, …
  public let evidence: String
  public let ticket: RecordID?
  /// The public key that redeemed the ticket.
  public let publicKey: Digest
  /// The certificate that the same unit of work issued.
  public let certificate: RecordID
  /// Of a factory line's: by which order, and in which run of the station that `by` names.
  public let order: RecordID?
  public let batch: RecordID?

  public struct Details: Codable, Hashable, Sendable {
    public let deviceID: DeviceID
    /// In the order of `hardware`.
    public let hardware: [HardwareID]
    public let source: String?
    public let decision: String?
    public init(deviceID: DeviceID, hardware: [HardwareID], source: String?, decision: String?) {
      self.deviceID = deviceID
      self.hardware = hardware
      self.source = source
      self.decision = decision
    }
  }

  public init(
    device: RecordID, isNew: Bool, group: RecordID?, hub: RecordID?, generation: UInt64, hardware: [BoundHardware],
    evidence: String, ticket: RecordID?, publicKey: Digest, certificate: RecordID, order: RecordID? = nil,
    batch: RecordID? = nil
  ) {
    self.device = device
    self.isNew = isNew
    self.group = group
    self.hub = hub
    self.generation = generation
    self.hardware = hardware
    self.evidence = evidence
    self.ticket = ticket
    self.publicKey = publicKey
    self.certificate = certificate
    self.order = order
    self.batch = batch
  }
}

/// The same of a device that has symmetric keys and no certificate: what it was given is a `DeviceKeysMade` beside it.
public struct DeviceEnrolledWithKeys: EventBody {
  public static let kind = "device-enrolled-with-keys"
  public typealias Details = DeviceEnrolled.Details
  public let device: RecordID
  public let isNew: Bool
  public let group: RecordID?
  public let hub: RecordID?
  public let generation: UInt64
  public let hardware: [BoundHardware]
  public let evidence: String
  public let ticket: RecordID?
  /// SHA-256 over the claim by which the device asks for the same again: `EnrollmentClaim`.
  public let claim: Digest
  public let order: RecordID?
  public let batch: RecordID?

  public init(
    device: RecordID, isNew: Bool, group: RecordID?, hub: RecordID?, generation: UInt64, hardware: [BoundHardware],
    evidence: String, ticket: RecordID?, claim: Digest, order: RecordID?, batch: RecordID?
  ) {
    self.device = device
    self.isNew = isNew
    self.group = group
    self.hub = hub
    self.generation = generation
    self.hardware = hardware
    self.evidence = evidence
    self.ticket = ticket
    self.claim = claim
    self.order = order
    self.batch = batch
  }
}

/// What the kinds of events have in common by which hardware becomes a device.
public protocol EnrollmentBody: EventBody where Details == DeviceEnrolled.Details {
  var device: RecordID { get }
  var isNew: Bool { get }
  var group: RecordID? { get }
  var hub: RecordID? { get }
  var generation: UInt64 { get }
  var hardware: [BoundHardware] { get }
  var evidence: String { get }
  var ticket: RecordID? { get }
  var order: RecordID? { get }
  var batch: RecordID? { get }
  /// By what the same is asked for again: the digest of the public key, or of the claim.
  var requester: Digest { get }
  /// nil where the device has none.
  var issued: RecordID? { get }
}

extension DeviceEnrolled: EnrollmentBody {
  public var requester: Digest { publicKey }
  public var issued: RecordID? { certificate }
}

extension DeviceEnrolledWithKeys: EnrollmentBody {
  public var requester: Digest { claim }
  public var issued: RecordID? { nil }
}

/// A binding ended: the hardware is no longer the device.
public struct BindingEnded: EventBody {
  public static let kind = "binding-ended"
  public enum Reason: String, Codable, Sendable { case swapped, retired }
  public let device: RecordID
  public let generation: UInt64
  public let hardware: [RecordID]
  public let reason: Reason
  public init(device: RecordID, generation: UInt64, hardware: [RecordID], reason: Reason) {
    self.device = device
    self.generation = generation
    self.hardware = hardware
    self.reason = reason
  }
}

public enum DeviceState: String, Codable, Sendable, CaseIterable { case enabled, disabled, retired }

/// An operator enabled, disabled or retired a device.
public struct DeviceStateChanged: EventBody {
  public static let kind = "device-state-changed"
  public let device: RecordID
  public let state: DeviceState

  public struct Details: Codable, Hashable, Sendable {
    public let reason: String?
    public init(reason: String?) { self.reason = reason }
  }

  public init(device: RecordID, state: DeviceState) {
    self.device = device
    self.state = state
  }
}

/// A hardware ID was put on the allowlist or the blocklist, or taken off it. The first such event of a hardware ID
/// makes its record.
public struct HardwareListed: EventBody {
  public static let kind = "hardware-listed"
  public enum Listing: String, Codable, Sendable, CaseIterable { case allowed, blocked, none }
  public let hardware: RecordID
  public let listing: Listing
  public let group: RecordID?
  /// Where an order allows it: by which, and in which run of a station.
  public let order: RecordID?
  public let batch: RecordID?

  public struct Details: Codable, Hashable, Sendable {
    public let hardware: HardwareID
    public let reason: String?
    /// Where an order allows it: the device that it is to become.
    public let deviceID: DeviceID?
    public init(hardware: HardwareID, reason: String?, deviceID: DeviceID? = nil) {
      self.hardware = hardware
      self.reason = reason
      self.deviceID = deviceID
    }
  }

  public init(hardware: RecordID, listing: Listing, group: RecordID?, provisioning: Provisioning? = nil) {
    self.hardware = hardware
    self.listing = listing
    self.group = group
    order = provisioning?.order
    batch = provisioning?.batch
  }
}

/// A group of devices came to be. Its trust anchors are attachments.
public struct GroupAdded: EventBody {
  public static let kind = "group-added"
  public let group: RecordID
  /// The profile of its devices' certificates; nil for the policy's default.
  public let profile: String?
  public let hub: RecordID?
  /// SHA-256 of each anchor's DER: makers whose IDevIDs enroll into this group.
  public let trustAnchors: [Digest]

  public struct Details: Codable, Hashable, Sendable {
    public let name: RecordName
    public init(name: RecordName) { self.name = name }
  }

  public init(group: RecordID, profile: String?, hub: RecordID?, trustAnchors: [Digest]) {
    self.group = group
    self.profile = profile
    self.hub = hub
    self.trustAnchors = trustAnchors
  }
}

public struct GroupRemoved: EventBody {
  public static let kind = "group-removed"
  public let group: RecordID
  public init(group: RecordID) { self.group = group }
}

/// A one-time right to enroll one hardware ID as one device: a field engineer's ticket, or a secret by a factory's order.
public struct TicketIssued: EventBody {
  public static let kind = "ticket-issued"
  public let ticket: RecordID
  /// Whether it may take over a device that is bound to other hardware.
  public let isSwap: Bool
  /// The device to take over; nil where it is new.
  public let device: RecordID?
  public let group: RecordID?
  public let expires: Timestamp
  /// Of an order's one-time secret: by which, and in which run of a station.
  public let order: RecordID?
  public let batch: RecordID?

  public struct Details: Codable, Hashable, Sendable {
    public let deviceID: DeviceID
    public let hardware: HardwareID
    /// HMAC-SHA-256 of the code under the vault's ticket key.
    public let code: Digest
    public init(deviceID: DeviceID, hardware: HardwareID, code: Digest) {
      self.deviceID = deviceID
      self.hardware = hardware
      self.code = code
    }
  }

  public init(
    ticket: RecordID, isSwap: Bool, device: RecordID?, group: RecordID?, expires: Timestamp,
    provisioning: Provisioning? = nil
  ) {
    self.ticket = ticket
    self.isSwap = isSwap
    self.device = device
    self.group = group
    self.expires = expires
    order = provisioning?.order
    batch = provisioning?.batch
  }
}

public struct TicketCancelled: EventBody {
  public static let kind = "ticket-cancelled"
  public let ticket: RecordID
  public init(ticket: RecordID) { self.ticket = ticket }
}
