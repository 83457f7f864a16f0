import DeviceRegistry
import MusterModel

/// The registry's records, kept by applying planned events as the store's views do: a naive store for tests.
struct World {
  var time = Timestamp(milliseconds: 1_760_000_000_000)
  var devices: [RecordID: DeviceSnapshot] = [:]
  var hardware: [RecordID: HardwareSnapshot] = [:]
  var tickets: [RecordID: TicketSnapshot] = [:]
  var groups: [RecordID: GroupSnapshot] = [:]
  var patterns = PatternsSnapshot()
  /// Every generation that a device ever had, in order.
  var generations: [RecordID: [UInt64]] = [:]
  private var position: UInt64 = 0

  func device(_ id: DeviceID) -> DeviceSnapshot? {
    devices.values.first { $0.id.folded == id.folded && $0.state != .retired }
  }

  func known(_ id: HardwareID) -> KnownHardware {
    KnownHardware(id, hardware.values.first { $0.id == id })
  }

  func enrollment(
    _ id: DeviceID, _ shown: [HardwareID], key: Digest, group: RecordID? = nil, epoch: UInt32 = 0
  ) -> EnrollmentCase {
    let device = device(id)
    return EnrollmentCase(
      hardware: shown.map { .init(known($0), .asserted) }, patterns: patterns, deviceID: id, device: device,
      group: (device.map(\.group) ?? group).flatMap { groups[$0] }, publicKey: key, at: time, epoch: epoch)
  }

  @discardableResult
  mutating func apply(_ decision: RegistryDecision) throws -> RecordID? {
    guard case .plan(let plan) = decision else { return nil }
    for event in plan.events { try apply(event) }
    return plan.record
  }

  @discardableResult
  mutating func apply(_ outcome: EnrollmentOutcome) throws -> EnrollmentPlan? {
    guard case .enroll(let plan) = outcome else { return nil }
    let certificate = RecordID(.certificate, UUIDv7(at: time))
    for event in plan.events(certificate: certificate, evidence: "ticket", source: nil, decision: nil) {
      try apply(event)
    }
    return plan
  }

  mutating func apply(_ planned: PlannedEvent) throws {
    let event = try planned.event(at: time, by: .service, policy: nil)
    position += 1
    switch (event.body, event.details) {
    case (let body as DeviceEnrolled, let details as DeviceEnrolled.Details): enrolled(body, details)
    case (let body as BindingEnded, _): ended(body)
    case (let body as DeviceStateChanged, _): change(body.device, state: body.state)
    case (let body as HardwareListed, let details as HardwareListed.Details): listed(body, details)
    case (let body as HardwarePatternListed, let details as HardwarePatternListed.Details): listed(body, details)
    case (let body as TicketIssued, let details as TicketIssued.Details): issued(body, details)
    case (let body as TicketCancelled, _): tickets[body.ticket] = tickets[body.ticket]?.with(.cancelled, position)
    case (let body as GroupAdded, let details as GroupAdded.Details): added(body, details)
    case (let body as GroupRemoved, _): removed(body.group)
    default: throw UnknownEvent(kind: event.kind)
    }
  }

  struct UnknownEvent: Error { let kind: String }
}

// MARK: - Projections

extension World {
  private mutating func enrolled(_ body: DeviceEnrolled, _ details: DeviceEnrolled.Details) {
    generations[body.device, default: []].append(body.generation)
    devices[body.device] = DeviceSnapshot(
      record: body.device, version: position, id: details.deviceID, state: .enabled, group: body.group, hub: body.hub,
      lastGeneration: body.generation,
      binding: BindingSnapshot(
        generation: body.generation, hardware: body.hardware, publicKey: body.publicKey,
        certificate: body.certificate))
    for (bound, id) in zip(body.hardware, details.hardware) {
      let before = hardware[bound.hardware]
      hardware[bound.hardware] = HardwareSnapshot(
        record: bound.hardware, version: position, id: id, listing: before?.listing ?? .none, group: before?.group,
        boundTo: body.device)
    }
    if let ticket = body.ticket {
      let redemption = TicketSnapshot.Redemption(
        publicKey: body.publicKey, certificate: body.certificate, device: body.device, generation: body.generation,
        at: time)
      tickets[ticket] = tickets[ticket]?.with(.redeemed(redemption), position)
    }
  }

  private mutating func ended(_ body: BindingEnded) {
    devices[body.device] = devices[body.device].map {
      DeviceSnapshot(
        record: $0.record, version: position, id: $0.id, state: $0.state, group: $0.group, hub: $0.hub,
        lastGeneration: $0.lastGeneration, binding: nil)
    }
    for record in body.hardware {
      hardware[record] = hardware[record].map {
        HardwareSnapshot(
          record: record, version: position, id: $0.id, listing: $0.listing, group: $0.group, boundTo: nil,
          isOutOfUse: true)
      }
    }
  }

