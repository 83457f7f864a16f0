import Foundation
import KeyVault
import MusterModel
import Policy

// How a use comes to its keys.

extension KeyUse {
  typealias Keys = [UInt32?: Result<RingKey, RingRefusal>]

  /// Calls `body` with the keys of the versions that are asked for, `nil` for the newest, once so many uses of each are on
  /// record. A version that may not be used so is a refusal among them; where none may, all is refused.
  func using<Value: Sendable>(
    _ use: RingUse, _ name: String, _ counts: [UInt32?: UInt64], by caller: Caller, _ body: (Keys) throws -> Value
  ) async throws -> Outcome<Value> {
    var query = FactsQuery()
    do throws(Refusal) { query.ring = try parse(name: name) } catch { return .refused(error) }
    query.ringVersions = Set(counts.keys.compactMap(\.self))
    guard let actor = caller.principal.actor else { return .refused(.nobody) }
    for _ in 0..<Instance.attempts {
      let facts = try await instance.facts.facts(for: query)
      let grant: AccessGrant
      switch try await Administration(instance).grant(
        use.operation, to: caller, group: facts.ring?.group, ring: query.ring)
      {
      case .refused(let refusal): return .refused(refusal)
      case .done(let found): grant = found
      }
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      guard let ring = facts.ring else { return try await refused(.unknown, query, use, caller, grant) }
      let asking = Asking(ring: ring, facts: facts, use: use, actor: actor, grant: grant, caller: caller)
      let found = asking.versions(counts)
      let usable = found.compactMapValues { try? $0.get() }
      guard !usable.isEmpty else {
        guard case .failure(let refusal)? = found.values.first else { continue }
        return try await refused(refusal, query, use, caller, grant)
      }
      switch try await record(asking, usable, counts) {
      case .granted: return .done(try body(try keys(found, of: ring)))
      case .again: continue
      case .refused(let refusal): return .refused(refusal)
      }
    }
    return .refused(.contended)
  }

  /// What a use was found to stand on.
  struct Asking {
    let ring: RingSnapshot
    let facts: Facts
    let use: RingUse
    let actor: Actor
    let grant: AccessGrant
    let caller: Caller

    func versions(_ counts: [UInt32?: UInt64]) -> [UInt32?: Result<KeyVersionSnapshot, RingRefusal>] {
      Dictionary(
        uniqueKeysWithValues: counts.keys.map { asked in
          let number = asked ?? ring.newest
          guard let version = facts.ringVersions[number] else { return (asked, .failure(.versionUnknown(number))) }
          return (asked, ring.refusal(of: use(of: asked), version).map { .failure($0) } ?? .success(version))
        })
    }

    /// What is opened to be rewrapped, the newest version encrypts.
    func use(of asked: UInt32?) -> RingUse { use == .rewrap && asked == nil ? .encrypt : use }
  }

  private enum Granting {
    case granted, again
    case refused(Refusal)
  }

  /// Takes the uses from what was granted before, or has more granted on record.
  private func record(
    _ asking: Asking, _ versions: [UInt32?: KeyVersionSnapshot], _ counts: [UInt32?: UInt64]
  ) async throws -> Granting {
    let now = instance.clock.now()
    let until = now + KeyUseGrants.lifetime
    var (events, spends): ([Event], [CounterSpend]) = ([], [])
    var taken: [(key: KeyUseGrants.Key, size: UInt64, count: UInt64)] = []
    for (asked, version) in versions {
      let (count, use) = (counts[asked] ?? 0, asking.use(of: asked))
      let key = KeyUseGrants.Key(caller: asking.actor.record, version: version.record, use: use)
      guard let wanted = instance.keyUses.take(count, key, at: now) else { continue }
      // Near the limit there is no more than what is needed.
      let left = asking.ring.settings.protectionLimit.map { $0 - min($0, version.protections) } ?? .max
      let size = use.protects ? max(count, min(wanted, left)) : wanted
      if use.protects, let limit = asking.ring.settings.protectionLimit, count > limit {
        return .refused(.malformed("items", "at most \(limit) items, which a version of this key ring protects in all"))
      }
      if use.protects { spends.append(CounterSpend(.keyProtections(version.record), size)) }
      let granted = KeyUsesGranted(
        ring: asking.ring.record, version: version.number, use: use, uses: size, until: until)
      events.append(
        try Event(
          at: now, by: asking.actor, on: [.record(asking.ring.record)], policy: asking.grant.decidedBy, granted))
      taken.append((key, size, count))
    }
    guard !events.isEmpty else { return .granted }
    let reads = asking.facts.reads.merging(asking.caller.reads)
    switch try await instance.store.commit(UnitOfWork(reads: reads, spends: spends, events: events)) {
    case .committed:
      for grant in taken {
        instance.keyUses.granted(grant.size, using: grant.count, grant.key, until: until, at: now)
      }
      return .granted
    case .stale(let aggregate) where asking.caller.reads.versions[aggregate] != nil:
      return .refused(.identityChanged)
    case .stale, .taken: return .again
    case .exhausted: return try await rotate(asking)
    }
  }

