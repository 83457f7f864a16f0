public import MusterModel

// Zero-touch: an order allows boards to enroll without a station, each once and as one device.

/// A row of a manifest that becomes an allowlist, with all that the registry knows of its board.
public struct AllowanceCase: Sendable {
  public let hardware: KnownHardware
  public let deviceID: DeviceID
  /// The device that the hardware is; else the one of that ID.
  public let device: DeviceSnapshot?
  /// How the active binding of `device` came to be.
  public let origin: BindingOrigin?
  /// The order by which the hardware may enroll by itself already.
  public let allowingOrder: OrderSnapshot?
  /// Its one-time secret by an order that is open.
  public let secret: OpenSecret?
  public let patterns: PatternsSnapshot
  public let order: OrderSnapshot
  public let batch: BatchSnapshot
  public let at: Timestamp

  public init(
    hardware: KnownHardware, deviceID: DeviceID, device: DeviceSnapshot?, origin: BindingOrigin?,
    allowingOrder: OrderSnapshot?, secret: OpenSecret?, patterns: PatternsSnapshot, order: OrderSnapshot,
    batch: BatchSnapshot, at: Timestamp
  ) {
    self.hardware = hardware
    self.deviceID = deviceID
    self.device = device
    self.origin = origin
    self.allowingOrder = allowingOrder
    self.secret = secret
    self.patterns = patterns
    self.order = order
    self.batch = batch
    self.at = at
  }

  fileprivate var provisioning: Provisioning { Provisioning(order: order.record, batch: batch.record) }
}

/// A one-time secret that is neither used, cancelled nor over.
public struct OpenSecret: Sendable, Hashable {
  public let ticket: TicketSnapshot
  /// HMAC of its code.
  public let code: Digest
  /// The name of who made it, or the actor where that has none.
  public let by: String
  public let at: Timestamp

  public init(ticket: TicketSnapshot, code: Digest, by: String, at: Timestamp) {
    self.ticket = ticket
    self.code = code
    self.by = by
    self.at = at
  }
}

/// The registry's answer to such a row.
public enum AllowanceOutcome: Sendable {
  /// `expires` of a secret.
  case plan(RegistryPlan, expires: Timestamp?)
  /// The very same was done before: the listing, or this secret.
  case again(OpenSecret?)
  /// The board has another secret of the order, which holds: it gets no second one.
  case standing(OpenSecret)
  /// It is the device already.
  case made
  case refused(RegistryRefusal)
}

extension Registry {
  public static let secretLifetimes: ClosedRange<Duration> = .seconds(60) ... .seconds(366 * 86_400)

  /// Puts a board on the allowlist as the device that it becomes when it comes and proves itself.
  public static func allow(_ board: AllowanceCase) -> AllowanceOutcome {
    AllowanceOutcome { () throws(RegistryRefusal) in
      guard board.hardware.id.kind.provesItself else { throw .hardwareUnprovable(board.hardware.id) }
      if try isMade(board) { return .made }
      if let allowance = board.hardware.snapshot?.allowance, allowance.provisioning.order == board.order.record,
        allowance.deviceID == board.deviceID
      {
        return .again(nil)
      }
      try checkAllowing(board)
      return .plan(listing(board), expires: nil)
    }
  }

  /// Gives a board a one-time secret by which it enrolls as the device, until then and no longer than the order goes.
  /// `code` is the HMAC of its code.
  public static func issueSecret(
    for board: AllowanceCase, code: Digest, lifetime: Duration
  ) -> AllowanceOutcome {
    AllowanceOutcome { () throws(RegistryRefusal) in
      guard secretLifetimes.contains(lifetime) else { throw .secretLifetime }
      if try isMade(board) { return .made }
      if let secret = board.secret { return secret.code == code ? .again(secret) : .standing(secret) }
      try checkAllowing(board)
      let expires = min(board.at + lifetime, board.order.until ?? board.at + lifetime)
      return .plan(ticket(board, code: code, expires: expires), expires: expires)
    }
  }

