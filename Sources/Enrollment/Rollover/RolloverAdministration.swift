import DeviceRegistry
public import KeyVault
public import MusterModel
public import Policy

// Rollovers of device keys and certificates, as operators lead them. What they come to is the upkeep's: `RolloverUpkeep`.

public struct RolloverInput: Codable, Sendable, Hashable {
  /// Names of a group and of a hub, and a batch's record ID: the devices that have all that is named. Without any, all.
  public let group: String?
  public let hub: String?
  public let batch: String?
  public let plan: RolloverPlan
  /// Which certificates are to leave; nil for a rollover of keys.
  public let certificates: LeavingCertificates?

  public init(
    group: String? = nil, hub: String? = nil, batch: String? = nil, plan: RolloverPlan,
    certificates: LeavingCertificates? = nil
  ) {
    self.group = group
    self.hub = hub
    self.batch = batch
    self.plan = plan
    self.certificates = certificates
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
    let filter: DeviceFilter
    do throws(Refusal) {
      filter = try DeviceFilter(group: input.group, hub: input.hub, batch: input.batch)
    } catch {
      return .refused(error)
    }
    (query.group, query.hubName, query.batch) = (filter.group.map { .name($0) }, filter.hub, filter.batch)
    if let fault = input.plan.fault(at: instance.clock.now()) { return .refused(.malformed("rollover-plan", fault)) }
    return try await change(.rolloverPlan, by: caller, asking: query) { facts, grant, actor, now in
      let devices: DeviceQuery
      switch facts.devices(filter) {
      case .success(let found): devices = found
      case .failure(let refusal): return .refused(refusal)
      }
      let allowed = instance.policies.keys.mayBreak
      guard input.plan.breaks <= allowed else {
        return .refused(.rolloverMayBreak(input.plan.breaks, allowed: allowed))
      }
      if let refusal = refusal(ofLeaving: input.certificates?.issuerKeyID) { return .refused(refusal) }
      let record = RecordID(.rollover, UUIDv7(at: now))
      let event = try Event(
        at: now, by: actor, on: [.record(record)] + (facts.group.map { [.record($0.record)] } ?? []),
        policy: grant.decidedBy,
        RolloverPlanned(
          rollover: record, devices: devices, plan: input.plan, certificates: input.certificates))
      return .commit(UnitOfWork(events: [event]), record)
    }
  }

  /// Whose certificates are to leave must be an issuing CA of devices that another has taken over from: a device that
  /// renews would be given one that is to leave again.
  private func refusal(ofLeaving issuerKeyID: String?) -> Refusal? {
    guard let issuerKeyID else { return nil }
    guard let current = instance.authorities.issuer(for: .devices) else { return .sealed }
    if issuerKeyID == current.keyID { return .issuerIssues }
    return instance.authorities.issuer(keyID: issuerKeyID)?.use == .devices ? nil : .issuerUnknown
  }

  /// Starts, pauses, resumes or aborts it. Of the rollovers of a device one at a time is under way.
  public func change(_ rollover: RecordID, _ asked: RolloverChange, by caller: Caller) async throws -> Outcome<RecordID>
  {
    var query = FactsQuery()
    query.rollover = rollover
    return try await change(asked.operation, by: caller, asking: query, group: { $0.rollover?.devices.group }) {
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
          claims: asked == .start ? [found.claim] : [], events: [event]),
        found.record)
    }
  }
}

extension Facts {
  /// What was named must be there.
  fileprivate func devices(_ filter: DeviceFilter) -> Result<DeviceQuery, Refusal> {
    if filter.group != nil, group.map(\.isRemoved) != false { return .failure(Refusal(.groupUnknown)) }
    if filter.hub != nil, hub == nil { return .failure(.hubUnknown) }
    if filter.batch != nil, batchHolder == nil { return .failure(.batchUnknown) }
    return .success(DeviceQuery(group: group?.record, hub: hub?.record, batch: filter.batch))
  }
}

extension RolloverSnapshot {
  fileprivate var claim: UniqueName { certificates == nil ? .rollover(of: devices) : .certificateRollover(of: devices) }
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
  static let issuerUnknown = Refusal(
    .notFound, "issuer-unknown", "expected the key ID of an issuing CA of devices (muster ca show), found another")
  static let issuerIssues = Refusal(
    .conflict, "issuer-in-use",
    "expected an issuing CA that another has taken over from, found the one that issues: muster ca rotate makes another"
  )
  static let batchUnknown = Refusal(
    .notFound, "batch-unknown", "expected a batch in which a station made devices, found none of that record ID")
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
