import Enrollment
import Foundation
import KeyVault
import MusterModel

extension OpenInstance {
  fileprivate func neededKeepers() async throws -> KeyKeepers.Needed {
    let slots = try await vault.slotKinds()
    var needed: KeyKeepers.Needed = slots.contains(.tpm) ? [.tpm, .tpmSlot] : []
    if slots.contains(.pkcs11) { needed.insert(.token) }
    if try await hasSecrets(VaultSecret.pkcs11SigningKey) { needed.insert(.token) }
    if try await hasSecrets(VaultSecret.tpmSigningKey) { needed.insert(.tpm) }
    return needed
  }

  private func hasSecrets(_ purpose: String) async throws -> Bool {
    try await !readers.secrets(purpose: purpose).isEmpty
  }
}

/// One more slot, with what the folder needs so that it opens: on disk before the slot is, for a slot that nothing opens is
/// none.
struct SlotAddition {
  let protector: any KeyProtector
  /// To be shown once.
  let recoveryCode: RecoveryCode?
  private let fileKey: SecretBytes?
  private let keepers: KeyKeepers?
  private let shares: (new: NewShares, files: ShareFiles)?

  /// `named` is what the command line names; without it what the folder names. `files` are for shares.
  init(
    _ kind: SlotKind, _ opened: OpenInstance, _ named: KeyKeepers, _ passphraseFile: String?,
    _ files: ShareFiles? = nil
  ) async throws {
    var (code, key, keepers): (RecoveryCode?, SecretBytes?, KeyKeepers?)
    var shares: (NewShares, ShareFiles)?
    switch kind {
    case .file:
      // A key without a slot is what was cut off: nothing needs it.
      guard try await !opened.vault.slotKinds().contains(.file) else {
        throw CommandFailure("expected a vault without a slot of service/vault.key, found one")
      }
      let file = FileProtector.random()
      (protector, key) = (file, file.key)
    case .passphrase: protector = try PassphraseProtector(SecretInput.read(file: passphraseFile, what: "passphrase"))
    case .recoveryCode:
      let random = RecoveryCode.random()
      (protector, code) = (RecoveryCodeProtector(random), random)
    case .tpm, .pkcs11:
      if let new = named.protector(kind) {
        protector = new
        keepers = try named.beside(opened.keepers, needed: try await opened.neededKeepers())
      } else {
        protector = try opened.keepers.protector(named: kind)
      }
    case .shares:
      guard let files else { throw CommandFailure("expected --shares, --threshold and --out, found none", status: 2) }
      let new = try NewShares(files.quorum)
      (protector, shares) = (new.protector, (new, files))
    }
    (recoveryCode, fileKey, self.keepers, self.shares) = (code, key, keepers, shares)
  }

  func commit(to opened: OpenInstance) async throws -> VaultStatus.Slot {
    let folder = opened.folder
    if let keepers { try keepers.write(to: folder) }
    if let fileKey { try fileKey.withUnsafeBytes { try folder.write(.vaultKey, Array($0), isSecret: true) } }
    if let shares { try shares.files.write(shares.new.shares(ofSlot: try await opened.vault.freeSlot())) }
    do {
      return try await opened.vault.addSlot(protector, by: .folder()).orFail()
    } catch let refused as CommandFailure {
      if fileKey != nil { try? FileManager.default.removeItem(atPath: folder.path(of: .vaultKey)) }
      shares?.files.remove()
      throw refused
    }
  }
}
