import DeviceRegistry
import MusterModel
import Policy

// The allowlist and the blocklist.

extension Administration {
  public enum HardwareChange: Sendable { case allow, block, unblock }

  /// By a hardware ID, or by a pattern `kind:prefix*`.
  public func list(
    _ input: HardwareInput, _ change: HardwareChange, by caller: Caller
  ) async throws -> Outcome<HardwareSummary> {
    let named: NamedHardware
    var query = FactsQuery()
    do throws(Refusal) {
      named = try NamedHardware(input.hardware)
      // What hardware is allowed for is the caller's to say; whose it is that is blocked is not.
      if let group = input.group, change == .allow { query.group = .name(try parse(name: group)) }
    } catch {
      return .refused(error)
    }
    switch named {
    case .id(let hardware):
      query.hardware = [hardware]
      query.deviceOfHardware = true
      return try await list(hardware, input, change, query, by: caller)
    case .pattern(let pattern): return try await list(pattern, input, change, query, by: caller)
    }
  }

  private func list(
    _ hardware: HardwareID, _ input: HardwareInput, _ change: HardwareChange, _ query: FactsQuery, by caller: Caller
  ) async throws -> Outcome<HardwareSummary> {
    try await self.change(
      change.operation, by: caller, asking: query,
      // Allowing puts it where the caller says, which may be no group: not for who is limited to groups.
      group: { change == .allow && query.group == nil ? nil : $0.group?.record }
    ) { facts, grant, actor, now in
      let group = query.group == nil ? nil : facts.group
      if query.group != nil, group == nil { return .refused(Refusal(.groupUnknown)) }
      let known = facts.hardware.first { $0.id == hardware } ?? KnownHardware(hardware, nil)
      if let refusal = outside(grant, known.snapshot?.group, change) { return .refused(refusal) }
      let decision =
        switch change {
        case .allow: Registry.allow(known, group: group, reason: input.reason, at: now)
        case .block: Registry.block(known, reason: input.reason, at: now)
        case .unblock: Registry.unblock(known, reason: input.reason, at: now)
        }
      return try decision.change(at: now, by: actor, policy: grant.decidedBy) { record in
        HardwareSummary(
          record: record ?? known.snapshot?.record, hardware: hardware,
          listing: change.listing(of: known.snapshot?.listing), group: group?.name, device: nil, reason: input.reason)
      }
    }
  }

  private func list(
    _ pattern: HardwarePattern, _ input: HardwareInput, _ change: HardwareChange, _ query: FactsQuery,
    by caller: Caller
  ) async throws -> Outcome<HardwareSummary> {
    try await self.change(change.operation, by: caller, asking: query) { facts, grant, actor, now in
      let group = query.group == nil ? nil : facts.group
      if query.group != nil, group == nil { return .refused(Refusal(.groupUnknown)) }
      let known = facts.patterns.entries.first { $0.pattern == pattern }
      if let refusal = outside(grant, known?.group, change) { return .refused(refusal) }
      let listing = change.listing(of: known?.listing)
      let summary = HardwareSummary(pattern: pattern, listing: listing, group: group?.name, reason: input.reason)
      if change == .unblock, known?.listing != .blocked { return .unchanged(summary) }
      return try Registry.list(pattern, listing, group: group, reason: input.reason, patterns: facts.patterns)
        .change(at: now, by: actor, policy: grant.decidedBy) { _ in summary }
    }
  }

  /// Who is limited to groups does not take what is allowed for another.
  private func outside(_ grant: AccessGrant, _ group: RecordID?, _ change: HardwareChange) -> Refusal? {
    guard !grant.limitedTo.isEmpty, let group, !grant.limitedTo.contains(group) else { return nil }
    return Refusal(AccessRefusal.otherGroup(change.operation))
  }

  /// Puts each on the allowlist; one that is refused stops none of the others. Why each was refused, in their order; nil
  /// where it was not.
  public func importHardware(_ inputs: [HardwareInput], by caller: Caller) async throws -> Outcome<[Refusal?]> {
    // Whether importing is on the caller's list at all; each row is then held to the caller's groups by itself.
    let anyGroup = caller.principal.groups.first
    if case .refused(let refusal) = try await grant(.hardwareImport, to: caller, group: anyGroup) {
      return .refused(refusal)
    }
    guard inputs.count <= 1000 else {
      return .refused(Refusal(.invalid, "too-many-rows", "expected at most 1000 rows, found \(inputs.count)"))
    }
    let single = Caller(principal: caller.principal, reads: caller.reads, source: caller.source)
    var refusals: [Refusal?] = []
    for input in inputs {
      switch try await list(input, .allow, by: single) {
      case .done: refusals.append(nil)
      // What is not on the caller's list is not for any row; another's group is that row's alone.
      case .refused(let refusal) where refusal.code == "not-allowed": return .refused(refusal)
      case .refused(let refusal): refusals.append(refusal)
      }
    }
    return .done(refusals)
  }
}

extension Administration.HardwareChange {
  var operation: Policy.Operation {
    switch self {
    case .allow: .hardwareAllow
    case .block: .hardwareBlock
    case .unblock: .hardwareUnblock
    }
  }

  /// How it is listed afterwards. Unblocking takes nothing off the allowlist.
  func listing(of before: HardwareListed.Listing?) -> HardwareListed.Listing {
    switch self {
    case .allow: .allowed
    case .block: .blocked
    case .unblock: before == .allowed ? .allowed : .none
    }
  }
}

/// What a caller lists: one hardware ID, or all that begin alike.
private enum NamedHardware {
  case id(HardwareID)
  case pattern(HardwarePattern)

  init(_ text: String) throws(Refusal) {
    guard text.hasSuffix("*") else {
      self = .id(try parse(hardware: text))
      return
    }
    guard let pattern = HardwarePattern(text) else { throw .malformed("hardware-pattern", HardwarePattern.rule) }
    self = .pattern(pattern)
  }
}

extension RegistryDecision {
  /// The decision as a change; `value` is given the record that comes to be or changes.
  func change<Value: Codable & Sendable>(
    at time: Timestamp, by actor: Actor, policy: PolicyReference, attachments: [Attachment] = [],
    forgetting forgets: [RecordID] = [], also: (RegistryPlan) throws -> [Event] = { _ in [] },
    value: (RecordID?) -> Value
  ) throws -> Change<Value> {
    switch self {
    case .refused(let refusal): return .refused(Refusal(refusal))
    case .unchanged: return .unchanged(value(nil))
    case .plan(let plan):
      var unit = try plan.unit(at: time, by: actor, policy: policy, attachments: attachments)
      unit.events += try also(plan)
      unit.forgets = forgets
      return .commit(unit, value(plan.record))
    }
  }
}
