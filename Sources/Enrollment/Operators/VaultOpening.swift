public import KeyVault
public import MusterModel
import Policy
import Synchronization

extension VaultAdministration {
  /// What opens a slot: text that a person typed, shares, or what whoever has the folder has.
  public enum Opener: Sendable {
    case passphrase(SecretBytes)
    case recoveryCode(SecretBytes)
    case shares([VaultShare])
    case protector(any KeyProtector)

    /// nil where the slot is of another kind, and for text that is none: it is not tried. Throws `wrongKey` for shares that
    /// do not open it.
    func protector(for slot: Slot) throws(VaultError) -> (any KeyProtector)? {
      switch (self, slot.kind) {
      case (.passphrase(let text), .passphrase): return try? PassphraseProtector(text)
      case (.recoveryCode(let text), .recoveryCode):
        return (try? RecoveryCode.parse(text).get()).map(RecoveryCodeProtector.init)
      case (.shares(let shares), .shares): return try SharesProtector(shares, of: slot)
      case (.protector(let protector), _): return protector.kind == slot.kind ? protector : nil
      default: return nil
      }
    }

    var refusal: Refusal {
      if case .shares = self { .wrongShares } else { .wrongOpener }
    }
  }

  /// Takes one share of a slot while the vault is sealed, says so on record, and opens the vault once there are enough. Which
  /// of a wrong set is wrong is not told, and the set is let go of.
  public func unseal(share text: SecretBytes, by caller: Caller) async throws -> Outcome<VaultStatus> {
    let grant: AccessGrant
    switch try await Administration(instance).grant(.vaultUnseal, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let given): grant = given
    }
    guard instance.vault.isSealed else { return .done(try await status()) }
    switch try await take(share: text, for: .vaultUnseal, by: caller, grant) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let slot):
      guard let shares = instance.shares.take(of: slot) else { return .done(try await status()) }
      return try await unseal(.shares(shares), by: caller)
    }
  }

  /// Keeps one share until there are enough of its slot, once it is on record who gave it; the slot's number.
  func take(
    share text: SecretBytes, for operation: Policy.Operation, by caller: Caller, _ grant: AccessGrant
  ) async throws -> Outcome<UInt32> {
    guard let actor = caller.principal.actor else { return .refused(.nobody) }
    let share: VaultShare
    switch VaultShare.parse(text) {
    case .failure(let refusal): return .refused(Refusal(.invalid, refusal.code, refusal.description))
    case .success(let read): share = read
    }
    guard let quorum = try await slots().first(where: { $0.number == share.slot })?.quorum,
      share.number <= quorum.count
    else { return .refused(try await record(.wrongShares, to: operation, actor, caller)) }
    let now = instance.clock.now()
    let event = try Event(
      at: now, by: actor, on: [.vault], policy: grant.decidedBy,
      VaultShareGiven(slot: share.slot, share: share.number))
    guard case .committed = try await instance.store.commit(UnitOfWork(reads: caller.reads, events: [event])) else {
      return .refused(.identityChanged)
    }
    instance.shares.add(share, of: quorum, at: now)
    return .done(share.slot)
  }

  /// Lets go of shares that waited too long for the others.
  public func forgetShares() { instance.shares.forget(at: instance.clock.now()) }
}

/// The shares that were given towards opening a slot, until there are enough: in memory alone, as many as the slot has, and
/// for a quarter of an hour from the first on.
final class ShareCollection: Sendable {
  static let kept = Duration.seconds(900)

  private struct Given {
    let began: Timestamp
    let needed: UInt8
    var shares: [UInt8: VaultShare] = [:]

    var isWhole: Bool { shares.count >= Int(needed) }

    /// A clock that was set back ends it, too.
    func isOver(at now: Timestamp) -> Bool { now < began || now >= began + ShareCollection.kept }
  }

  private let slots = Mutex<[UInt32: Given]>([:])

  /// Of two with one number the later one counts.
  func add(_ share: VaultShare, of quorum: Quorum, at now: Timestamp) {
    slots.withLock { slots in
      let found = slots[share.slot].flatMap { $0.isOver(at: now) ? nil : $0 }
      var given = found ?? Given(began: now, needed: quorum.needed)
      given.shares[share.number] = share
      slots[share.slot] = given
    }
  }

  /// All of a slot's once there are enough, which are let go of; nil before.
  func take(of slot: UInt32) -> [VaultShare]? {
    slots.withLock { slots in
      guard slots[slot]?.isWhole == true, let given = slots.removeValue(forKey: slot) else { return nil }
      return Array(given.shares.values)
    }
  }

  /// The same of each slot.
  func takeAll(at now: Timestamp) -> [[VaultShare]] {
    forget(at: now)
    return slots.withLock(\.keys).compactMap { take(of: $0) }
  }

  func given(of slot: UInt32, at now: Timestamp) -> Int {
    slots.withLock { slots in slots[slot].map { $0.isOver(at: now) ? 0 : $0.shares.count } ?? 0 }
  }

  func forget(at now: Timestamp) { slots.withLock { $0 = $0.filter { !$0.value.isOver(at: now) } } }

  func clear() { slots.withLock { $0 = [:] } }
}

extension Refusal {
  /// The code of all that does not open the vault.
  public static let vaultNotOpened = "vault-not-opened"
  static let wrongOpener = Refusal(
    .forbidden, vaultNotOpened, "expected what opens a slot of the vault, found something that opens none")
  static let wrongShares = Refusal(
    .forbidden, vaultNotOpened,
    "expected shares that open their slot together, found others: give all of them again")
}
