import KeyVault
import MusterModel
import Policy

/// Key-encryption keys change, and what they seal moves on in the background: the secrets' rows change, the ledger does not.
extension VaultAdministration {
  /// Makes a KEK that seals from here on. What is under the older ones is re-wrapped by `rewrapSome`; until that is done,
  /// there is no next one.
  public func rotateKEK(by caller: Caller) async throws -> Outcome<VaultStatus> {
    try await changingKeys { try await rotate(by: caller) }
  }

  private func rotate(by caller: Caller) async throws -> Outcome<VaultStatus> {
    let made = try await Administration(instance).change(.vaultRotateKEK, by: caller, asking: FactsQuery()) {
      _, grant, actor, now -> Change<UInt32> in
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      guard try await keks().count == 1 else { return .refused(.rotationRunning) }
      let kek = try instance.vault.newKEK()
      let event = try Event(
        at: now, by: actor, on: [.vault], policy: grant.decidedBy, KEKCreated(kek: kek.number, check: kek.check.hex))
      let secret = SealedSecret(
        owner: RecordID(.key, UUIDv7(at: now)), purpose: VaultSecret.kek, version: kek.number, bytes: kek.bytes)
      // From the commit on the store takes nothing that is sealed under an older one.
      return .commit(UnitOfWork(events: [event], secrets: [secret]), kek.number) { [vault = instance.vault] in
        try? vault.take(kek)
      }
    }
    switch made {
    case .refused(let refusal): return .refused(refusal)
    case .done:
      // What went wrong with taking it is said here.
      if !instance.vault.isSealed { try takeNewest(of: try await keks()) }
      return .done(try await status())
    }
  }

  /// Brings the next rows under the newest KEK, and retires the older ones at the look after a pass that found nothing under
  /// them: each of the two makes what is decided meanwhile stale. false where there is nothing to do now. To be called by
  /// one caller, again and again: where it stands is in memory, what is done is on disk, so that it begins anew after a
  /// restart and finds less.
  public func rewrapSome() async throws -> Bool {
    let (vault, rewrapping, now) = (instance.vault, instance.rewrapping, instance.clock.now())
    guard !vault.isSealed else { return false }
    for kek in rewrapping.forgotten(at: now) { try vault.forget(kek: kek) }
    let wrapped = try await keks()
    let keks = wrapped.map(\.number).sorted()
    guard let newest = keks.last, keks.count > 1 else { return false }
    try takeNewest(of: wrapped)
    if rewrapping.isDone(towards: newest) {
      try await retire(keks.dropLast(), at: now)
      return false
    }
    let place = rewrapping.place(towards: newest)
    let page = try await reader.sealed(under: newest, from: place, atMost: Rewrapping.rowsAtOnce)
    let (rewraps, unreadable) = try await onItsThread { vault.rewrap(page.secrets) }
    if !rewraps.isEmpty {
      guard case .committed = try await instance.store.commit(UnitOfWork(events: [], rewraps: rewraps)) else {
        return true
      }
    }
    return rewrapping.passed(page, rewrapped: rewraps.count, unreadable: unreadable)
  }

  /// Has the vault seal under the newest of them, where it does not yet: a commit may have come between what was read for
  /// its opening and that.
  func takeNewest(of wrapped: [WrappedKEK]) throws {
    guard let newest = wrapped.max(by: { $0.number < $1.number }), try instance.vault.currentKEK != newest.number
    else { return }
    try instance.vault.take(newest)
  }

  private func retire(_ numbers: some Collection<UInt32>, at now: Timestamp) async throws {
    let facts = try await instance.facts.facts(for: FactsQuery())
    let records = try await reader.secrets(purpose: VaultSecret.kek)
    let events = try numbers.map { try Event(at: now, by: .service, on: [.vault], KEKRetired(kek: $0)) }
    let (forgets, secrets) = try await without(records.filter { numbers.contains($0.version) }, at: now)
    let unit = UnitOfWork(reads: facts.reads, events: events, secrets: secrets, forgets: forgets)
    guard case .committed = try await instance.store.commit(unit) else { return }
    instance.rewrapping.retired(Array(numbers), at: now)
  }
}

extension Vault {
  /// Those that open, sealed anew, and how many do not.
  fileprivate func rewrap(_ secrets: [SealedSecret]) -> ([Rewrap], unreadable: Int) {
    let rewraps = secrets.compactMap { try? rewrap($0) }
    return (rewraps, isSealed ? 0 : secrets.count - rewraps.count)
  }
}

extension Refusal {
  static let rotationRunning = Refusal(
    .conflict, "vault-rotation-running",
    "expected one key-encryption key, found secrets that are still re-wrapped: muster vault status")
}
