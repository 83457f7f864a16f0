public import MusterModel

extension Registry {
  /// Redeems a ticket. It binds to the first key: the same key gets the same answer again within the ticket's time.
  public static func redeem(_ ticket: TicketSnapshot, _ enrollment: EnrollmentCase) -> EnrollmentOutcome {
    EnrollmentOutcome { () throws(RegistryRefusal) in
      let isNamed = enrollment.shown.contains { $0.hardware.id == ticket.hardware }
      guard ticket.deviceID == enrollment.deviceID, isNamed else { throw .ticketMismatch }
      if let blocked = enrollment.claimsBlocked { throw .hardwareBlocked(blocked) }
      switch ticket.state {
      case .cancelled: throw .ticketCancelled
      case .redeemed(let redemption): return try again(redemption, of: ticket, enrollment)
      case .open: break
      }
      guard enrollment.at < ticket.expires else { throw .ticketExpired(at: ticket.expires) }
      guard !ticket.isSwap || enrollment.device?.record == ticket.device else {
        throw enrollment.device == nil ? .deviceRetired(ticket.deviceID) : .ticketMismatch
      }
      if let provisioning = ticket.provisioning {
        return .enroll(try plan(enrollment, by: provisioning, as: ticket.deviceID, ticket: ticket))
      }
      try checkTakeover(of: enrollment.device, named: ticket.deviceID, isSwap: ticket.isSwap)
      return .enroll(try plan(enrollment, group: enrollment.device?.group ?? ticket.group, ticket: ticket))
    }
  }

  /// Enrolls hardware that its maker's certificate proves, into the group whose trust anchor it is under. The key that
  /// enrolled it gets the same answer again; another key for bound hardware takes an operator's ticket, and so does
  /// hardware that left its device: a board that was retired does not come back by itself.
  public static func enroll(_ enrollment: EnrollmentCase) -> EnrollmentOutcome {
    EnrollmentOutcome { () throws(RegistryRefusal) in
      guard let group = enrollment.group else { throw .groupUnknown }
      let standing = try checkHardware(enrollment)
      if case .bound = standing, let device = enrollment.device, let binding = device.binding {
        try checkEnabled(device)
        guard binding.publicKey == enrollment.publicKey else { throw .hardwareBound(enrollment.shown[0].hardware.id) }
        return .again(certificate: binding.certificate, device: device.record)
      }
      if let left = enrollment.shown.first(where: { $0.hardware.snapshot?.isOutOfUse == true }) {
        throw .hardwareOutOfUse(left.hardware.id)
      }
      if case .allowed(let listed?) = standing, listed != group.record { throw .groupMismatch }
      if let allowance = enrollment.shown[0].hardware.snapshot?.allowance {
        return .enroll(try plan(enrollment, by: allowance.provisioning, as: allowance.deviceID, ticket: nil))
      }
      if let device = enrollment.device { throw .deviceIDTaken(device.id) }
      return .enroll(try plan(enrollment, group: group.record, ticket: nil))
    }
  }

  /// Whether a device may renew its certificate: enabled, bound, and none of its hardware blocked. `hardware` are the
  /// records of its active binding, all of them. What it was decided from is the answer.
  public static func renew(
    _ device: DeviceSnapshot, hardware: [HardwareSnapshot], patterns: PatternsSnapshot
  ) -> Result<ReadSet, RegistryRefusal> {
    Result { () throws(RegistryRefusal) in
      try checkEnabled(device)
      guard let binding = device.binding,
        Set(binding.hardware.map(\.hardware)).isSubset(of: hardware.map(\.record))
      else { throw .bindingEnded(device.id) }
      let known = hardware.map { KnownHardware($0.id, $0) }
      _ = try checkHardware(known, for: device, patterns: patterns)
      var reads = ReadSet()
      reads.saw(device)
      reads.saw(patterns)
      for snapshot in hardware { reads.saw(snapshot) }
      return reads
    }
  }

  static func checkEnabled(_ device: DeviceSnapshot) throws(RegistryRefusal) {
    switch device.state {
    case .enabled: break
    case .disabled: throw .deviceDisabled(device.id)
    case .retired: throw .deviceRetired(device.id)
    }
  }

