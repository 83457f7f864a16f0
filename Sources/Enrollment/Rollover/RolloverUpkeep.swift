import KeyVault
import MusterModel

/// Carries rollovers on, step by step: each step is one unit of work, decided from one snapshot, so that it may end
/// anywhere and goes on from what is on disk. While the vault is sealed it waits.
public struct RolloverUpkeep: Sendable {
  /// The most devices of one step.
  static let batch = 256

  let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  /// One step of each rollover that is under way; whether there was any to do.
  public func round() async throws -> Bool {
    guard !instance.vault.isSealed else { return false }
    var isMore = false
    for situation in try await instance.listings.rolloversUnderWay() {
      isMore = try await advance(situation) || isMore
    }
    return isMore
  }

  private func advance(_ situation: RolloverSituation) async throws -> Bool {
    let now = instance.clock.now()
    let mayBreak = instance.policies.keys.mayBreak
    guard let step = situation.campaign.step(at: now, mayBreak: mayBreak) else { return false }
    let changes = try await self.changes(step, situation, at: now)
    guard !changes.isEmpty else { return false }
    var unit = UnitOfWork(reads: situation.reads, events: [])
    for change in changes { change.add(to: &unit) }
    // What is stale by now is decided anew in the next round.
    _ = try await instance.store.commit(unit)
    return true
  }

  /// A part of a step's unit of work.
  struct Change {
    let events: [Event]
    var reads: [RecordID: UInt64] = [:]
    /// All that a device has from here on.
    var kept: (device: RecordID, secrets: [SealedSecret])?

    init(event: Event, reads: [RecordID: UInt64] = [:], kept: (device: RecordID, secrets: [SealedSecret])? = nil) {
      self.init(events: [event], reads: reads)
      self.kept = kept
    }

    init(events: [Event], reads: [RecordID: UInt64]) {
      self.events = events
      self.reads = reads
    }

    func add(to unit: inout UnitOfWork) {
      for (record, version) in reads { unit.reads.saw(.record(record), version: version) }
      unit.events += events
      guard let kept else { return }
      unit.forgets.append(kept.device)
      unit.secrets += kept.secrets
    }
  }

  private func changes(
    _ step: RolloverCampaign.Step, _ situation: RolloverSituation, at now: Timestamp
  ) async throws -> [Change] {
    let record = situation.record
    if situation.campaign.kind == .certificates, let found = try await certificateChanges(step, record, at: now) {
      return found
    }
    switch step {
    case .enter(let count): return try await enter(count, situation, at: now)
    case .pause: return [try state(.paused, .refusals, record, at: now)]
    case .finish:
      // Who was disabled, or lost its keys, when the last wave filled may be there again.
      let left = try await instance.listings.candidateCount(of: record)
      guard left == 0 else { return [try opened(situation, target: situation.campaign.entered + left, at: now)] }
      return [try state(.finished, .done, record, at: now)]
    case .endAbort: return [try state(.aborted, .done, record, at: now)]
    case .open(let wave):
      let population = situation.campaign.entered + (try await instance.listings.candidateCount(of: record))
      let target = situation.campaign.plan.target(ofWave: wave, population: population)
      return [try opened(situation, wave, target: target, at: now)]
    case .make:
      return try await members(record, [.called]).map { try made(for: $0, keeping: $0.rollover.keeps, record, at: now) }
    case .settle(let time):
      return try await members(record, [.proved], since: time).map { try ended($0, .overlap, record, at: now) }
    case .putBack:
      return try await members(record, [.made, .offered]).map { try ended($0, .aborted, record, at: now) }
    case .breakOff(let count):
      let some = try await members(
        record, RolloverKind.keys.breaking, limit: Int(clamping: min(count, UInt64(RolloverUpkeep.batch))))
      return try some.map { member in
        member.rollover.made == nil
          ? try made(for: member, keeping: nil, record, at: now) : try ended(member, .deadline, record, at: now)
      }
    case .letGo:
      return try letGo(
        try await members(record, RolloverKind.keys.letGo).map { ($0.device, $0.version) }, record, at: now)
    }
  }

  /// The wave, by default the open one, takes in devices until so many have entered.
  private func opened(
    _ situation: RolloverSituation, _ wave: UInt32? = nil, target: UInt64, at now: Timestamp
  ) throws -> Change {
    let body = RolloverWaveOpened(
      rollover: situation.record, wave: wave ?? situation.campaign.wave, target: target)
    return Change(event: try Event(at: now, by: .service, on: [.record(situation.record)], body))
  }