  /// Whether the board is the device already, by this order. Throws where it cannot become it.
  private static func isMade(_ board: AllowanceCase) throws(RegistryRefusal) -> Bool {
    let (hardware, order) = (board.hardware, board.order)
    if standing(of: hardware, patterns: board.patterns) == .blocked { throw .hardwareBlocked(hardware.id) }
    if let device = board.device, hardware.snapshot?.boundTo == device.record {
      guard device.group == order.group, let origin = board.origin else { throw .hardwareBound(hardware.id) }
      guard origin.order == order.record, device.id == board.deviceID else {
        throw .hardwareProvisioned(hardware.id, as: device.id, by: origin.by, at: origin.at)
      }
      return true
    }
    let standing = try checkHardware([hardware], for: nil, patterns: board.patterns)
    if case .allowed(let listed?) = standing, listed != order.group { throw .groupMismatch }
    try checkAllowance(of: hardware, as: board.deviceID, by: order, board.allowingOrder, at: board.at)
    if let secret = board.secret,
      secret.ticket.provisioning?.order != order.record || secret.ticket.deviceID != board.deviceID
    {
      guard secret.ticket.group == order.group else { throw .groupMismatch }
      throw .hardwareAllowed(hardware.id, as: secret.ticket.deviceID, by: secret.by, at: secret.at)
    }
    if let device = board.device { throw .deviceIDTaken(device.id) }
    return false
  }

  /// Whether more may be allowed by the order, in this run.
  private static func checkAllowing(_ board: AllowanceCase) throws(RegistryRefusal) {
    try checkOpen(board.order, at: board.at)
    try check(board.batch, isOf: board.order)
  }

  /// Hardware that an open order allows is that order's to make, as the device that its row names. `allowing` is the
  /// order of its allowance.
  static func checkAllowance(
    of hardware: KnownHardware, as deviceID: DeviceID, by order: OrderSnapshot, _ allowing: OrderSnapshot?,
    at time: Timestamp
  ) throws(RegistryRefusal) {
    guard let allowance = hardware.snapshot?.allowance else { return }
    if allowance.provisioning.order == order.record, allowance.deviceID == deviceID { return }
    guard let allowing, allowing.record == allowance.provisioning.order, allowing.isOpen(at: time) else { return }
    throw .hardwareAllowed(hardware.id, as: allowance.deviceID, by: allowance.by, at: allowance.at)
  }

  /// Hardware that an order allows becomes a device of it, as if a station had made it.
  static func plan(
    _ enrollment: EnrollmentCase, by provisioning: Provisioning, as deviceID: DeviceID?, ticket: TicketSnapshot?
  ) throws(RegistryRefusal) -> EnrollmentPlan {
    guard let order = enrollment.allowingOrder, order.record == provisioning.order else { throw .orderUnknown }
    try checkOpen(order, at: enrollment.at)
    if let device = enrollment.device { throw .deviceIDTaken(device.id) }
    guard deviceID == enrollment.deviceID else { throw .orderUnknown }
    return try plan(enrollment, group: order.group, ticket: ticket, provisioning: provisioning).reading(order)
  }
}

// MARK: - What happens

extension Registry {
  private static func listing(_ board: AllowanceCase) -> RegistryPlan {
    let known = board.hardware.snapshot
    let record = known?.record ?? RecordID(.hardware, UUIDv7(at: board.at))
    let event = PlannedEvent(
      on: [.record(record)],
      HardwareListed(
        hardware: record, listing: .allowed, group: board.order.group, provisioning: board.provisioning),
      details: .init(hardware: board.hardware.id, reason: nil, deviceID: board.deviceID))
    return RegistryPlan(
      record: record, reads: reads(board),
      claims: (known == nil ? [.hardware(board.hardware.id)] : []) + board.batch.claims(for: board.order),
      events: [event])
  }

  private static func ticket(_ board: AllowanceCase, code: Digest, expires: Timestamp) -> RegistryPlan {
    let ticket = RecordID(.ticket, UUIDv7(at: board.at))
    let event = PlannedEvent(
      on: ([ticket] + [board.hardware.snapshot?.record].compactMap(\.self)).map(Aggregate.record),
      TicketIssued(
        ticket: ticket, isSwap: false, device: nil, group: board.order.group, expires: expires,
        provisioning: board.provisioning),
      details: .init(deviceID: board.deviceID, hardware: board.hardware.id, code: code))
    return RegistryPlan(
      record: ticket, reads: reads(board), claims: [.ticketCode(code)] + board.batch.claims(for: board.order),
      events: [event])
  }

  private static func reads(_ board: AllowanceCase) -> ReadSet {
    var reads = ReadSet()
    reads.saw(board.patterns)
    reads.saw(board.order)
    if let hardware = board.hardware.snapshot { reads.saw(hardware) }
    return reads
  }
}

extension HardwareID.Kind {
  /// Whether there is evidence that shows an ID of this kind without an operator's word.
  var provesItself: Bool {
    switch self {
    case .idevid, .tpmEK, .registration: true
    case .cpuSerial, .mac, .imei, .dmiUUID, .sha256: false
    }
  }
}

extension AllowanceOutcome {
  fileprivate init(_ decide: () throws(RegistryRefusal) -> AllowanceOutcome) {
    do throws(RegistryRefusal) {
      self = try decide()
    } catch {
      self = .refused(error)
    }
  }
}
