import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

extension VaultCommand {
  struct Rekey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts another root in place of the vault's.",
      discussion: """
        Example: muster vault rekey --recovery-code-file code
        Example: muster vault rekey --data /var/lib/muster --recovery-code-file code --drop 4
        Each slot is made anew, so that what opens it now has to be at hand: the folder's own key, TPM and token are; a
        passphrase, a recovery code and shares are files. They open the new root, and no copy that was made before. \
        An officer who keeps a share gives it alone, with --share, before: the service keeps it for a quarter of an hour. With \
        --data it is done on the folder, with the service stopped, and a slot without is named by --drop and goes.
        """)
    @OptionGroup var connection: Connection
    @Option(help: "The instance's folder, in place of a running service.", completion: .directory) var data: String?
    @Option(help: "A slot's passphrase, - for standard input; once for each such slot.", completion: .file())
    var passphraseFile: [String] = []
    @Option(help: "A slot's recovery code; once for each such slot.", completion: .file())
    var recoveryCodeFile: [String] = []
    @Option(help: "One of a slot's shares; as many of each such slot as suffice.", completion: .file())
    var shareFile: [String] = []
    @Flag(help: "Only gives the share that is read from standard input.") var share = false
    @Option(help: "With --data: the number of a slot that goes (muster vault slot list).") var drop: [UInt32] = []

    func validate() throws {
      guard data != nil || drop.isEmpty else { throw ValidationError("expected --drop with --data") }
      let isMore = data != nil || !passphraseFile.isEmpty || !recoveryCodeFile.isEmpty || !shareFile.isEmpty
      guard !share || !isMore else { throw ValidationError("expected --share alone, found more") }
    }

    func run() async throws {
      try ProcessHardening.apply()
      if let data { return try await rekey(data) }
      let shares = try share ? [secret(nil, "share")] : shareFile.map { try secret($0, "share") }
      let input = RekeyInput(
        passphrases: try passphraseFile.map { try secret($0, "passphrase") },
        recoveryCodes: try recoveryCodeFile.map { try secret($0, "recovery code") })
      try await connection.withClient { client in
        for text in shares {
          let status: VaultStatus = try await client.post("/v1/vault/rekey", RekeyInput(share: text))
          if share {
            for slot in status.slots { if let progress = slot.progress { print("slot \(slot.slot): \(progress)") } }
          }
        }
        guard !share else { return }
        let status: VaultStatus = try await client.post("/v1/vault/rekey", input)
        tell(status.slots)
      }
    }

    private func secret(_ file: String?, _ what: String) throws -> String {
      try SecretInput.read(file: file, what: what).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    private func tell(_ slots: [VaultStatus.Slot]) {
      print("rekeyed: \(slots.map { "slot \($0.slot) (\($0.protector.rawValue))" }.joined(separator: ", "))")
    }

    private func rekey(_ data: String) async throws {
      let openers = try openers()
      try await OpenInstance.with(data) { opened in
        for opener in openers where opened.instance.vault.isSealed {
          _ = try await opened.vault.unseal(opener, by: .folder())
        }
        let own = opened.unsealing.protectors.map { VaultAdministration.Opener.protector($0) }
        let old = try await opened.vault.rekey(by: own + openers, dropping: Set(drop), by: .folder()).orFail()
        let slots = try await opened.vault.status(by: .folder()).orFail().slots
        tell(slots)
        if !slots.contains(where: { $0.protector == .file }) {
          try? FileManager.default.removeItem(atPath: opened.folder.path(of: .vaultKey))
        }
        for slot in old { opened.unsealing.forget(try slot.slot()) }
      }
    }

    private func openers() throws -> [VaultAdministration.Opener] {
      let shares = try shareFile.map { try VaultShare.read(file: $0) }
      let sets = Dictionary(grouping: shares, by: \.slot).values.map { VaultAdministration.Opener.shares($0) }
      return try passphraseFile.map { .passphrase(try SecretInput.read(file: $0, what: "passphrase")) }
        + recoveryCodeFile.map { .recoveryCode(try SecretInput.read(file: $0, what: "recovery code")) } + sets
    }
  }
}
