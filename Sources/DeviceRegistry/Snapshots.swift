public import MusterModel

/// A device as it stood when it was read.
public struct DeviceSnapshot: Sendable, Hashable {
  public let record: RecordID
  public let version: UInt64
  public let id: DeviceID
  public let state: DeviceState
  public let group: RecordID?
  public let hub: RecordID?
  /// The generation of the last binding, active or ended; 0 before the first.
  public let lastGeneration: UInt64
  /// nil where none is active.
  public let binding: BindingSnapshot?

  public init(
    record: RecordID, version: UInt64, id: DeviceID, state: DeviceState, group: RecordID?, hub: RecordID?,
    lastGeneration: UInt64, binding: BindingSnapshot?
  ) {
    self.record = record
    self.version = version
    self.id = id
    self.state = state
    self.group = group
    self.hub = hub
    self.lastGeneration = lastGeneration
    self.binding = binding
  }
}

/// An active binding: which hardware is the device, since which event.
public struct BindingSnapshot: Sendable, Hashable {
  public let generation: UInt64
  public let hardware: [BoundHardware]
  /// SHA-256 of the SPKI of the key that enrolled; of a device without one, the digest of its claim.
  public let publicKey: Digest
  /// The certificate that the enrollment issued; nil where the device has symmetric keys alone.
  public let certificate: RecordID?

  public init(generation: UInt64, hardware: [BoundHardware], publicKey: Digest, certificate: RecordID?) {
    self.generation = generation
    self.hardware = hardware
    self.publicKey = publicKey
    self.certificate = certificate
  }
}

/// A hardware ID that has a record.
public struct HardwareSnapshot: Sendable, Hashable {
  public let record: RecordID
  public let version: UInt64
  public let id: HardwareID
  public let listing: HardwareListed.Listing
  /// The group that the listing allows it for; nil for any.
  public let group: RecordID?
  /// The device of its active binding.
  public let boundTo: RecordID?
  /// Whether it left a device, retired or swapped, is none's now, and was not allowed since.
  public let isOutOfUse: Bool
  /// By which order, and as which device, it may enroll by itself; nil once it did.
  public let allowance: Allowance?

  public init(
    record: RecordID, version: UInt64, id: HardwareID, listing: HardwareListed.Listing, group: RecordID?,
    boundTo: RecordID?, isOutOfUse: Bool = false, allowance: Allowance? = nil
  ) {
    self.record = record
    self.version = version
    self.id = id
    self.listing = listing
    self.group = group
    self.boundTo = boundTo
    self.isOutOfUse = isOutOfUse
    self.allowance = allowance
  }
}

/// By which order, and as which device, hardware may enroll without a station.
public struct Allowance: Sendable, Hashable {
  /// nil where it was erased.
  public let deviceID: DeviceID?
  public let provisioning: Provisioning
  /// The name of who allowed it, or the actor where that has none.
  public let by: String
  public let at: Timestamp

  public init(deviceID: DeviceID?, provisioning: Provisioning, by: String, at: Timestamp) {
    self.deviceID = deviceID
    self.provisioning = provisioning
    self.by = by
    self.at = at
  }
}

/// A ticket as it stood when it was read.
public struct TicketSnapshot: Sendable, Hashable {
  public enum State: Sendable, Hashable {
    case open
    case cancelled
    case redeemed(Redemption)
  }

  /// What the ticket became: it belongs to this key.
  public struct Redemption: Sendable, Hashable {
    public let publicKey: Digest
    public let certificate: RecordID?
    public let device: RecordID
    public let generation: UInt64
    public let at: Timestamp

    public init(publicKey: Digest, certificate: RecordID?, device: RecordID, generation: UInt64, at: Timestamp) {
      self.publicKey = publicKey
      self.certificate = certificate
      self.device = device
      self.generation = generation
      self.at = at
    }
  }

  public let record: RecordID
  public let version: UInt64
  public let deviceID: DeviceID
  public let hardware: HardwareID
  public let isSwap: Bool
  /// The device to take over; nil where it is new.
  public let device: RecordID?
  public let group: RecordID?
  public let expires: Timestamp
  /// Of an order's one-time secret.
  public let provisioning: Provisioning?
  public let state: State

  public init(
    record: RecordID, version: UInt64, deviceID: DeviceID, hardware: HardwareID, isSwap: Bool, device: RecordID?,
    group: RecordID?, expires: Timestamp, provisioning: Provisioning? = nil, state: State
  ) {
    self.record = record
    self.version = version
    self.deviceID = deviceID
    self.hardware = hardware
    self.isSwap = isSwap
    self.device = device
    self.group = group
    self.expires = expires
    self.provisioning = provisioning
    self.state = state
  }
}

/// A group as it stood when it was read.
public struct GroupSnapshot: Sendable, Hashable {
  public let record: RecordID
  public let version: UInt64
  public let name: RecordName
  public let profile: String?
  public let hub: RecordID?
  /// SHA-256 of each anchor's DER.
  public let trustAnchors: [Digest]
  public let isRemoved: Bool

  public init(
    record: RecordID, version: UInt64, name: RecordName, profile: String?, hub: RecordID?, trustAnchors: [Digest],
    isRemoved: Bool
  ) {
    self.record = record
    self.version = version
    self.name = name
    self.profile = profile
    self.hub = hub
    self.trustAnchors = trustAnchors
    self.isRemoved = isRemoved
  }
}

/// The patterns on the allowlist and the blocklist, all of them.
public struct PatternsSnapshot: Sendable, Hashable {
  public struct Entry: Sendable, Hashable {
    public let pattern: HardwarePattern
    public let listing: HardwareListed.Listing
    public let group: RecordID?

    public init(pattern: HardwarePattern, listing: HardwareListed.Listing, group: RecordID?) {
      self.pattern = pattern
      self.listing = listing
      self.group = group
    }
  }

  public let version: UInt64
  public let entries: [Entry]

  public init(version: UInt64 = 0, entries: [Entry] = []) {
    self.version = version
    self.entries = entries
  }
}

/// A hardware ID with what the registry knows of it: its record, where it has one.
public struct KnownHardware: Sendable, Hashable {
  public let id: HardwareID
  public let snapshot: HardwareSnapshot?

  public init(_ id: HardwareID, _ snapshot: HardwareSnapshot?) {
    self.id = id
    self.snapshot = snapshot
  }
}

extension ReadSet {
  mutating func saw(_ device: DeviceSnapshot) { saw(.record(device.record), version: device.version) }
  mutating func saw(_ hardware: HardwareSnapshot) { saw(.record(hardware.record), version: hardware.version) }
  mutating func saw(_ ticket: TicketSnapshot) { saw(.record(ticket.record), version: ticket.version) }
  mutating func saw(_ order: OrderSnapshot) { saw(.record(order.record), version: order.version) }
  mutating func saw(_ group: GroupSnapshot) { saw(.record(group.record), version: group.version) }
  mutating func saw(_ patterns: PatternsSnapshot) { saw(.hardwarePatterns, version: patterns.version) }
}
