public import KeyVault
public import MusterModel
public import Policy

/// What a running instance is made of, as the use cases see it. An object, for each of them holds it.
public final class Instance: Sendable {
  public let store: any Store
  public let facts: any FactsReader
  public let listings: any ListingReader
  public let ledger: any LedgerReader
  public let vault: Vault
  public let policies: Policies
  public let authorities: Authorities
  public let clock: any WallClock
  /// Which life of the ledger this is: 0, and one more with each restore.
  public let epoch: UInt32
  public let refusals: RefusalBudget
  /// Requests that wait to be prepared, in chunks.
  let enrollments = EnrollmentQueue()
  let challenges = ChallengeBudget()
  let shares = ShareCollection()
  let rewrapping = Rewrapping()
  let keyChange = KeyChange()
  let sealedCheck = SealedCheck()
  let makers = KnownMakers()
  let keyUses = KeyUseGrants()

  public init(
    store: any Store, facts: any FactsReader, listings: any ListingReader, ledger: any LedgerReader, vault: Vault,
    policies: Policies, authorities: Authorities, clock: any WallClock, epoch: UInt32,
    refusals: RefusalBudget = RefusalBudget()
  ) {
    self.store = store
    self.facts = facts
    self.listings = listings
    self.ledger = ledger
    self.vault = vault
    self.policies = policies
    self.authorities = authorities
    self.clock = clock
    self.epoch = epoch
    self.refusals = refusals
  }

  static let attempts = 3

  /// Decides from fresh facts until the commit finds them unchanged, at most three times. `caller` is what the caller was
  /// authenticated by: a change of that is no reason to decide again, but to refuse.
  func deciding<Value: Sendable>(
    for caller: ReadSet = ReadSet(), _ decide: () async throws -> Decision<Value>
  ) async throws -> Outcome<Value> {
    for _ in 0..<Instance.attempts {
      switch try await decide() {
      case .answer(let value): return .done(value)
      case .refuse(let refusal, let event):
        return .refused(try await record(refusal, event))
      case .commit(let unit, let value):
        if let outcome = try await commit(unit, for: caller, value) { return outcome }
      }
    }
    return .refused(.contended)
  }

  /// nil where it is to be decided again. The value is made before anyone behind the unit is answered: what that changes
  /// in memory is so when they decide again.
  private func commit<Value: Sendable>(
    _ unit: UnitOfWork, for caller: ReadSet, _ value: @escaping @Sendable (LedgerPosition) -> Value
  ) async throws -> Outcome<Value>? {
    try await withCheckedThrowingContinuation { continuation in
      store.submit([unit]) { outcomes in
        continuation.resume(
          with: outcomes[0].map { outcome in
            switch outcome {
            case .committed(let position): .done(value(position))
            case .stale(let aggregate) where caller.versions[aggregate] != nil: .refused(.identityChanged)
            case .stale, .taken, .exhausted: nil
            }
          })
      }
    }
  }

  /// Commits the event that says so, where there is one and its caller's budget has room; the refusal knows whether.
  func record(_ refusal: Refusal, _ event: Event?) async throws -> Refusal {
    let (refusal, event) = refusals.weigh(refusal, event)
    if let event { _ = try await store.commit(UnitOfWork(events: [event])) }
    return refusal
  }
}

/// What a use case comes to, from one reading of the facts.
enum Decision<Value: Sendable>: Sendable {
  /// It is so already, or was only asked.
  case answer(Value)
  /// With the event that records it, where the caller has shown who they are.
  case refuse(Refusal, Event?)
  /// The value leaves after the unit is on disk. It is made on the store's thread: quickly.
  case commit(UnitOfWork, @Sendable (LedgerPosition) -> Value)
}