  private static func again(
    _ redemption: TicketSnapshot.Redemption, of ticket: TicketSnapshot, _ enrollment: EnrollmentCase
  ) throws(RegistryRefusal) -> EnrollmentOutcome {
    guard redemption.publicKey == enrollment.publicKey else { throw .ticketSpent(at: redemption.at) }
    guard enrollment.at < ticket.expires else { throw .ticketExpired(at: ticket.expires) }
    guard let device = enrollment.device, device.record == redemption.device else {
      throw .deviceRetired(ticket.deviceID)
    }
    try checkEnabled(device)
    guard device.binding?.generation == redemption.generation else { throw .bindingEnded(device.id) }
    return .again(certificate: redemption.certificate, device: device.record)
  }
}

// MARK: - The plan

extension Registry {
  static func plan(
    _ enrollment: EnrollmentCase, group: RecordID?, ticket: TicketSnapshot?, provisioning: Provisioning? = nil
  ) throws(RegistryRefusal) -> EnrollmentPlan {
    let device = enrollment.device
    _ = try checkHardware(enrollment)
    guard enrollment.group?.record == group else { throw .groupUnknown }
    if let group = enrollment.group, group.isRemoved, device == nil { throw .groupRemoved(group.name) }
    guard let generation = generation(after: device?.lastGeneration ?? 0, epoch: enrollment.epoch) else {
      throw .generationsExhausted(enrollment.deviceID)
    }
    let hardware = enrollment.shown.map { shown in
      EnrollmentPlan.Hardware(
        id: shown.hardware.id,
        record: shown.hardware.snapshot?.record ?? RecordID(.hardware, UUIDv7(at: enrollment.at)),
        assurance: shown.assurance)
    }
    let record = device?.record ?? RecordID(.device, UUIDv7(at: enrollment.at))
    return EnrollmentPlan(
      device: record, deviceID: enrollment.deviceID, isNew: device == nil, group: group,
      hub: device.map(\.hub) ?? enrollment.group?.hub, generation: generation, hardware: hardware,
      ticket: ticket?.record, provisioning: provisioning, publicKey: enrollment.publicKey,
      credentials: enrollment.credentials,
      reads: reads(enrollment, ticket),
      claims: claims(enrollment, device: record, hardware),
      ended: device.flatMap { end($0, because: .swapped) })
  }

  private static func checkHardware(_ enrollment: EnrollmentCase) throws(RegistryRefusal) -> Standing {
    if let blocked = enrollment.claimsBlocked { throw .hardwareBlocked(blocked) }
    return try checkHardware(
      enrollment.shown.map(\.hardware), for: enrollment.device, patterns: enrollment.patterns)
  }

  private static func reads(_ enrollment: EnrollmentCase, _ ticket: TicketSnapshot?) -> ReadSet {
    var reads = ReadSet()
    reads.saw(enrollment.patterns)
    for snapshot in enrollment.hardware.compactMap(\.hardware.snapshot) { reads.saw(snapshot) }
    if let device = enrollment.device { reads.saw(device) }
    if let group = enrollment.group { reads.saw(group) }
    if let ticket { reads.saw(ticket) }
    return reads
  }

  /// What the old binding holds is freed by its end in the same unit of work: those names are not claimed.
  private static func claims(
    _ enrollment: EnrollmentCase, device: RecordID, _ hardware: [EnrollmentPlan.Hardware]
  ) -> [UniqueName] {
    let held = Set(enrollment.device?.binding?.hardware.map(\.hardware) ?? [])
    var claims: [UniqueName] = []
    if enrollment.credentials.hasCertificate { claims.append(.publicKey(enrollment.publicKey, of: device)) }
    if enrollment.device == nil { claims.append(.deviceID(enrollment.deviceID)) }
    if enrollment.device?.binding == nil { claims.append(.activeBinding(device)) }
    for (shown, planned) in zip(enrollment.shown, hardware) {
      if shown.hardware.snapshot == nil { claims.append(.hardware(planned.id)) }
      if !held.contains(planned.record) { claims.append(.activeBinding(planned.record)) }
    }
    return claims
  }
}

extension EnrollmentOutcome {
  init(_ decide: () throws(RegistryRefusal) -> EnrollmentOutcome) {
    do throws(RegistryRefusal) {
      self = try decide()
    } catch {
      self = .refused(error)
    }
  }
}
