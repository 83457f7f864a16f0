import CertificateAuthority
public import MusterModel
import Synchronization

/// A store that says when a commit changed what is to be published: what is revoked, or which CRLs there must be.
public struct WakingStore: Store {
  private let store: any Store
  private let kinds: Set<String>
  private let shards = ShardWatch()
  private let wake: @Sendable () -> Void

  /// `wake` is called on the caller's thread after each such commit, and after one with an event of `kinds`; it must only
  /// hand over.
  public init(_ store: any Store, alsoOn kinds: Set<String> = [], wake: @escaping @Sendable () -> Void) {
    self.store = store
    self.kinds = kinds
    self.wake = wake
  }

  public func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    let outcome = try await store.commit(unit)
    guard case .committed = outcome else { return outcome }
    let opensShard = unit.events.contains { shards.sawNew($0) }
    if opensShard || unit.changesRevocation || unit.events.contains(where: { kinds.contains($0.kind) }) { wake() }
    return outcome
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
