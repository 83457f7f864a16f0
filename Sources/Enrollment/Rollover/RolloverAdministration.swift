import DeviceRegistry
public import KeyVault
public import MusterModel
public import Policy

// Rollovers of device keys, as operators lead them. What they come to is the upkeep's: `RolloverUpkeep`.

public struct RolloverInput: Codable, Sendable, Hashable {
  /// A group's name; nil for all devices.
  public let group: String?
  public let plan: RolloverPlan

  public init(group: String?, plan: RolloverPlan) {
    self.group = group
    self.plan = plan
  }
}

/// What an operator does to a rollover.
public enum RolloverChange: String, Sendable, CaseIterable {
  case start, pause, resume, abort
}

extension Administration {
  /// Plans it: nothing happens to a device before it is started.
  public func planRollover(_ input: RolloverInput, by caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    do throws(Refusal) {
      if let group = input.group { query.group = .name(try parse(name: group)) }
    } catch {
      return .refused(error)
    }
    if let fault = input.plan.fault(at: instance.clock.now()) { return .refused(.malformed("rollover-plan", fault)) }
    guard input.plan.breaks <= instance.policies.keys.mayBreak else {
      return .refused(.rolloverMayBreak(input.plan.breaks, allowed: instance.policies.keys.mayBreak))
    }
    return try await change(.rolloverPlan, by: caller, asking: query) { facts, grant, actor, now in
      if input.group != nil, facts.group.map(\.isRemoved) != false { return .refused(Refusal(.groupUnknown)) }
      let record = RecordID(.rollover, UUIDv7(at: now))
      let event = try Event(
        at: now, by: actor, on: [.record(record)] + (facts.group.map { [.record($0.record)] } ?? []),
        policy: grant.decidedBy,
        RolloverPlanned(rollover: record, group: facts.group?.record, plan: input.plan))
      return .commit(UnitOfWork(events: [event]), record)
    }
  }

  /// Starts, pauses, resumes or aborts it. Of the rollovers of a device one at a time is under way.
  public func change(_ rollover: RecordID, _ asked: RolloverChange, by caller: Caller) async throws -> Outcome<RecordID>
  {
    var query = FactsQuery()
    query.rollover = rollover
    return try await change(asked.operation, by: caller, asking: query, group: { $0.rollover?.group }) {
      facts, grant, actor, now in
      guard let found = facts.rollover else { return .refused(.rolloverUnknown) }
      let next = asked.next(from: found.state)
      if next == found.state, asked != .start { return .unchanged(found.record) }
      guard asked.isFor(found.state), found.state.allows(next) else {
        return .refused(.rolloverState(asked, found.state))
      }
      if asked == .start, found.hasRival { return .refused(.rolloverUnderWay) }
      let event = try Event(
        at: now, by: actor, on: [.record(found.record)], policy: grant.decidedBy,
        RolloverStateChanged(rollover: found.record, state: next, cause: .operator))
      return .commit(
        UnitOfWork(
          reads: ReadSet([.record(found.record): found.version]),
          claims: asked == .start ? [.rollover(of: found.group)] : [], events: [event]),
        found.record)
    }
  }
}

extension RolloverChange {
  public var operation: Policy.Operation {
    switch self {
    case .start: .rolloverStart
    case .pause: .rolloverPause
    case .resume: .rolloverResume
    case .abort: .rolloverAbort
    }
  }

  /// Starting is for what was planned alone, resuming for what was paused.
  func isFor(_ state: RolloverState) -> Bool {
    switch self {
    case .start: state == .planned
    case .resume: state == .paused
    case .pause, .abort: true
    }
  }

  /// Of what was only planned nothing is to be put back.
  func next(from state: RolloverState) -> RolloverState {
    switch self {
    case .start, .resume: .running
    case .pause: .paused
    case .abort: state == .planned || state == .aborted ? .aborted : .aborting
    }
  }
}

extension Refusal {
  static let rolloverUnknown = Refusal(
    .notFound, "rollover-unknown", "expected a rollover that was planned, found none of that record ID")
  static let rolloverUnderWay = Refusal(
    .conflict, "rollover-under-way",
    "expected no other rollover of the same devices to be under way, found one; it must end first")

  static func rolloverMayBreak(_ found: UInt64, allowed: UInt64) -> Refusal {
    Refusal(
      .forbidden, "rollover-may-break",
      "expected a plan by which at most \(allowed) devices may lose their old key (rollovers in keys.yaml), found \(found)"
    )
  }

  static func rolloverState(_ asked: RolloverChange, _ found: RolloverState) -> Refusal {
    Refusal(
      .conflict, "rollover-state", "expected a rollover that can \(asked.rawValue), found it \(found.rawValue)")
  }
}
