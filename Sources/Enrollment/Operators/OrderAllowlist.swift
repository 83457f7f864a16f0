import Attestation
import DeviceRegistry
public import KeyVault
import Ledger
public import MusterModel
import Policy

/// A row of a station's manifest that becomes an allowlist.
public struct AllowanceRequest: Sendable {
  public enum Wish: Sendable {
    /// The board proves itself when it comes.
    case listing
    /// It shows this code; nil where it is not made yet.
    case secret(TicketCode?, lifetime: Duration)
  }

  public let asked: StationRequest
  /// The group that the row names, where it names one.
  public let label: RecordName?
  public let wish: Wish

  public init(asked: StationRequest, label: RecordName?, wish: Wish) {
    self.asked = asked
    self.label = label
    self.wish = wish
  }
}

/// What such a row came to.
public struct Allowed: Sendable, Hashable {
  public enum State: String, Sendable {
    /// The board may enroll as the row says: it is listed, or the secret that was sent holds.
    case allowed
    /// Another secret of the board holds, which was given out before.
    case standing
    /// The board is the device already.
    case made
  }

  public let state: State
  /// Whether it is so by this request.
  public let isNew: Bool
  /// Of a secret.
  public let ticket: RecordID?
  public let expires: Timestamp?

  init(_ state: State, isNew: Bool = false, ticket: RecordID? = nil, expires: Timestamp? = nil) {
    self.state = state
    self.isNew = isNew
    self.ticket = ticket
    self.expires = expires
  }
}

/// Zero-touch: by an order, its station says which boards may enroll without it, and as which devices. Nothing is spent
/// by that; what a board spends when it comes is the order's.
public struct OrderAllowlist: Sendable {
  private let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  /// Each alone, committed together. The outcomes are in their order.
  public func allow(_ requests: [AllowanceRequest]) async throws -> [Outcome<Allowed>] {
    guard !instance.vault.isSealed else { return requests.map { _ in .refused(.sealed) } }
    var outcomes: [Outcome<Allowed>] = requests.map { _ in .refused(.contended) }
    var undecided = Array(requests.indices)
    for _ in 0..<Instance.attempts where !undecided.isEmpty {
      var (units, values, places): ([UnitOfWork], [Outcome<Allowed>], [Int]) = ([], [], [])
      for (place, decision) in zip(undecided, try await decisions(undecided.map { requests[$0] })) {
        switch decision {
        case .answer(let allowed): outcomes[place] = .done(allowed)
        case .refuse(let refusal, let event):
          let (weighed, recorded) = instance.refusals.weigh(refusal, event)
          outcomes[place] = .refused(weighed)
          guard let recorded else { continue }
          (units, values, places) = (
            units + [UnitOfWork(events: [recorded])], values + [.refused(weighed)], places + [place]
          )
        case .commit(let unit, let allowed):
          (units, values, places) = (units + [unit], values + [.done(allowed)], places + [place])
        }
      }
      undecided = []
      for ((outcome, value), place) in zip(zip(await commit(units), values), places) {
        switch try outcome.get() {
        case .committed: outcomes[place] = value
        case .stale(let aggregate) where requests[place].asked.caller.reads.versions[aggregate] != nil:
          outcomes[place] = .refused(.identityChanged)
        case .stale, .taken, .exhausted: undecided.append(place)
        }
      }
    }
    return outcomes
  }

  /// Why each would be refused; nil where it would not be. Nothing is made and nothing recorded.
  public func refusals(of requests: [AllowanceRequest]) async throws -> [Refusal?] {
    try await decisions(requests).map { if case .refuse(let refusal, _) = $0 { refusal } else { nil } }
  }

  private func commit(_ units: [UnitOfWork]) async -> [Result<CommitOutcome, any Error>] {
    guard !units.isEmpty else { return [] }
    return await withCheckedContinuation { continuation in
      instance.store.submit(units) { continuation.resume(returning: $0) }
    }
  }

  private enum Decided {
    case answer(Allowed)
    case refuse(Refusal, Event?)
    case commit(UnitOfWork, Allowed)
  }

