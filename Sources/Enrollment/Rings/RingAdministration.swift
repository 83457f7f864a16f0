public import KeyVault
public import MusterModel
import Policy

// What is done to key rings.

extension Administration {
  public func createRing(_ input: KeyRingInput, by caller: Caller) async throws -> Outcome<KeyRingDetail> {
    try await createRing(input, imported: nil, by: caller) { $0 }
  }

  /// Makes it of a key from elsewhere, where there is one. `answer` is what the caller is told, and told again.
  func createRing<Answer: Codable & Sendable>(
    _ input: KeyRingInput, imported: SecretBytes?, by caller: Caller,
    answering answer: @escaping @Sendable (KeyRingDetail) -> Answer
  ) async throws -> Outcome<Answer> {
    let (name, kind, settings): (RecordName, RingKind, RingSettings)
    var query = FactsQuery()
    do throws(Refusal) {
      (name, kind) = (try parse(newRing: input.name), try parse(ringKind: input.kind))
      settings = try input.settings(of: kind, instance.policies.keys)
      if let group = input.group { query.group = .name(try parse(name: group)) }
    } catch {
      return .refused(error)
    }
    query.ring = name
    query.boardRings = kind == .groupEnrollment
    let operation: Policy.Operation = imported == nil ? .keyCreate : .keyImport
    // Whose it is to be: of another ring of that name nothing is told.
    let group = { @Sendable (facts: Facts) in input.group == nil ? nil : facts.group?.record }
    return try await change(operation, by: caller, asking: query, group: group) { facts, grant, actor, now in
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      if facts.ring != nil { return .refused(Refusal(RingRefusal.nameTaken(name))) }
      let group = facts.group.flatMap { $0.isRemoved ? nil : $0 }
      if input.group != nil, group == nil { return .refused(Refusal(.groupUnknown)) }
      if kind.needsGroup, group == nil { return .refused(Refusal(RingRefusal.groupNeeded(kind))) }
      guard facts.boardRings.count < RingSnapshot.groupLimit else {
        return .refused(Refusal(RingRefusal.tooManyInGroup))
      }
      let ring = RecordID(.key, UUIDv7(at: now))
      let version = try instance.vault.makeRingKey(
        RecordID(.key, UUIDv7(at: now)), of: kind, ring: ring, version: 1, imported: imported)
      // The group's record is another by it, so that of two who make its last one the second finds none left.
      let created = try Event(
        at: now, by: actor, on: [.record(ring)] + (group.map { [.record($0.record)] } ?? []), policy: grant.decidedBy,
        KeyRingCreated(ring: ring, of: kind, settings: settings, group: group?.record), details: .init(name: name))
      let unit = UnitOfWork(
        claims: [.ringName(name)],
        events: [created] + (try version.events(at: now, by: actor, grant)), secrets: [version.sealed])
      let newest = version.summary(at: now)
      let summary = KeyRingSummary(
        record: ring, name: name, kind: kind, settings: settings, minima: RingMinima(decrypt: 1, encrypt: 1),
        newest: newest, created: now, group: group?.name)
      return .commit(unit, answer(KeyRingDetail(ring: summary, versions: [newest])))
    }
  }

  /// Makes the next version, which protects from here on; what the last one protected it still opens. `replacing` is the
  /// version that is to be replaced, where another would do as well.
  public func rotateRing(
    _ name: String, imported: SecretBytes? = nil, replacing replaced: UInt32? = nil, by caller: Caller
  ) async throws -> Outcome<KeyVersionSummary> {
    var query = FactsQuery()
    do throws(Refusal) { query.ring = try parse(name: name) } catch { return .refused(error) }
    query.boardRings = true
    let operation: Policy.Operation = imported == nil ? .keyRotate : .keyImport
    return try await change(operation, by: caller, asking: query, group: { $0.ring?.group }) {
      facts, grant, actor, now in
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      guard let ring = facts.ring, let last = facts.ringVersions[ring.newest] else {
        return .refused(Refusal(RingRefusal.unknown))
      }
      if let replaced, replaced != last.number { return .unchanged(last.summary) }
      if let refusal = facts.refusal(ofEnrollingBy: facts.boardVersions + 1, of: ring) { return .refused(refusal) }
      let version = try instance.vault.makeRingKey(
        RecordID(.key, UUIDv7(at: now)), of: ring.kind, ring: ring.record, version: ring.newest + 1,
        imported: imported)
      var events = try version.events(at: now, by: actor, grant, also: facts.groupThatGains(ring))
      if last.state == .active {
        let over = KeyStateChanged(ring: ring.record, version: last.number, from: .active, to: .deactivated)
        events.append(
          try Event(
            at: now, by: actor, on: [.record(ring.record)], policy: grant.decidedBy, over,
            details: .init(reason: nil)))
      }
      return .commit(UnitOfWork(events: events, secrets: [version.sealed]), version.summary(at: now))
    }
  }

