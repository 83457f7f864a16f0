import CertificateAuthority
import Enrollment
import KeyVault
import MusterModel
import Synchronization

/// What tokens made for an instance: where it does not come to be, they destroy it again. A kill in between leaves it there.
final class KeptForFounding: Sendable {
  private let plan: FoundingPlan
  private let made = Mutex<(keys: [IssuingKey], slots: [Slot])>(([], []))

  init(plan: FoundingPlan) { self.plan = plan }

  /// Makes a CA's key; blocks.
  func issuingKey() throws -> IssuingKey {
    let key = try plan.keepers.issuingKey(plan.caKeys)
    made.withLock { $0.keys.append(key) }
    return key
  }

  func keeps(_ slot: Slot) { made.withLock { $0.slots.append(slot) } }

  /// What cannot be destroyed, for the token is gone, stays in it.
  func forget() {
    let (keys, slots) = made.withLock(\.self)
    for key in keys { plan.keepers.forget(key, in: plan.caKeys) }
    for slot in slots { try? plan.keepers.forget(slot) }
  }
}

/// The vault as `init` makes it: a root, its slots, the first key-encryption key.
struct FoundingVault {
  let vault = Vault()
  let code = RecoveryCode.random()
  /// The file slot's key, where there is a file slot.
  let fileKey: SecretBytes?
  private let slots: [Slot]
  private let kek: WrappedKEK

  init(_ plan: FoundingPlan, _ made: KeptForFounding) throws {
    let root = RootKey.random()
    try vault.unseal(root: root, keks: [])
    kek = try vault.addKEK()
    let first: Slot
    if let passphrase = plan.passphrase {
      fileKey = nil
      first = try vault.slot(1, for: PassphraseProtector(passphrase))
    } else if let keeper = try plan.keeper.map({ try plan.keepers.protector(named: $0) }) {
      fileKey = nil
      first = try vault.slot(1, for: keeper)
      made.keeps(first)
    } else {
      let protector = FileProtector.random()
      fileKey = protector.key
      first = try vault.slot(1, for: protector)
    }
    slots = [first, try vault.slot(2, for: RecoveryCodeProtector(code))]
  }

  func events(at time: Timestamp) throws -> [Event] {
    try slots.map {
      try Event(at: time, by: .folder, on: [.vault], SlotAdded(slot: $0.number, protector: $0.kind))
    } + [
      try Event(
        at: time, by: .folder, on: [.vault], KEKCreated(kek: kek.number, check: Hex.encode(kek.check.bytes)))
    ]
  }

  /// Slots and wrapped keys as they lie in the database: what they hold is encrypted by themselves.
  func secrets(at time: Timestamp) -> [SealedSecret] {
    let owner = RecordID(.key, UUIDv7(at: time))
    return slots.map {
      SealedSecret(owner: owner, purpose: VaultSecret.slot, version: $0.number, bytes: $0.bytes)
    } + [SealedSecret(owner: owner, purpose: VaultSecret.kek, version: kek.number, bytes: kek.bytes)]
  }
}
