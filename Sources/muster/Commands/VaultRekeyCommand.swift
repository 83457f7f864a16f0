import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

extension VaultCommand {
  struct Rekey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts another root in place of the vault's, on the folder.",
      discussion: """
        Example: muster vault rekey --data /var/lib/muster --recovery-code-file code --share-file a --share-file b
        Stop the service first. Each slot is made anew, so that what opens it now has to be at hand: the folder's own key, TPM and
        token are; a passphrase, a recovery code and shares are files; a slot without is named by --drop and goes. They open
        the new root, and no copy that was made before.
        """)
    @Option(help: "The instance's folder.", completion: .directory) var data: String
    @Option(help: "A slot's passphrase, - for standard input; once for each such slot.", completion: .file())
    var passphraseFile: [String] = []
    @Option(help: "A slot's recovery code; once for each such slot.", completion: .file())
    var recoveryCodeFile: [String] = []
    @Option(help: "One of a slot's shares; as many of each such slot as suffice.", completion: .file())
    var shareFile: [String] = []
    @Option(help: "The number of a slot that goes: muster vault slot list.") var drop: [UInt32] = []

    func run() async throws {
      try ProcessHardening.apply()
      let openers = try openers()
      try await OpenInstance.with(data) { opened in
        for opener in openers where opened.instance.vault.isSealed {
          _ = try await opened.vault.unseal(opener, by: .folder())
        }
        let own = opened.unsealing.protectors.map { VaultAdministration.Opener.protector($0) }
        let old = try await opened.vault.rekey(by: own + openers, dropping: Set(drop), by: .folder()).orFail()
        let slots = try await opened.vault.status(by: .folder()).orFail().slots
        print("rekeyed: \(slots.map { "slot \($0.slot) (\($0.protector.rawValue))" }.joined(separator: ", "))")
        try forget(try old.map { try $0.slot() }, but: slots, opened)
      }
    }

    private func openers() throws -> [VaultAdministration.Opener] {
      let shares = try shareFile.map { try VaultShare.read(file: $0) }
      let sets = Dictionary(grouping: shares, by: \.slot).values.map { VaultAdministration.Opener.shares($0) }
      return try passphraseFile.map { .passphrase(try SecretInput.read(file: $0, what: "passphrase")) }
        + recoveryCodeFile.map { .recoveryCode(try SecretInput.read(file: $0, what: "recovery code")) } + sets
    }

    /// What kept the old slots' secrets need not any more.
    private func forget(_ old: [Slot], but kept: [VaultStatus.Slot], _ opened: OpenInstance) throws {
      if !kept.contains(where: { $0.protector == .file }) {
        try? FileManager.default.removeItem(atPath: opened.folder.path(of: .vaultKey))
      }
      for slot in old {
        do { try opened.keepers.forget(slot) } catch {
          standardError("muster: what kept the old slot \(slot.number)'s key still has it: \(error)")
        }
      }
    }
  }
}