  public func setMinima(
    _ minima: RingMinima, of name: String, by caller: Caller
  ) async throws -> Outcome<RingMinima> {
    var query = FactsQuery()
    do throws(Refusal) { query.ring = try parse(name: name) } catch { return .refused(error) }
    (query.boardRings, query.boardMinimum) = (true, minima.decrypt)
    return try await change(.keyMinimum, by: caller, asking: query, group: { $0.ring?.group }) {
      facts, grant, actor, now in
      guard let ring = facts.ring else { return .refused(Refusal(RingRefusal.unknown)) }
      if let refusal = ring.refusal(of: minima) { return .refused(Refusal(refusal)) }
      guard ring.minima != minima else { return .unchanged(minima) }
      if minima.decrypt < ring.minima.decrypt,
        let refusal = facts.refusal(ofEnrollingBy: facts.boardVersions, of: ring)
      {
        return .refused(refusal)
      }
      let event = try Event(
        at: now, by: actor, on: [.record(ring.record)] + facts.groupThatGains(ring), policy: grant.decidedBy,
        KeyMinimaChanged(ring: ring.record, minima: minima))
      return .commit(UnitOfWork(events: [event]), minima)
    }
  }

  /// Moves a version to another state. To `destroyed` where the ring waits, it is scheduled; any other move calls that off.
  public func move(
    version number: UInt32, of name: String, _ input: KeyMoveInput, by caller: Caller
  ) async throws -> Outcome<KeyVersionSummary> {
    let state: KeyState
    var query = FactsQuery()
    do throws(Refusal) {
      state = try parse(keyState: input.state)
      query.ring = try parse(name: name)
      try check(reason: input.reason)
    } catch {
      return .refused(error)
    }
    (query.ringVersions, query.boardRings) = ([number], true)
    let operation: Policy.Operation = state == .destroyed ? .keyDestroy : .keyMove
    let outcome = try await change(operation, by: caller, asking: query, group: { $0.ring?.group }) {
      facts, grant, actor, now -> Change<KeyVersionSummary> in
      guard let ring = facts.ring else { return .refused(Refusal(RingRefusal.unknown)) }
      guard let version = facts.ringVersions[number] else {
        return .refused(Refusal(RingRefusal.versionUnknown(number)))
      }
      if version.state == state { return try keep(version, of: ring, by: actor, grant, at: now) }
      switch ring.move(version, to: state) {
      case .failure(let refusal): return .refused(Refusal(refusal))
      case .success(let change) where change.to == version.state: return .unchanged(version.summary)
      case .success(let change):
        if state == .destroyed, ring.settings.destroyWait > 0 {
          guard caller.principal == .service else { return try schedule(version, of: ring, by: actor, grant, at: now) }
          // It may have been kept since the service looked.
          guard let time = version.destroyAt, time <= now else { return .unchanged(version.summary) }
        }
        let isLetIn = change.from == .suspended && change.to.permits(.verify) && number >= ring.minima.decrypt
        if isLetIn, let refusal = facts.refusal(ofEnrollingBy: facts.boardVersions + 1, of: ring) {
          return .refused(refusal)
        }
        let event = try Event(
          at: now, by: actor, on: [.record(ring.record)] + (isLetIn ? facts.groupThatGains(ring) : []),
          policy: grant.decidedBy, change,
          details: .init(reason: input.reason))
        let forgets = change.to == .destroyed ? [version.record] : []
        return .commit(
          UnitOfWork(events: [event], forgets: forgets), version.summary.moved(to: change.to, at: now))
      }
    }
    if case .done(let version) = outcome, version.state == .destroyed {
      instance.vault.forgetRingKey(version.record)
    }
    return outcome
  }

  /// A version that is to stay what it is: what was scheduled for it is called off.
  private func keep(
    _ version: KeyVersionSnapshot, of ring: RingSnapshot, by actor: Actor, _ grant: AccessGrant, at now: Timestamp
  ) throws -> Change<KeyVersionSummary> {
    guard version.destroyAt != nil else { return .unchanged(version.summary) }
    let event = try Event(
      at: now, by: actor, on: [.record(ring.record)], policy: grant.decidedBy,
      KeyDestructionScheduled(ring: ring.record, version: version.number, destroyAt: nil))
    return .commit(UnitOfWork(events: [event]), version.summary.destroyed(at: nil))
  }

  private func schedule(
    _ version: KeyVersionSnapshot, of ring: RingSnapshot, by actor: Actor, _ grant: AccessGrant, at now: Timestamp
  ) throws -> Change<KeyVersionSummary> {
    guard version.destroyAt == nil else { return .unchanged(version.summary) }
    let time = now + .seconds(ring.settings.destroyWait)
    let event = try Event(
      at: now, by: actor, on: [.record(ring.record)], policy: grant.decidedBy,
      KeyDestructionScheduled(ring: ring.record, version: version.number, destroyAt: time))
    return .commit(UnitOfWork(events: [event]), version.summary.destroyed(at: time))
  }
}

