import KeyVault
import MusterModel
import Policy

extension VaultAdministration {
  /// Puts another root in place of the vault's, by whoever has the folder: the key-encryption keys are wrapped anew, and each
  /// slot is made anew by what opens it, or is one of `dropped` and goes. Each is opened again before anything is committed, and
  /// all is one commit: before it the old root holds, after it the new one. Returns the old slots, for what kept their secrets.
  public func rekey(
    by openers: [Opener], dropping dropped: Set<UInt32>, by caller: Caller
  ) async throws -> Outcome<[RemovedSlot]> {
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    let new = try instance.vault.newRoot()
    let outcome = try await Administration(instance).change(.vaultRekey, by: caller, asking: FactsQuery()) {
      _, grant, actor, now -> Change<[RemovedSlot]> in
      let old = try await slots()
      for number in dropped where !old.contains(where: { $0.number == number }) { return .refused(.noSlot(number)) }
      var slots: [Slot] = []
      for slot in old where !dropped.contains(slot.number) {
        guard let protector = try await self.protector(of: slot, among: openers) else {
          return .refused(.slotNotAtHand(slot.number, slot.kind))
        }
        slots.append(try await onItsThread { try new.slot(inPlaceOf: slot, for: protector) })
      }
      guard !slots.isEmpty else { return .refused(.lastSlot) }
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
    if case .done = outcome { try instance.vault.take(new) }
    return outcome
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

  /// What opens this slot now; nil where nothing at hand does. Throws `VaultError.keeper` where a TPM or a token is away.
  private func protector(of slot: Slot, among openers: [Opener]) async throws -> (any KeyProtector)? {
    for opener in openers {
      do throws(VaultError) {
        guard let protector = try opener.protector(for: slot) else { continue }
        _ = try protector.unwrap(slot)
        return protector
      } catch {
        if case .keeper = error { throw error }
      }
    }
    return nil
  }
}

extension Refusal {
  static func slotNotAtHand(_ number: UInt32, _ kind: SlotKind) -> Refusal {
    Refusal(
      .conflict, "vault-slot-not-at-hand",
      "expected what opens slot \(number) (\(kind.rawValue)), or --drop \(number), found neither")
  }
}
