import KeyVault
public import MusterModel
import Policy
import Synchronization

extension VaultAdministration {
  /// Puts another root in place of the vault's, by whoever has the folder: the key-encryption keys are wrapped anew, and each
  /// slot is made anew by what opens it, or is one of `dropped` and goes. Each is opened again before anything is committed, and
  /// all is one commit: before it the old root holds, after it the new one. Returns the old slots, for what kept their secrets.
  public func rekey(
    by openers: [Opener], dropping dropped: Set<UInt32>, by caller: Caller
  ) async throws -> Outcome<[RemovedSlot]> {
    try await rekey(by: { openers }, dropping: dropped, by: caller) { .slotNotAtHand($0.number, $0.kind) }
  }

  /// The same by who is known, of an instance that runs: with what opens slots by itself, what is given here, and the shares
  /// that were given. No slot goes. What of it does not open its slot, or which slot has nothing that does, is not told.
  public func rekey(with openers: [Opener], by caller: Caller) async throws -> Outcome<VaultStatus> {
    if case .refused(let refusal) = try await Administration(instance).grant(.vaultRekey, to: caller) {
      return .refused(refusal)
    }
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    // Shares are let go of by what is tried with them, and by nothing else.
    let all = {
      own.protectors.map { Opener.protector($0) } + openers
        + instance.shares.takeAll(at: instance.clock.now()).map { .shares($0) }
    }
    // Of what is kept to be answered again the old slots must be no part.
    let once = Caller(principal: caller.principal, reads: caller.reads, source: caller.source)
    switch try await rekey(by: all, dropping: [], by: once, refusing: { _ in .wrongOpeners }) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let old):
      for slot in old { own.forget(try slot.slot()) }
      return .done(try await status())
    }
  }

  /// Takes one share of a slot towards another root, and says so on record.
  public func rekey(share text: SecretBytes, by caller: Caller) async throws -> Outcome<VaultStatus> {
    switch try await Administration(instance).grant(.vaultRekey, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let grant):
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      switch try await take(share: text, for: .vaultRekey, by: caller, grant) {
      case .refused(let refusal): return .refused(refusal)
      case .done: return .done(try await status())
      }
    }
  }

  private func rekey(
    by openers: () -> [Opener], dropping dropped: Set<UInt32>, by caller: Caller,
    refusing missing: @escaping @Sendable (Slot) -> Refusal
  ) async throws -> Outcome<[RemovedSlot]> {
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    return try await changingKeys {
      let (new, openers) = (try instance.vault.newRoot(), openers())
      let outcome = try await Administration(instance).change(.vaultRekey, by: caller, asking: FactsQuery()) {
        _, grant, actor, now -> Change<[RemovedSlot]> in
        let old = try await slots()
        for number in dropped where !old.contains(where: { $0.number == number }) { return .refused(.noSlot(number)) }
        let kept = old.filter { !dropped.contains($0.number) }
        guard !kept.isEmpty else { return .refused(.lastSlot) }
        let protectors = try await protectors(of: kept, among: openers)
        if let slot = kept.first(where: { protectors[$0.number] == nil }) { return .refused(missing(slot)) }
        let slots = try await onItsThread {
          try kept.compactMap { slot in
            try protectors[slot.number].map { try new.slot(inPlaceOf: slot, for: $0) }
          }
        }
        let events =
          try dropped.sorted().map {
            try Event(at: now, by: actor, on: [.vault], policy: grant.decidedBy, SlotRemoved(slot: $0))
          } + [
            try Event(at: now, by: actor, on: [.vault], policy: grant.decidedBy, VaultRekeyed(check: new.check.hex))
          ]
        var unit = UnitOfWork(events: events)
        try await replace(by: new, slots, in: &unit, at: now)
        return .commit(unit, old.map { RemovedSlot(bytes: $0.bytes) })
      }
      // Where it was sealed meanwhile it opens by the new slots.
      if case .done = outcome { do { try instance.vault.take(new) } catch VaultError.sealed {} }
      return outcome
    }
  }

  /// Everything that hung on the old root, under the new one.
  private func replace(by new: NewRoot, _ slots: [Slot], in unit: inout UnitOfWork, at now: Timestamp) async throws {
    let records = try await reader.secrets(purpose: VaultSecret.slot) + reader.secrets(purpose: VaultSecret.kek)
    let owner = RecordID(.key, UUIDv7(at: now))
    unit.forgets = Array(Set(records.map(\.owner)))
    unit.secrets =
      slots.map { SealedSecret(owner: owner, purpose: VaultSecret.slot, version: $0.number, bytes: $0.bytes) }
      + new.keks.map { SealedSecret(owner: owner, purpose: VaultSecret.kek, version: $0.number, bytes: $0.bytes) }
    if try await reader.secrets(purpose: VaultSecret.macRoot).isEmpty {
      // An owner of its own, which no slot takes with it.
      unit.secrets.append(
        try instance.vault.sealedMACRoot(owner: RecordID(.key, UUIDv7(at: now)), purpose: VaultSecret.macRoot))
    }
  }

  /// What opens each of these slots now, by number. Everything is tried on each, so that the time does not tell what opened
  /// one. Throws `VaultError.keeper` where a TPM or a token is away.
  private func protectors(
    of slots: [Slot], among openers: [Opener]
  ) async throws -> [UInt32: any KeyProtector] {
    try await onItsThread {
      var found: [UInt32: any KeyProtector] = [:]
      for slot in slots {
        for opener in openers {
          do throws(VaultError) {
            guard let protector = try opener.protector(for: slot) else { continue }
            _ = try protector.unwrap(slot)
            found[slot.number] = protector
          } catch {
            if case .keeper = error { throw error }
          }
        }
      }
      return found
    }
  }
}

extension VaultAdministration {
  /// Changes the root, or what is wrapped under it, alone: another one that is at work holds in memory what this one makes old.
  func changingKeys<Value: Sendable>(_ change: () async throws -> Outcome<Value>) async throws -> Outcome<Value> {
    guard instance.keyChange.begin() else { return .refused(.keysChanging) }
    defer { instance.keyChange.end() }
    return try await change()
  }
}

/// Whether one is at work.
final class KeyChange: Sendable {
  private let isAtWork = Mutex(false)

  func begin() -> Bool {
    isAtWork.withLock { isAtWork in
      defer { isAtWork = true }
      return !isAtWork
    }
  }

  func end() { isAtWork.withLock { $0 = false } }
}

extension Refusal {
  static let wrongOpeners = Refusal(
    .forbidden, vaultNotOpened,
    "expected what opens each slot that does not open by itself, found otherwise: give all of it again, and the shares too"
  )
  static let keysChanging = Refusal(
    .unavailable, "vault-keys-changing", "expected the vault's keys to stand still, found them being changed: ask again"
  )

  static func slotNotAtHand(_ number: UInt32, _ kind: SlotKind) -> Refusal {
    Refusal(
      .conflict, "vault-slot-not-at-hand",
      "expected what opens slot \(number) (\(kind.rawValue)), or --drop \(number), found neither")
  }
}