// MARK: - By how much boards enroll

extension Facts {
  /// Why a ring's versions may not become so many by which boards enroll; nil where they may.
  fileprivate func refusal(ofEnrollingBy versions: Int, of ring: RingSnapshot) -> Refusal? {
    guard ring.kind == .groupEnrollment, versions > 0 else { return nil }
    guard versions <= RingSnapshot.boardVersionLimit else { return Refusal(RingRefusal.tooManyVersions) }
    let isTooMany = !isTried(ring) && boardRings.count >= RingSnapshot.groupLimit
    return isTooMany ? Refusal(RingRefusal.tooManyInGroup) : nil
  }

  /// The group for which a ring comes to be one by which its boards enroll. Its record is another by that, so that of two that
  /// would be its last one the second finds none left.
  fileprivate func groupThatGains(_ ring: RingSnapshot) -> [Aggregate] {
    guard ring.kind == .groupEnrollment, !isTried(ring), let group = ring.group else { return [] }
    return [.record(group)]
  }

  private func isTried(_ ring: RingSnapshot) -> Bool { boardRings.contains { $0.ring.record == ring.record } }
}

// MARK: - Reading what callers wrote

func parse(ringKind text: String) throws(Refusal) -> RingKind {
  guard let kind = RingKind(rawValue: text) else {
    throw .malformed("key-kind", "a kind of " + RingKind.allCases.map(\.rawValue).joined(separator: ", "))
  }
  return kind
}

/// A name for a ring that is to be made: not one that is read as a record, as those of groups' keys from before they were rings.
private func parse(newRing text: String) throws(Refusal) -> RecordName {
  let name = try parse(name: text)
  guard RecordID(name.folded) == nil else { throw .malformed("name", "a name that is no record ID") }
  return name
}

private func parse(keyState text: String) throws(Refusal) -> KeyState {
  guard let state = KeyState(rawValue: text) else {
    throw .malformed("key-state", "a state of " + KeyState.allCases.map(\.rawValue).joined(separator: ", "))
  }
  return state
}

private func check(reason: String?) throws(Refusal) {
  guard let reason, reason.utf8.count > 1024 else { return }
  throw .malformed("reason", "a reason of at most 1024 bytes")
}

extension KeyRingInput {
  /// A year of waiting, and few enough uses to be counted on.
  private static let waits = 0...(366 * 86_400)
  private static let shortestPeriod = 3600
  private static let fewestProtections: UInt64 = 64

  fileprivate func settings(of kind: RingKind, _ policy: KeyPolicy) throws(Refusal) -> RingSettings {
    guard let longest = policy.cryptoperiod(of: kind) else {
      throw Refusal(
        .forbidden, "key-kind-not-allowed", "expected a kind that keys.yaml names, found \(kind.rawValue)")
    }
    let rotateEvery = rotateEverySeconds.map(Int64.init) ?? longest
    guard (Int64(KeyRingInput.shortestPeriod)...longest).contains(rotateEvery) else {
      throw .malformed("rotation", "a time between rotations of an hour to the \(longest) seconds of keys.yaml")
    }
    let wait = destroyWaitSeconds ?? 0
    guard KeyRingInput.waits.contains(wait) else { throw .malformed("destroy-wait", "a wait of at most 366 days") }
    let most = kind.protectionLimit ?? 1 << 48
    if let protectionLimit, !(KeyRingInput.fewestProtections...most).contains(protectionLimit) {
      throw .malformed("protection-limit", "\(KeyRingInput.fewestProtections) to \(most) uses of a version")
    }
    return RingSettings(
      isExportable: exportable ?? false, destroyWait: Int64(wait), rotateEvery: rotateEvery,
      protectionLimit: protectionLimit ?? kind.protectionLimit)
  }
}

// MARK: - A version in an answer

extension MadeKeyVersion {
  /// Made, and active at once.
  fileprivate func events(
    at now: Timestamp, by actor: Actor, _ grant: AccessGrant, also others: [Aggregate] = []
  ) throws -> [Event] {
    let active = KeyStateChanged(ring: event.ring, version: event.version, from: .preActivation, to: .active)
    return [
      try Event(at: now, by: actor, on: [.record(event.ring)] + others, policy: grant.decidedBy, event),
      try Event(
        at: now, by: actor, on: [.record(event.ring)], policy: grant.decidedBy, active,
        details: .init(reason: nil)),
    ]
  }

  fileprivate func summary(at now: Timestamp) -> KeyVersionSummary {
    KeyVersionSummary(
      number: event.version, record: record, state: .active, check: event.check,
      publicKey: event.publicKey.flatMap(Base64URL.decode).map { String(decoding: Base64.encode($0), as: UTF8.self) },
      isImported: event.isImported, created: now, since: now, protections: 0, uses: 0, destroyAt: nil)
  }
}
