import CertificateAuthority
public import MusterModel

/// A store that says when a commit changed what is revoked.
public struct WakingStore: Store {
  private let store: any Store
  private let wake: @Sendable () -> Void

  /// `wake` is called on the caller's thread after each such commit; it must only hand over.
  public init(_ store: any Store, wake: @escaping @Sendable () -> Void) {
    self.store = store
    self.wake = wake
  }

  public func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    let outcome = try await store.commit(unit)
    if case .committed = outcome, unit.changesRevocation { wake() }
    return outcome
  }
}

extension UnitOfWork {
  /// Whether CRLs and OCSP answers say something else once it is committed.
  public var changesRevocation: Bool {
    events.contains { $0.kind == CertificateRevoked.kind || $0.kind == CertificateReleased.kind }
  }
}
