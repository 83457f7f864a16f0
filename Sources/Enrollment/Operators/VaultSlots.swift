public import KeyVault
import MusterModel
import Policy

/// Several slots hold the root at once, so that an instance moves from one protector to another without touching data.
extension VaultAdministration {
  /// Wraps the root for one more protector, by whoever has the folder. The vault must be unsealed.
  public func addSlot(_ protector: any KeyProtector, by caller: Caller) async throws -> Outcome<VaultStatus.Slot> {
    try await Administration(instance).change(.vaultSlotAdd, by: caller, asking: FactsQuery()) { _, grant, actor, now in
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      let number = try await freeSlot()
      let slot = try await onItsThread { [vault = instance.vault] in try vault.slot(number, for: protector) }
      let event = try Event(
        at: now, by: actor, on: [.vault], policy: grant.decidedBy, SlotAdded(slot: number, protector: slot.kind))
      let secret = SealedSecret(
        owner: RecordID(.key, UUIDv7(at: now)), purpose: VaultSecret.slot, version: number, bytes: slot.bytes)
      return .commit(
        UnitOfWork(events: [event], secrets: [secret]),
        VaultStatus.Slot(slot, given: 0))
    }
  }

  /// The number of the slot that is added next.
  public func freeSlot() async throws -> UInt32 { (try await slots().map(\.number).max() ?? 0) + 1 }

  /// Takes a slot away, whose bytes are gone with the commit, and returns it. Another than this one must have opened the
  /// vault: so one that opens is always left, and the last never goes.
  public func removeSlot(_ number: UInt32, by caller: Caller) async throws -> Outcome<RemovedSlot> {
    try await Administration(instance).change(.vaultSlotRemove, by: caller, asking: FactsQuery()) {
      _, grant, actor, now in
      let records = try await reader.secrets(purpose: VaultSecret.slot)
      guard let gone = records.first(where: { $0.version == number }) else { return .refused(.noSlot(number)) }
      guard records.count > 1 else { return .refused(.lastSlot) }
      guard let opener = instance.vault.openedBy else { return .refused(.sealed) }
      guard opener != number else { return .refused(.slotInUse(number)) }
      let event = try Event(
        at: now, by: actor, on: [.vault], policy: grant.decidedBy, SlotRemoved(slot: number))
      let (forgets, secrets) = try await without([gone], at: now)
      let unit = UnitOfWork(events: [event], secrets: secrets, forgets: forgets)
      return .commit(unit, RemovedSlot(bytes: gone.bytes))
    }
  }

  /// Whose secrets are forgotten so that these are gone, and what else was kept for them, for another owner: `init` gives all
  /// of it to one.
  func without(
    _ gone: [SealedSecret], at time: Timestamp
  ) async throws -> (forgets: [RecordID], secrets: [SealedSecret]) {
    let kept = try await reader.secrets(purpose: VaultSecret.slot) + reader.secrets(purpose: VaultSecret.kek)
    let owners = Set(gone.map(\.owner))
    let owner = RecordID(.key, UUIDv7(at: time))
    let others = kept.filter { owners.contains($0.owner) && !gone.contains($0) }
    return (
      Array(owners),
      others.map { SealedSecret(owner: owner, purpose: $0.purpose, version: $0.version, bytes: $0.bytes) }
    )
  }
}

/// A slot that the vault had.
public struct RemovedSlot: Codable, Sendable {
  private let bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// To be forgotten by what keeps its secret, too.
  public func slot() throws -> Slot { try Slot(bytes) }
}

extension Refusal {
  static func noSlot(_ number: UInt32) -> Refusal {
    Refusal(.notFound, "vault-slot-unknown", "expected a slot of the vault, found none of number \(number)")
  }

  static let lastSlot = Refusal(
    .conflict, "vault-slot-last", "expected another slot that holds the root, found the last: add one first")

  static func slotInUse(_ number: UInt32) -> Refusal {
    Refusal(
      .conflict, "vault-slot-in-use",
      "expected the vault opened by a slot that stays, found it opened by slot \(number) itself")
  }
}