  private func members(
    _ rollover: RecordID, _ stages: [DeviceRollover.Stage], since time: Timestamp? = nil,
    limit: Int = RolloverUpkeep.batch
  ) async throws -> [RolloverMember] {
    try await instance.listings.members(
      of: rollover, at: stages, since: time ?? instance.clock.now(), limit: limit)
  }

  private func state(
    _ state: RolloverState, _ cause: RolloverStateChanged.Cause, _ rollover: RecordID, at now: Timestamp
  ) throws -> Change {
    Change(
      event: try Event(
        at: now, by: .service, on: [.record(rollover)],
        RolloverStateChanged(rollover: rollover, state: state, cause: cause)))
  }
}

// MARK: - Devices

extension RolloverUpkeep {
  private func enter(
    _ count: UInt64, _ situation: RolloverSituation, at now: Timestamp
  ) async throws -> [Change] {
    let limit = Int(clamping: min(count, UInt64(RolloverUpkeep.batch)))
    let found = try await instance.listings.candidates(of: situation.record, limit: limit)
    // Fewer are left than there were: nobody looks for them again.
    guard !found.isEmpty else { return [try opened(situation, target: situation.campaign.entered, at: now)] }
    return try found.chunks(of: RolloverDevicesEntered.limit).map { some in
      Change(
        event: try Event(
          at: now, by: .service, on: [.record(situation.record)] + some.map { .record($0.device) },
          RolloverDevicesEntered(
            rollover: situation.record, wave: situation.campaign.wave, devices: some.map(\.device))),
        reads: Dictionary(uniqueKeysWithValues: some.map { ($0.device, $0.version) }))
    }
  }

  /// A new version beside the one that is kept; with none, in the place of all.
  private func made(
    for member: RolloverMember, keeping kept: UInt32?, _ rollover: RecordID, at now: Timestamp
  ) throws -> Change {
    let new = try instance.vault.makeDeviceKey(of: member.device, version: member.keys.lastVersion + 1)
    let beside = try kept.map { try held($0, by: member) }
    let event = try Event(
      at: now, by: .service, on: [.record(rollover), .record(member.device)],
      RolloverKeyMade(
        rollover: rollover, device: member.device, generation: member.keys.generation, key: new.fact(of: member.device),
        keeps: kept))
    return Change(
      event: event, reads: [member.device: member.version],
      kept: (member.device, [new.sealed] + (beside.map { [$0] } ?? [])))
  }

  private func ended(
    _ member: RolloverMember, _ cause: RolloverKeyEnded.Cause, _ rollover: RecordID, at now: Timestamp
  ) throws -> Change {
    guard let stays = member.rollover.stays(after: cause) else {
      throw RolloverFault.notAllowed(.ended(cause), in: member.rollover.stage)
    }
    let event = try Event(
      at: now, by: .service, on: [.record(rollover), .record(member.device)],
      RolloverKeyEnded(
        rollover: rollover, device: member.device, generation: member.keys.generation, stays: stays, cause: cause))
    return Change(
      event: event, reads: [member.device: member.version], kept: (member.device, [try held(stays, by: member)]))
  }

  /// Sealed anew: it is written again, and under an older KEK nothing is.
  private func held(_ version: UInt32, by member: RolloverMember) throws -> SealedSecret {
    guard let sealed = member.keys.sealed(version) else { throw RolloverUpkeepError.noKey(version, of: member.device) }
    return try instance.vault.rewrap(sealed).sealed
  }

  func letGo(
    _ members: [(device: RecordID, version: UInt64)], _ rollover: RecordID, at now: Timestamp
  ) throws -> [Change] {
    try members.chunks(of: RolloverDevicesLeft.limit).map { some in
      Change(
        event: try Event(
          at: now, by: .service, on: [.record(rollover)] + some.map { .record($0.device) },
          RolloverDevicesLeft(rollover: rollover, devices: some.map(\.device), cause: .aborted)),
        reads: Dictionary(uniqueKeysWithValues: some.map { ($0.device, $0.version) }))
    }
  }
}

/// What is on record of a device's keys contradicts itself: nothing is done to it.
enum RolloverUpkeepError: Error, CustomStringConvertible {
  case noKey(UInt32, of: RecordID)

  var description: String {
    switch self {
    case .noKey(let version, let device): "expected key \(version) among those of \(device), found others"
    }
  }
}

extension Array {
  fileprivate func chunks(of size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
  }
}