  private mutating func change(_ device: RecordID, state: DeviceState) {
    devices[device] = devices[device].map {
      DeviceSnapshot(
        record: device, version: position, id: $0.id, state: state, group: $0.group, hub: $0.hub,
        lastGeneration: $0.lastGeneration, binding: $0.binding)
    }
  }

  private mutating func listed(_ body: HardwareListed, _ details: HardwareListed.Details) {
    hardware[body.hardware] = HardwareSnapshot(
      record: body.hardware, version: position, id: details.hardware, listing: body.listing, group: body.group,
      boundTo: hardware[body.hardware]?.boundTo,
      isOutOfUse: body.listing == .allowed ? false : hardware[body.hardware]?.isOutOfUse ?? false)
  }

  private mutating func listed(_ body: HardwarePatternListed, _ details: HardwarePatternListed.Details) {
    let others = patterns.entries.filter { $0.pattern != details.pattern }
    let entry = PatternsSnapshot.Entry(pattern: details.pattern, listing: body.listing, group: body.group)
    patterns = PatternsSnapshot(version: position, entries: others + (body.listing == .none ? [] : [entry]))
  }

  private mutating func issued(_ body: TicketIssued, _ details: TicketIssued.Details) {
    tickets[body.ticket] = TicketSnapshot(
      record: body.ticket, version: position, deviceID: details.deviceID, hardware: details.hardware,
      isSwap: body.isSwap, device: body.device, group: body.group, expires: body.expires, state: .open)
  }

  private mutating func added(_ body: GroupAdded, _ details: GroupAdded.Details) {
    groups[body.group] = GroupSnapshot(
      record: body.group, version: position, name: details.name, profile: body.profile, hub: body.hub,
      trustAnchors: body.trustAnchors, isRemoved: false)
  }

  private mutating func removed(_ group: RecordID) {
    groups[group] = groups[group].map {
      GroupSnapshot(
        record: group, version: position, name: $0.name, profile: $0.profile, hub: $0.hub,
        trustAnchors: $0.trustAnchors, isRemoved: true)
    }
  }
}

extension TicketSnapshot {
  fileprivate func with(_ state: State, _ version: UInt64) -> TicketSnapshot {
    TicketSnapshot(
      record: record, version: version, deviceID: deviceID, hardware: hardware, isSwap: isSwap, device: device,
      group: group, expires: expires, state: state)
  }
}

// MARK: - Steps that tests take

extension World {
  func issue(
    _ id: DeviceID, _ hardware: HardwareID, swap: Bool = false, group: RecordID? = nil, valid: Duration = .seconds(3600)
  ) -> RegistryDecision {
    Registry.issueTicket(
      TicketRequest(
        deviceID: id, hardware: known(hardware), isSwap: swap, group: group.flatMap { groups[$0] }, lifetime: valid,
        code: .sha256([1])),
      device: device(id), patterns: patterns, at: time)
  }

  mutating func issued(
    _ id: DeviceID, _ hardware: HardwareID, swap: Bool = false, group: RecordID? = nil
  ) throws -> TicketSnapshot? {
    try apply(issue(id, hardware, swap: swap, group: group)).flatMap { tickets[$0] }
  }

  func redeem(_ ticket: RecordID, key: Digest, showing more: [HardwareID] = []) -> EnrollmentOutcome? {
    tickets[ticket].map { ticket in
      Registry.redeem(
        ticket, enrollment(ticket.deviceID, [ticket.hardware] + more, key: key, group: ticket.group))
    }
  }
}

extension World {
  struct NotThere: Error {}

  /// Redeems a ticket that must enroll.
  @discardableResult
  mutating func enroll(_ ticket: RecordID, key: Digest) throws -> EnrollmentPlan {
    guard let outcome = redeem(ticket, key: key), let plan = try apply(outcome) else { throw NotThere() }
    return plan
  }

  /// A group with a hub of its own.
  mutating func group(_ name: String) throws -> RecordID {
    guard let name = RecordName(name) else { throw NotThere() }
    let hub = RecordID(.hub, UUIDv7(at: time))
    let decision = Registry.addGroup(name, profile: nil, hub: hub, trustAnchors: [], at: time)
    guard let record = try apply(decision) else { throw NotThere() }
    return record
  }

  func stored(device: RecordID) throws -> DeviceSnapshot {
    guard let device = devices[device] else { throw NotThere() }
    return device
  }

  func stored(ticket: RecordID) throws -> TicketSnapshot {
    guard let ticket = tickets[ticket] else { throw NotThere() }
    return ticket
  }
}

extension RegistryDecision {
  var code: String {
    switch self {
    case .plan: "plan"
    case .unchanged: "unchanged"
    case .refused(let refusal): refusal.code
    }
  }
}

extension EnrollmentOutcome {
  var code: String {
    switch self {
    case .enroll: "enroll"
    case .again: "again"
    case .refused(let refusal): refusal.code
    }
  }
}
