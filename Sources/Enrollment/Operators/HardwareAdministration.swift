import DeviceRegistry
import MusterModel
import Policy

// The allowlist and the blocklist.

extension Administration {
  public enum HardwareChange: Sendable { case allow, block, unblock }

  public func list(
    _ input: HardwareInput, _ change: HardwareChange, by caller: Caller
  ) async throws -> Outcome<HardwareSummary> {
    let query: FactsQuery
    let hardware: HardwareID
    do throws(Refusal) {
      hardware = try parse(hardware: input.hardware)
      query = try self.query(hardware, group: input.group)
    } catch {
      return .refused(error)
    }
    return try await self.change(change.operation, by: caller, asking: query) { facts, grant, actor, now in
      if input.group != nil, facts.group == nil { return .refused(Refusal(.groupUnknown)) }
      let known = facts.hardware.first { $0.id == hardware } ?? KnownHardware(hardware, nil)
      let group = input.group == nil ? nil : facts.group
      let decision =
        switch change {
        case .allow: Registry.allow(known, group: group, reason: input.reason, at: now)
        case .block: Registry.block(known, reason: input.reason, at: now)
        case .unblock: Registry.unblock(known, reason: input.reason, at: now)
        }
      return try decision.change(at: now, by: actor, policy: grant.decidedBy) { record in
        HardwareSummary(
          record: record ?? known.snapshot?.record ?? RecordID(.hardware, UUIDv7(at: now)), hardware: hardware,
          listing: change.listing, group: group?.name, device: nil, reason: input.reason)
      }
    }
  }

  /// Puts each on the allowlist; one that is refused stops none of the others.
  public func importHardware(_ inputs: [HardwareInput], by caller: Caller) async throws -> Outcome<[HardwareResult]> {
    guard inputs.count <= 1000 else {
      return .refused(Refusal(.invalid, "too-many-rows", "expected at most 1000 rows, found \(inputs.count)"))
    }
    let single = Caller(principal: caller.principal, reads: caller.reads, source: caller.source)
    var results: [HardwareResult] = []
    for input in inputs {
      switch try await list(input, .allow, by: single) {
      case .done: results.append(HardwareResult(hardware: input.hardware, code: nil, reason: nil))
      case .refused(let refusal) where refusal.code.hasPrefix("not-allowed"): return .refused(refusal)
      case .refused(let refusal):
        results.append(HardwareResult(hardware: input.hardware, code: refusal.code, reason: refusal.reason))
      }
    }
    return .done(results)
  }

  private func query(_ hardware: HardwareID, group: String?) throws(Refusal) -> FactsQuery {
    var query = FactsQuery()
    query.hardware = [hardware]
    if let group { query.group = .name(try parse(name: group)) }
    return query
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

  var listing: HardwareListed.Listing {
    switch self {
    case .allow: .allowed
    case .block: .blocked
    case .unblock: .none
    }
  }
}

extension RegistryDecision {
  /// The decision as a change; `value` is given the record that comes to be or changes.
  func change<Value: Codable & Sendable>(
    at time: Timestamp, by actor: Actor, policy: PolicyReference, attachments: [Attachment] = [],
    also: (RegistryPlan) throws -> [Event] = { _ in [] }, value: (RecordID?) -> Value
  ) throws -> Change<Value> {
    switch self {
    case .refused(let refusal): return .refused(Refusal(refusal))
    case .unchanged: return .unchanged(value(nil))
    case .plan(let plan):
      var unit = try plan.unit(at: time, by: actor, policy: policy, attachments: attachments)
      unit.events += try also(plan)
      return .commit(unit, value(plan.record))
    }
  }
}
