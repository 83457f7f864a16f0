import CertificateAuthority
public import MusterModel
import Synchronization

/// A store that says when a commit changed what is to be published: what is revoked, or which CRLs there must be.
public struct WakingStore: Store {
  private let store: any Store
  private let kinds: Set<String>
  private let shards = ShardWatch()
  private let wake: @Sendable () -> Void

  /// `wake` is called after each such commit, and after one with an event of `kinds`, before the commit's caller has its
  /// answer; it must only hand over.
  public init(_ store: any Store, alsoOn kinds: Set<String> = [], wake: @escaping @Sendable () -> Void) {
    self.store = store
    self.kinds = kinds
    self.wake = wake
  }

  public func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    let outcome = try await store.commit(unit)
    if case .committed = outcome, changesPublished(unit) { wake() }
    return outcome
  }

  public func submit(
    _ units: [UnitOfWork], answer: @escaping @Sendable ([Result<CommitOutcome, any Error>]) -> Void
  ) {
    store.submit(units) { outcomes in
      for (unit, outcome) in zip(units, outcomes) {
        if case .success(.committed) = outcome, changesPublished(unit) { wake() }
      }
      answer(outcomes)
    }
  }

  private func changesPublished(_ unit: UnitOfWork) -> Bool {
    let opensShard = unit.events.contains { shards.sawNew($0) }
    return opensShard || unit.changesRevocation || unit.events.contains { kinds.contains($0.kind) }
  }
}

extension UnitOfWork {
  /// Whether CRLs and OCSP answers say something else once it is committed.
  public var changesRevocation: Bool {
    events.contains { $0.kind == CertificateRevoked.kind || $0.kind == CertificateReleased.kind }
  }
}

/// The greatest shard of each issuer. A batch fills one in seconds: the next must not wait for the publisher's tick.
private final class ShardWatch: Sendable {
  private let greatest = Mutex<[String: UInt32]>([:])

  /// Whether the event issued the first certificate that is seen of its shard.
  func sawNew(_ event: Event) -> Bool {
    guard let issued = (event.body as? CertificateIssued)?.issued else { return false }
    return greatest.withLock { greatest in
      if let shard = greatest[issued.issuerKeyID], shard >= issued.shard { return false }
      greatest[issued.issuerKeyID] = issued.shard
      return true
    }
  }
}
