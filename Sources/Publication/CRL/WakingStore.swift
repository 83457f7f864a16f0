import CertificateAuthority
public import MusterModel

/// A store that says when a commit changed what is revoked.
public struct WakingStore: Store {
  private let store: any Store
  private let kinds: Set<String>
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
    if unit.changesRevocation || unit.events.contains(where: { kinds.contains($0.kind) }) { wake() }
    return outcome
  }
}

extension UnitOfWork {
  /// Whether CRLs and OCSP answers say something else once it is committed.
  public var changesRevocation: Bool {
    events.contains { $0.kind == CertificateRevoked.kind || $0.kind == CertificateReleased.kind }
  }
}
