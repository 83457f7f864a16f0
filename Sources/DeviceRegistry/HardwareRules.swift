public import MusterModel

// The allowlist and the blocklist.

extension Registry {
  /// Puts a hardware ID on the allowlist, for one group or for any. Blocked hardware must be unblocked first: the
  /// blocklist wins. What left its device is allowed anew, though it was on the list before; what an order allowed is no
  /// longer that order's.
  public static func allow(
    _ hardware: KnownHardware, group: GroupSnapshot?, reason: String?, at time: Timestamp
  ) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      if hardware.snapshot?.listing == .blocked { throw .hardwareBlocked(hardware.id) }
      if let group, group.isRemoved { throw .groupRemoved(group.name) }
      if let known = hardware.snapshot, known.listing == .allowed, known.group == group?.record, !known.isOutOfUse,
        known.allowance == nil
      {
        return nil
      }
      return try list(hardware, .allowed, group: group, reason: reason, at: time)
    }
  }

  /// Puts a hardware ID on the blocklist. A device that it is bound to stays enabled and can no longer renew.
  public static func block(_ hardware: KnownHardware, reason: String?, at time: Timestamp) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      if hardware.snapshot?.listing == .blocked { return nil }
      return try list(hardware, .blocked, group: nil, reason: reason, at: time)
    }
  }

  /// Takes a hardware ID off the blocklist. It is then unknown, not allowed.
  public static func unblock(_ hardware: KnownHardware, reason: String?, at time: Timestamp) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      guard hardware.snapshot?.listing == .blocked else { return nil }
      return try list(hardware, .none, group: nil, reason: reason, at: time)
    }
  }

  private static func list(
    _ hardware: KnownHardware, _ listing: HardwareListed.Listing, group: GroupSnapshot?, reason: String?,
    at time: Timestamp
  ) throws(RegistryRefusal) -> RegistryPlan {
    try checkReason(reason)
    let record = hardware.snapshot?.record ?? RecordID(.hardware, UUIDv7(at: time))
    var reads = ReadSet()
    if let snapshot = hardware.snapshot { reads.saw(snapshot) }
    if let group { reads.saw(group) }
    let event = PlannedEvent(
      on: [.record(record)], HardwareListed(hardware: record, listing: listing, group: group?.record),
      details: .init(hardware: hardware.id, reason: reason))
    return RegistryPlan(
      record: record, reads: reads, claims: hardware.snapshot == nil ? [.hardware(hardware.id)] : [],
      events: [event])
  }
}

// MARK: - Patterns

extension Registry {
  /// Puts a pattern on a list, or takes it off with `none`. A pattern is on one list at a time.
  public static func list(
    _ pattern: HardwarePattern, _ listing: HardwareListed.Listing, group: GroupSnapshot?, reason: String?,
    patterns: PatternsSnapshot
  ) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      try checkReason(reason)
      if let group, group.isRemoved { throw .groupRemoved(group.name) }
      let known = patterns.entries.first { $0.pattern == pattern }
      let isSame = known.map { $0.listing == listing && $0.group == group?.record } ?? (listing == .none)
      if isSame { return nil }
      if known?.listing == .blocked, listing == .allowed { throw .patternBlocked(pattern) }
      if known == nil, patterns.entries.count >= patternLimit { throw .tooManyPatterns }
      return plan(pattern, listing, group: group, reason: reason, patterns: patterns)
    }
  }

  private static func plan(
    _ pattern: HardwarePattern, _ listing: HardwareListed.Listing, group: GroupSnapshot?, reason: String?,
    patterns: PatternsSnapshot
  ) -> RegistryPlan {
    var reads = ReadSet()
    reads.saw(patterns)
    if let group { reads.saw(group) }
    let event = PlannedEvent(
      on: [.hardwarePatterns], HardwarePatternListed(listing: listing, group: group?.record),
      details: .init(pattern: pattern, reason: reason))
    return RegistryPlan(record: nil, reads: reads, claims: [], events: [event])
  }
}