  /// All from one snapshot.
  private func decisions(_ requests: [AllowanceRequest]) async throws -> [Decided] {
    let facts = await withCheckedContinuation { continuation in
      instance.facts.prepare { source in
        continuation.resume(returning: source.facts(for: requests.map { $0.asked.allowanceQuery }))
      }
    }
    return try zip(requests, facts).map { try decide($0, try $1.get().all) }
  }

  private func decide(_ request: AllowanceRequest, _ facts: Facts) throws -> Decided {
    let (asked, now) = (request.asked, instance.clock.now())
    guard let order = facts.order else { return .refuse(Refusal(.orderUnknown), nil) }
    guard let station = asked.caller.record else { return .refuse(.nobody, nil) }
    let refuse = { (refusal: Refusal, policy: PolicyReference) throws in
      Decided.refuse(refusal, try refused(refusal, asked, order, facts, by: policy, at: now))
    }
    switch instance.policies.decide(asked.caller.principal, .orderProvision, group: order.group) {
    case .refused(let policy, let reason): return try refuse(Refusal(reason), policy)
    case .allowed(let grant):
      guard order.stations(for: asked.caller).contains(station) else {
        return try refuse(Refusal(AttestationRefusal.otherStation), grant.decidedBy)
      }
      if let label = request.label, facts.group?.name.folded != label.folded {
        return try refuse(Refusal(.groupMismatch), grant.decidedBy)
      }
      switch try outcome(of: request.wish, facts.board(asked, order, at: now)) {
      case .refused(let refusal): return try refuse(Refusal(refusal), grant.decidedBy)
      case .made: return .answer(Allowed(.made))
      case .again(let secret):
        return .answer(Allowed(.allowed, ticket: secret?.ticket.record, expires: secret?.ticket.expires))
      case .standing(let secret):
        return .answer(Allowed(.standing, ticket: secret.ticket.record, expires: secret.ticket.expires))
      case .plan(let plan, let expires):
        var unit = try plan.unit(at: now, by: Actor(station, by: .certificate), policy: grant.decidedBy)
        unit.reads = unit.reads.merging(facts.reads).merging(asked.caller.reads)
        let ticket = expires.flatMap { _ in plan.record }
        return .commit(unit, Allowed(.allowed, isNew: true, ticket: ticket, expires: expires))
      }
    }
  }

  private func outcome(of wish: AllowanceRequest.Wish, _ board: AllowanceCase) throws -> AllowanceOutcome {
    switch wish {
    case .listing: Registry.allow(board)
    case .secret(let code, let lifetime):
      // No code has the digest of nothing.
      Registry.issueSecret(
        for: board, code: try code.map { try instance.vault.mac(of: $0) } ?? Digest.sha256([UInt8]()),
        lifetime: lifetime)
    }
  }

  /// With the order among what it concerns, which then tells of it.
  private func refused(
    _ refusal: Refusal, _ asked: StationRequest, _ order: OrderSnapshot, _ facts: Facts, by policy: PolicyReference,
    at time: Timestamp
  ) throws -> Event? {
    guard let actor = asked.caller.principal.actor else { return nil }
    let hardware = facts.hardware.first?.snapshot?.record
    return try Event(
      at: time, by: actor, on: ([order.record] + [hardware].compactMap(\.self)).map(Aggregate.record), policy: policy,
      RequestRefused(operation: Policy.Operation.orderProvision.rawValue, code: refusal.code),
      details: .init(
        reason: refusal.reason, source: asked.caller.source,
        decision: DecisionRecord(principal: asked.caller.principal, operation: .orderProvision, group: order.group)
          .text()))
  }
}

extension StationRequest {
  fileprivate var allowanceQuery: FactsQuery {
    var query = query
    query.secret = true
    return query
  }
}

extension Facts {
  fileprivate func board(_ asked: StationRequest, _ order: OrderSnapshot, at time: Timestamp) -> AllowanceCase {
    AllowanceCase(
      hardware: hardware.first { $0.id == asked.hardware } ?? KnownHardware(asked.hardware, nil),
      deviceID: asked.deviceID, device: device, origin: bindingOrigin, allowingOrder: allowingOrder, secret: secret,
      patterns: patterns, order: order, batch: asked.batch(heldBy: batchHolder), at: time)
  }
}
