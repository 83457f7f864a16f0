import Enrollment
import KeyVault
import MusterModel
import Synchronization

/// Unseals the vault with what the folder itself has or names: its key file, its token.
final class OwnUnsealing: Sendable {
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
    let kinds = Set(try await vault.status(by: .folder()).get().slots.map(\.protector))
    let version = try await version()
    var failures: [KeyKeeperFailure] = []
    for protector in try protectors() where kinds.contains(protector.kind) && instance.vault.isSealed {
      do {
        let outcome = try await vault.unseal(.protector(protector), sparing: spared, by: .folder())
        if case .refused(let refusal) = outcome, spared == nil {
          standardError(
            "muster: the vault's \(protector.kind.rawValue) does not open it (\(refusal.reason)): it stays sealed")
        }
      } catch VaultError.keeper(let failure) {
        failures.append(failure)
      }
    }
    state.withLock { $0 = State(failures: failures, version: version) }
  }

  /// Once more, where a keeper did not give what opens the vault. Not where somebody sealed it since: that is to stay.
  func again(by vault: VaultAdministration) async throws {
    guard !failures.isEmpty, try await version() == state.withLock(\.version) else { return }
    try await attempt(by: vault)
  }

  private func version() async throws -> UInt64? {
    try await instance.facts.facts(for: FactsQuery()).reads.versions[.vault]
  }

  private func protectors() throws -> [any KeyProtector] {
    let file = folder.has(.vaultKey) ? try FileProtector(key: folder.readSecret(.vaultKey)) : nil
    return [file, keepers.protector(.tpm), keepers.protector(.pkcs11)].compactMap(\.self)
  }
}
