import DeviceRegistry
import Foundation
import KeyVault
import Ledger
public import MusterModel
public import Policy

/// What operators do: each operation is allowed by policy, decided from facts, recorded, and then answered.
public struct Administration: Sendable {
  let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  /// The one way of a change: the same answer to the same `Idempotency-Key`; else facts, access, decision, commit.
  /// `group` names the group that the record belongs to; `decide` may refuse and is asked anew when facts changed.
  func change<Value: Codable & Sendable>(
    _ operation: Policy.Operation, by caller: Caller, asking query: FactsQuery, isSecret: Bool = false,
    group: @Sendable @escaping (Facts) -> RecordID? = { $0.group?.record },
    decide: @Sendable @escaping (Facts, AccessGrant, Actor, Timestamp) async throws -> Change<Value>
  ) async throws -> Outcome<Value> {
    try await instance.deciding(for: caller.reads) {
      // Asked anew each time: of two that come at once with one key, the second finds the first's answer.
      switch try await answeredBefore(caller, as: Value.self) {
      case .done(let value): return .answer(value)
      case .refused(let refusal): return .refuse(refusal, nil)
      case nil: break
      }
      let facts = try await instance.facts.facts(for: query)
      let now = instance.clock.now()
      switch instance.policies.decide(caller.principal, operation, group: group(facts), ring: query.ring) {
      case .refused(let reference, let reason):
        return .refuse(
          Refusal(reason),
          try refused(
            operation, Refusal(reason), caller, of: group(facts), ring: query.ring, by: reference, at: now))
      case .allowed(let grant):
        guard let actor = caller.principal.actor else { return .refuse(.nobody, nil) }
        switch try await decide(facts, grant, actor, now) {
        case .unchanged(let value): return .answer(value)
        case .refused(let refusal):
          return .refuse(
            refusal,
            try refused(
              operation, refusal, caller, of: group(facts), ring: query.ring, by: grant.decidedBy, at: now))
        case .commit(var unit, let value, let after):
          unit.reads = unit.reads.merging(facts.reads).merging(caller.reads)
          try keepAnswer(value, in: &unit, for: caller, isSecret: isSecret)
          return .commit(unit) { _ in
            after()
            return value
          }
        }
      }
    }
  }

  /// Whether the caller may look; what was refused to a known caller is recorded.
  public func grant(
    _ operation: Policy.Operation, to caller: Caller, group: RecordID? = nil, ring: RecordName? = nil
  ) async throws -> Outcome<AccessGrant> {
    let decision = instance.policies.decide(caller.principal, operation, group: group, ring: ring)
    return try await granted(decision, operation, to: caller, group: group, ring: ring)
  }

  /// Records a decision that refuses.
  func granted(
    _ decision: AccessDecision, _ operation: Policy.Operation, to caller: Caller, group: RecordID? = nil,
    ring: RecordName? = nil
  ) async throws -> Outcome<AccessGrant> {
    switch decision {
    case .allowed(let grant): return .done(grant)
    case .refused(let reference, let reason):
      let refusal = Refusal(reason)
      let now = instance.clock.now()
      let event = try refused(operation, refusal, caller, of: group, ring: ring, by: reference, at: now)
      return .refused(try await instance.record(refusal, event))
    }
  }

  func refused(
    _ operation: Policy.Operation, _ refusal: Refusal, _ caller: Caller, of group: RecordID?, ring: RecordName? = nil,
    by policy: PolicyReference, at time: Timestamp
  ) throws -> Event? {
    guard let actor = caller.principal.actor else { return nil }
    return try Event(
      at: time, by: actor, on: actor.record.map { [.record($0)] } ?? [], policy: policy,
      RequestRefused(operation: operation.rawValue, code: refusal.code),
      details: .init(
        reason: refusal.reason, source: caller.source,
        decision: DecisionRecord(principal: caller.principal, operation: operation, group: group, ring: ring).text()))
  }
}

/// What a change comes to, from one reading of the facts.
enum Change<Value: Codable & Sendable>: Sendable {
  case unchanged(Value)
  case refused(Refusal)
  /// `after` is called once the unit is on disk, before anyone behind it is answered.
  case commit(UnitOfWork, Value, after: @Sendable () -> Void = {})
}

// MARK: - Idempotency

extension Administration {
  func answeredBefore<Value: Codable & Sendable>(
    _ caller: Caller, as _: Value.Type
  ) async throws -> Outcome<Value>? {
    guard let asked = caller.idempotency, let record = caller.record,
      let answer = try await instance.facts.answer(to: record, key: asked.key)
    else { return nil }
    guard answer.request == asked.request else { return .refused(.idempotencyKeyReused) }
    guard answer.isSealed else { return .done(try decode(answer.body)) }
    let sealed = SealedSecret(owner: record, purpose: purpose(of: asked), version: 1, bytes: answer.body)
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    return .done(try instance.vault.open(sealed).withUnsafeBytes { try decode(Array($0)) })
  }

  private func keepAnswer(
    _ value: some Codable, in unit: inout UnitOfWork, for caller: Caller, isSecret: Bool
  ) throws {
    guard let asked = caller.idempotency, let record = caller.record else { return }
    var body = [UInt8](try EventCoding.encoder().encode(value))
    if isSecret {
      let secret = SecretBytes(copying: body)
      body = try instance.vault.seal(secret, owner: record, purpose: purpose(of: asked), version: 1).bytes
    }
    unit.claims.append(.idempotencyKey(operator: record, asked.key))
    unit.answer = IdempotentAnswer(
      operator: record, key: asked.key, request: asked.request, status: 200, body: body, isSealed: isSecret)
  }

  private func decode<Value: Codable>(_ body: [UInt8]) throws -> Value {
    try EventCoding.decoder().decode(Value.self, from: Data(body))
  }
}

private func purpose(of asked: Caller.Idempotency) -> String { IdempotentAnswer.purpose(ofKey: asked.key) }

extension Refusal {
  static let nobody = Refusal(.unauthenticated, "not-authenticated", "expected a caller who is known, found a stranger")
  static let idempotencyKeyReused = Refusal(
    .conflict, "idempotency-key-reused",
    "expected the request that the Idempotency-Key was first used for, found another")
}

// MARK: - Reading what callers wrote

extension Refusal {
  static func malformed(_ what: String, _ rule: String) -> Refusal {
    Refusal(.invalid, "\(what)-malformed", "expected \(rule), found something else")
  }
}

func parse(deviceID text: String) throws(Refusal) -> DeviceID {
  guard let id = DeviceID(text) else { throw .malformed("device-id", DeviceID.rule) }
  return id
}

func parse(hardware text: String) throws(Refusal) -> HardwareID {
  switch HardwareID.parse(text) {
  case .success(let id): return id
  case .failure(let refusal): throw Refusal(.invalid, "hardware-id-malformed", refusal.description)
  }
}

func parse(name text: String) throws(Refusal) -> RecordName {
  guard let name = RecordName(text) else { throw .malformed("name", RecordName.rule) }
  return name
}
