import Enrollment
import KeyVault
import MusterModel
import Synchronization

/// Unseals the vault with what the folder itself has or names: its key file, its token.
final class OwnUnsealing: OwnProtectors {
  private let folder: InstanceFolder
  private let keepers: KeyKeepers
  private let instance: Instance
  private let state = Mutex(State())

  private struct State: Sendable {
    var failures: [KeyKeeperFailure] = []
    /// The vault's version at that time.
    var version: UInt64?
  }

  init(_ folder: InstanceFolder, _ keepers: KeyKeepers, _ instance: Instance) {
    self.folder = folder
    self.keepers = keepers
    self.instance = instance
  }

  /// Why the vault is still sealed; empty once it is not, and where nothing of the folder's could open it.
  var failures: [KeyKeeperFailure] { instance.vault.isSealed ? state.withLock(\.failures) : [] }

  /// Tries each that has a slot, the file first, but not the slot `spared`. What does not open is said by `failures`.
  func attempt(by vault: VaultAdministration, sparing spared: UInt32? = nil) async throws {
    if let file = fileProtector() { _ = try await open(vault, file, sparing: spared) }
    try await attemptKept(by: vault, sparing: spared)
  }

  /// Once more, where a keeper did not give what opens the vault. Not where somebody sealed it since: that is to stay.
  func again(by vault: VaultAdministration) async throws {
    guard !failures.isEmpty, try await version() == state.withLock(\.version) else { return }
    try await attemptKept(by: vault, sparing: nil)
  }

  private func attemptKept(by vault: VaultAdministration, sparing spared: UInt32?) async throws {
    let (kinds, version) = (try await vault.slotKinds(), try await version())
    var failures: [KeyKeeperFailure] = []
    for protector in [SlotKind.tpm, .pkcs11].compactMap(keepers.protector) where kinds.contains(protector.kind) {
      if let failure = try await open(vault, protector, sparing: spared) { failures.append(failure) }
    }
    state.withLock { $0 = State(failures: failures, version: version) }
  }

  private func open(
    _ vault: VaultAdministration, _ protector: any KeyProtector, sparing spared: UInt32?
  ) async throws -> KeyKeeperFailure? {
    guard instance.vault.isSealed else { return nil }
    do {
      let outcome = try await vault.unseal(.protector(protector), sparing: spared, by: .folder())
      if case .refused(let refusal) = outcome, spared == nil { say(protector.kind, refusal.reason) }
      return nil
    } catch VaultError.keeper(let failure) {
      return failure
    }
  }

  private func version() async throws -> UInt64? {
    try await instance.facts.facts(for: FactsQuery()).reads.versions[.vault]
  }

  /// What the folder itself has or names, whether it opens anything or not.
  var protectors: [any KeyProtector] {
    [fileProtector()].compactMap(\.self) + [SlotKind.tpm, .pkcs11].compactMap(keepers.protector)
  }

  func forget(_ slot: Slot) {
    do { try keepers.forget(slot) } catch {
      standardError("muster: what kept the old slot \(slot.number)'s key still has it: \(error)")
    }
  }

  private func fileProtector() -> FileProtector? {
    guard var bytes = folder.readIfThere(.vaultKey) else { return nil }
    defer { for index in bytes.indices { bytes[index] = 0 } }
    do { return try FileProtector(key: SecretBytes(copying: bytes)) } catch {
      say(.file, "\(error)")
      return nil
    }
  }

  private func say(_ kind: SlotKind, _ why: String) {
    standardError("muster: the vault's \(kind.rawValue) does not open it (\(why)): it stays sealed")
  }
}
