public import MusterModel

/// What an operator asks for when issuing a ticket.
public struct TicketRequest: Sendable, Hashable {
  public let deviceID: DeviceID
  public let hardware: KnownHardware
  public let isSwap: Bool
  public let group: GroupSnapshot?
  public let lifetime: Duration
  /// HMAC-SHA-256 of the code under the vault's ticket key.
  public let code: Digest

  public init(
    deviceID: DeviceID, hardware: KnownHardware, isSwap: Bool, group: GroupSnapshot?, lifetime: Duration, code: Digest
  ) {
    self.deviceID = deviceID
    self.hardware = hardware
    self.isSwap = isSwap
    self.group = group
    self.lifetime = lifetime
    self.code = code
  }
}

extension Registry {
  public static let ticketLifetimes: ClosedRange<Duration> = .seconds(60) ... .seconds(30 * 86_400)

  /// Issues a ticket. `device` is the device of that ID that is not retired. What is refused here is refused again at
  /// redemption: much may happen in between.
  public static func issueTicket(
    _ request: TicketRequest, device: DeviceSnapshot?, patterns: PatternsSnapshot, at time: Timestamp
  ) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      guard ticketLifetimes.contains(request.lifetime) else { throw .ticketLifetime }
      try checkTakeover(of: device, named: request.deviceID, isSwap: request.isSwap)
      let standing = try checkHardware([request.hardware], for: device, patterns: patterns)
      let group = try self.group(ofTicketFor: request.group, device: device, standing: standing)
      return plan(request, device: device, group: group, patterns: patterns, at: time)
    }
  }

  /// Cancels a ticket that was not used.
  public static func cancel(_ ticket: TicketSnapshot) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      switch ticket.state {
      case .cancelled: return nil
      case .redeemed(let redemption): throw .ticketSpent(at: redemption.at)
      case .open: break
      }
      var reads = ReadSet()
      reads.saw(ticket)
      let event = PlannedEvent(on: [.record(ticket.record)], TicketCancelled(ticket: ticket.record))
      return RegistryPlan(record: ticket.record, reads: reads, claims: [], events: [event])
    }
  }

  private static func plan(
    _ request: TicketRequest, device: DeviceSnapshot?, group: RecordID?, patterns: PatternsSnapshot,
    at time: Timestamp
  ) -> RegistryPlan {
    var reads = ReadSet()
    reads.saw(patterns)
    if let device { reads.saw(device) }
    if let hardware = request.hardware.snapshot { reads.saw(hardware) }
    if let group = request.group { reads.saw(group) }
    let ticket = RecordID(.ticket, UUIDv7(at: time))
    let concerned = [ticket] + [device?.record, request.hardware.snapshot?.record].compactMap(\.self)
    let event = PlannedEvent(
      on: concerned.map(Aggregate.record),
      TicketIssued(
        ticket: ticket, isSwap: request.isSwap, device: device?.record, group: group,
        expires: time + request.lifetime),
      details: .init(deviceID: request.deviceID, hardware: request.hardware.id, code: request.code))
    return RegistryPlan(record: ticket, reads: reads, claims: [.ticketCode(request.code)], events: [event])
  }
}

// MARK: - Rules that issuing and redeeming share

extension Registry {
  /// Whether a ticket, a swap's or not, may make `device` of new hardware.
  static func checkTakeover(of device: DeviceSnapshot?, named id: DeviceID, isSwap: Bool) throws(RegistryRefusal) {
    guard let device else {
      if isSwap { throw .deviceUnknown(id) }
      return
    }
    // Unique by ASCII case folding, written in one case: the other spelling is another's name.
    guard device.id == id else { throw .deviceIDTaken(device.id) }
    switch device.state {
    case .retired: throw .deviceRetired(id)
    case .disabled: throw .deviceDisabled(id)
    case .enabled: break
    }
    if device.binding != nil, !isSwap { throw .deviceBound(id) }
  }

  /// No ID of the board may be blocked, or bound to a device other than `device`.
  static func checkHardware(
    _ hardware: [KnownHardware], for device: DeviceSnapshot?, patterns: PatternsSnapshot
  ) throws(RegistryRefusal) -> Standing {
    guard !hardware.isEmpty else { throw .noHardware }
    for known in hardware {
      switch standing(of: known, patterns: patterns) {
      case .blocked: throw .hardwareBlocked(known.id)
      case .bound(let other) where other != device?.record: throw .hardwareBound(known.id)
      case .bound, .allowed, .unknown: break
      }
    }
    return standing(of: hardware, patterns: patterns)
  }

  /// A device keeps its group; else it is the ticket's, else the allowlist's. Two that disagree are refused.
  private static func group(
    ofTicketFor asked: GroupSnapshot?, device: DeviceSnapshot?, standing: Standing
  ) throws(RegistryRefusal) -> RecordID? {
    if let asked, asked.isRemoved { throw .groupRemoved(asked.name) }
    if let device {
      guard asked == nil || asked?.record == device.group else { throw .groupMismatch }
      return device.group
    }
    if case .allowed(let listed?) = standing {
      guard asked == nil || asked?.record == listed else { throw .groupMismatch }
      return listed
    }
    return asked?.record
  }
}