  /// The newest version is used up: the next one takes over, and the use is tried with that.
  private func rotate(_ asking: Asking) async throws -> Granting {
    let service = Caller(principal: .service, reads: ReadSet(), source: "service")
    let rotated = try await Administration(instance).rotateRing(
      asking.ring.name.text, replacing: asking.ring.newest, by: service)
    switch rotated {
    case .done: return .again
    case .refused: return .refused(Refusal(RingRefusal.exhausted(asking.ring.settings.protectionLimit ?? 0)))
    }
  }

  private func keys(
    _ versions: [UInt32?: Result<KeyVersionSnapshot, RingRefusal>], of ring: RingSnapshot
  ) throws -> Keys {
    try versions.mapValues { found in
      switch found {
      case .failure(let refusal): return .failure(refusal)
      case .success(let version):
        guard let sealed = version.sealed else { throw VaultError.notAuthentic }
        return .success(try instance.vault.ringKey(sealed, of: ring.kind, ring: ring.record))
      }
    }
  }

  private func refused<Value>(
    _ refusal: RingRefusal, _ query: FactsQuery, _ use: RingUse, _ caller: Caller, _ grant: AccessGrant
  ) async throws -> Outcome<Value> {
    let refusal = Refusal(refusal)
    let event = try Administration(instance).refused(
      use.operation, refusal, caller, of: nil, ring: query.ring, by: grant.decidedBy, at: instance.clock.now())
    return .refused(try await instance.record(refusal, event))
  }
}

extension RingUse {
  var operation: Policy.Operation {
    switch self {
    case .encrypt: .keyEncrypt
    case .decrypt: .keyDecrypt
    case .rewrap: .keyRewrap
    case .mac: .keyMAC
    case .verify: .keyVerify
    case .sign: .keySign
    case .derive: .keyDerive
    case .dataKey: .keyDataKey
    }
  }
}

// MARK: - Reading what callers wrote

extension KeyUse {
  static func check(_ items: [KeyItem]) throws(Refusal) {
    guard (1...itemLimit).contains(items.count) else { throw .malformed("items", "1 to \(itemLimit) items") }
  }
}

extension KeyItem {
  func readData() throws(Refusal) -> SecretBytes {
    guard let data, data.utf8.count <= (RingKey.plaintextLimit + 2) / 3 * 4,
      var bytes = Data(base64Encoded: data), bytes.count <= RingKey.plaintextLimit
    else { throw .malformed("data", "data in base64, of at most \(RingKey.plaintextLimit) bytes") }
    defer { bytes.resetBytes(in: bytes.startIndex..<bytes.endIndex) }
    return SecretBytes(copying: bytes)
  }

  func readText(_ kinds: [RingText.Kind]) throws(Refusal) -> RingText {
    guard let text, let read = kinds.lazy.compactMap({ RingText(text, as: $0) }).first else {
      throw .malformed("text", "a " + kinds.map(\.rawValue).joined(separator: " or a ") + " as a key ring gave it")
    }
    return read
  }

  func readContext() throws(Refusal) -> RingContext {
    guard let context = RingContext(context ?? "") else { throw .malformed("context", RingContext.rule) }
    return context
  }
}
