public import MusterModel

/// What an enrollment is decided from: the board that asks, with all that the registry knows of it.
public struct EnrollmentCase: Sendable, Hashable {
  /// A hardware ID that the evidence shows or the device claims.
  public struct Shown: Sendable, Hashable {
    public let hardware: KnownHardware
    public let assurance: Assurance

    public init(_ hardware: KnownHardware, _ assurance: Assurance) {
      self.hardware = hardware
      self.assurance = assurance
    }
  }

  public let hardware: [Shown]
  /// What the evidence shows. It alone says whose the board is, and it alone is bound: a claim costs nothing, so it takes
  /// no name that another board has or may need, and lends no standing.
  var shown: [Shown] { hardware.filter { $0.assurance != .claimed } }
  public let patterns: PatternsSnapshot
  public let deviceID: DeviceID
  /// The device of that ID, by folding, that is not retired.
  public let device: DeviceSnapshot?
  /// The group of the device, where there is one; else the ticket's, or that of the trust anchor.
  public let group: GroupSnapshot?
  /// The order that the ticket names, or by which the board may enroll by itself.
  public let allowingOrder: OrderSnapshot?
  /// SHA-256 of the SPKI of the request's key; where no certificate is asked for, the digest of its claim.
  public let publicKey: Digest
  public let credentials: DeviceCredentials
  public let at: Timestamp
  public let epoch: UInt32

  public init(
    hardware: [Shown], patterns: PatternsSnapshot, deviceID: DeviceID, device: DeviceSnapshot?, group: GroupSnapshot?,
    allowingOrder: OrderSnapshot? = nil, publicKey: Digest, credentials: DeviceCredentials = .certificate,
    at: Timestamp, epoch: UInt32
  ) {
    self.hardware = hardware
    self.patterns = patterns
    self.deviceID = deviceID
    self.device = device
    self.group = group
    self.allowingOrder = allowingOrder
    self.publicKey = publicKey
    self.credentials = credentials
    self.at = at
    self.epoch = epoch
  }

  /// Of what the evidence shows; blocked also where a claim is.
  public var standing: Standing {
    claimsBlocked == nil ? Registry.standing(of: shown.map(\.hardware), patterns: patterns) : .blocked
  }

  /// Who says of a board that it is a blocked one is taken at its word.
  var claimsBlocked: HardwareID? {
    hardware.first { Registry.standing(of: $0.hardware, patterns: patterns) == .blocked }?.hardware.id
  }
}

/// The registry's answer to a board.
public enum EnrollmentOutcome: Sendable {
  case enroll(EnrollmentPlan)
  /// The same key, or the same claim, asks again: it gets the same.
  case again(certificate: RecordID?, device: RecordID)
  case refused(RegistryRefusal)
}

/// By which order a device is made, and in which run of a station, which made it or allowed it to enroll by itself.
public struct Provisioning: Sendable, Hashable {
  public let order: RecordID
  public let batch: RecordID

  public init(order: RecordID, batch: RecordID) {
    self.order = order
    self.batch = batch
  }
}

/// Hardware becomes a device: the first time, or by a swap.
public struct EnrollmentPlan: Sendable {
  public struct Hardware: Sendable, Hashable {
    public let id: HardwareID
    public let record: RecordID
    public let assurance: Assurance
  }

  public let device: RecordID
  public let deviceID: DeviceID
  /// Whether the device comes to be.
  public let isNew: Bool
  public let group: RecordID?
  public let hub: RecordID?
  public let generation: UInt64
  public let hardware: [Hardware]
  public let ticket: RecordID?
  /// Where an order makes it.
  public let provisioning: Provisioning?
  public let publicKey: Digest
  public let credentials: DeviceCredentials
  /// Whether the device was other hardware until now: its certificates are to be revoked in the same unit of work.
  public var isSwap: Bool { ended != nil }
  public internal(set) var reads: ReadSet
  public internal(set) var claims: [UniqueName]
  public var spends: [CounterSpend] { provisioning.map { [CounterSpend(.order($0.order))] } ?? [] }
  /// The end of the binding that this one replaces.
  let ended: PlannedEvent?

  /// The events in their order: the old binding's end, the enrollment. `evidence` as `Evidence.Kind` writes it;
  /// `certificate` the one that the same unit of work issues.
  public func events(
    certificate: RecordID?, evidence: String, source: String?, decision: String?
  ) -> [PlannedEvent] {
    // Not on the group nor the order: a thousand enrollments are no change of them, and none makes another stale.
    var records: [Aggregate] = [.record(device)]
    records.reserveCapacity(hardware.count + 2)
    for hardware in hardware { records.append(.record(hardware.record)) }
    if let ticket { records.append(.record(ticket)) }
    let details = DeviceEnrolled.Details(
      deviceID: deviceID, hardware: hardware.map(\.id), source: source, decision: decision)
    let event =
      certificate.map { PlannedEvent(on: records, enrolled($0, evidence: evidence), details: details) }
      ?? PlannedEvent(on: records, enrolledWithKeys(evidence: evidence), details: details)
    return [ended, event].compactMap(\.self)
  }

  private var bound: [BoundHardware] {
    hardware.map { BoundHardware(hardware: $0.record, assurance: $0.assurance) }
  }

  private func enrolled(_ certificate: RecordID, evidence: String) -> DeviceEnrolled {
    DeviceEnrolled(
      device: device, isNew: isNew, group: group, hub: hub, generation: generation, hardware: bound,
      evidence: evidence, ticket: ticket, publicKey: publicKey, certificate: certificate,
      order: provisioning?.order, batch: provisioning?.batch)
  }

  private func enrolledWithKeys(evidence: String) -> DeviceEnrolledWithKeys {
    DeviceEnrolledWithKeys(
      device: device, isNew: isNew, group: group, hub: hub, generation: generation, hardware: bound,
      evidence: evidence, ticket: ticket, claim: publicKey, order: provisioning?.order, batch: provisioning?.batch)
  }
}
