import CertificateAuthority
import Enrollment
import HTTPService
import MusterModel
import Publication

/// What keeps the service from doing all it should, for `/health/ready`.
struct HealthFindings: Sendable {
  let opened: OpenInstance
  let vault: VaultAdministration
  /// Whether CRLs and OCSP are served without TLS.
  let isPlainServed: Bool
  /// Whether nothing of the process's memory reaches the swap.
  let isMemoryLocked: Bool
  /// When the newest full CRL of an issuer ends; nil where there is none.
  let endOfList: @Sendable (_ issuerKeyID: String) -> Timestamp?

  func all() async -> [HealthFinding] { standing + [await overdueKeys].compactMap(\.self) }

  /// What needs nothing to be read.
  var standing: [HealthFinding] {
    [store, sealed, unopened].compactMap(\.self) + keys
      + [keyBesideDatabase, memory, publishURL, rootList].compactMap(\.self)
  }

  private var store: HealthFinding? {
    switch opened.store.outage {
    case .full:
      HealthFinding(
        isBlocking: true, code: StoreOutage.full.code,
        detail: "nothing is recorded, and so nothing is done, until there is room on the disk of \(opened.folder.path)")
    case .stopped:
      HealthFinding(
        isBlocking: true, code: StoreOutage.stopped.code,
        detail: "nothing is recorded any more since the disk failed: start the service again")
    case .overloaded, nil: nil
    }
  }

  private var sealed: HealthFinding? {
    guard opened.instance.vault.isSealed else { return nil }
    return HealthFinding(
      isBlocking: true, code: "vault-sealed", detail: "nothing is issued until it is unsealed: muster vault unseal")
  }

  /// What a look through all that is sealed found, before somebody needs it.
  private var unopened: HealthFinding? {
    let found = vault.unopened
    guard found.count > 0 else { return nil }
    let purposes = found.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    return HealthFinding(
      isBlocking: false, code: "secrets-not-authentic",
      detail: "\(found.count) secrets do not open, their bytes were changed (\(purposes)): have a backup at hand, "
        + "and see the log for whose they are")
  }

  /// Why the vault does not open by itself, or a CA cannot sign. It goes on by itself once the key is back.
  private var keys: [HealthFinding] {
    opened.unsealing.failures.map { HealthFinding(isBlocking: true, code: $0.code, detail: $0.description) }
      + opened.keepers.failures.filter { $0.isInUse }.map {
        HealthFinding(isBlocking: true, code: $0.failure.code, detail: "no CA signs: \($0.failure)")
      }
  }

  private var keyBesideDatabase: HealthFinding? {
    guard opened.folder.has(.vaultKey) else { return nil }
    return HealthFinding(
      isBlocking: false, code: "vault-key-beside-database",
      detail: "the file slot protects nobody who copies the folder")
  }

  /// The service looks at them at each upkeep: what is late for an hour is not replaced by itself.
  private var overdueKeys: HealthFinding? {
    get async {
      let time = opened.instance.clock.now() - .seconds(3600)
      guard let due = try? await opened.instance.listings.dueRings(at: time), !due.rotate.isEmpty else { return nil }
      let names = due.rotate.prefix(8).map(\.name.text).joined(separator: ", ")
      return HealthFinding(
        isBlocking: false, code: "key-rotation-late",
        detail: "to be replaced since long: \(names); unseal the vault, or muster key rotate NAME")
    }
  }

  private var memory: HealthFinding? {
    guard !isMemoryLocked else { return nil }
    return HealthFinding(
      isBlocking: false, code: "memory-not-locked",
      detail: "keys in memory may reach the swap: start the service with LimitMEMLOCK=infinity, or have no swap")
  }

  private var publishURL: HealthFinding? {
    guard !isPlainServed, opened.record.publishURL.hasPrefix("http://") else { return nil }
    return HealthFinding(
      isBlocking: false, code: "publish-url-not-served",
      detail: "certificates point to \(opened.record.publishURL): give --listen-plain, or serve it elsewhere")
  }

  /// Only who has the recovery code can renew it, so that it is said early.
  private var rootList: HealthFinding? {
    let end = endOfList(opened.rootKeyID)
    if let end, end > opened.instance.clock.now() + RootListRenewal.warning { return nil }
    return HealthFinding(
      isBlocking: false, code: "root-crl-ends",
      detail: "the root's CRL ends \(end?.description ?? "now"): stop the service, muster ca crl --data DIR, start it")
  }
}
