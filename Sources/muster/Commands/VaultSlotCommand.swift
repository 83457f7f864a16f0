import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

extension VaultCommand {
  struct SlotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "slot", abstract: "What can open the vault: several slots hold its root at once.",
      subcommands: [List.self, Add.self, Remove.self])

    struct List: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Lists the slots.", discussion: "Example: muster vault slot list")
      @OptionGroup var connection: Connection
      @OptionGroup var output: Output

      func run() async throws {
        let status: VaultStatus = try await connection.withClient { try await $0.get("/v1/vault") }
        var listing = output.listing([
          Column<VaultStatus.Slot>("slot", isWhole: true) { String($0.slot) },
          Column("protector") { $0.protector.rawValue }, Column("protects") { $0.note },
        ])
        for slot in status.slots { try listing.add(slot) }
        listing.finish()
      }
    }

    struct Add: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Lets one more protector open the vault, on the folder; the others go on to.",
        discussion: """
          Example: muster vault slot add --data /var/lib/muster --protector passphrase --passphrase-file new
          Stop the service first. From the next start on the vault opens by it, too; muster vault slot remove takes the old
          one away. A new recovery code opens the vault alone: the root CA's key stays under the first. Shares
          (--protector shares --shares 5 --threshold 3 --out FOLDER) are for several people, each a file of that folder, which
          --officer CERT.pem, given once for each share, encrypts for one of them: openssl cms -decrypt reads it.
          """)
      @Option(help: "The instance's folder.", completion: .directory) var data: String
      @Option(help: "file, passphrase, recovery-code, tpm, pkcs11 or shares.", transform: slotKind) var protector:
        SlotKind
      @Option(help: "The new passphrase's file; else it is read from standard input.", completion: .file())
      var passphraseFile: String?
      @Option(
        help: "Write the new recovery code to this file, mode 0600, instead of standard output.", completion: .file())
      var recoveryCodeFile: String?
      @OptionGroup var shareOptions: ShareOptions
      @OptionGroup var keeperOptions: KeyKeeperOptions
      @OptionGroup var opener: VaultOpener

      func validate() throws { try shareOptions.validate(for: protector) }

      func run() async throws {
        try ProcessHardening.apply()
        let files = try shareOptions.files()
        try await OpenInstance.with(data) { opened in
          try await opener.open(opened)
          let addition = try await SlotAddition(protector, opened, try keeperOptions.keepers(), passphraseFile, files)
          let slot = try await addition.commit(to: opened)
          if let code = addition.recoveryCode { try tell(code) }
          print("slot \(slot.slot): \(slot.protector.rawValue)")
          if let files { print("its shares are in \(files.folder): hand them out, and keep none here") }
        }
      }

      private func tell(_ code: RecoveryCode) throws {
        try code.text.withUnsafeBytes { text in
          guard let recoveryCodeFile else { return try StandardOutput.write(text) }
          try writeFile(recoveryCodeFile, Array(text) + [UInt8(ascii: "\n")], mode: 0o600)
        }
      }
    }

    struct Remove: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Takes a slot away, on the folder, once another one opens the vault.",
        discussion: """
          Example: muster vault slot remove 1 --data /var/lib/muster
          Stop the service first. The last slot cannot be removed. Backups that were made before still have the slot: who
          has one, and what opened it, opens that backup.
          """)
      @Argument(help: "The slot's number: muster vault slot list.") var slot: UInt32
      @Option(help: "The instance's folder.", completion: .directory) var data: String
      @OptionGroup var opener: VaultOpener

      func run() async throws {
        try ProcessHardening.apply()
        try await OpenInstance.with(data, sparing: slot) { opened in
          try await opener.open(opened, sparing: slot)
          let removed = try await opened.vault.removeSlot(slot, by: .folder()).orFail().slot()
          try forget(removed, opened)
          print("slot \(slot) removed")
        }
      }

      /// What kept its secret need not any more.
      private func forget(_ slot: Slot, _ opened: OpenInstance) throws {
        if slot.kind == .file { try? FileManager.default.removeItem(atPath: opened.folder.path(of: .vaultKey)) }
        do { try opened.keepers.forget(slot) } catch {
          standardError("muster: slot \(slot.number) is removed, but what kept its key still has it: \(error)")
        }
      }
    }
  }
}

@Sendable private func slotKind(_ name: String) throws -> SlotKind {
  guard let kind = SlotKind(rawValue: name) else {
    throw ValidationError("expected one of \(SlotKind.allCases.map(\.rawValue).joined(separator: ", ")), found \(name)")
  }
  return kind
}

extension Outcome {
  /// The value, or what a person is told.
  func orFail() throws -> Value {
    switch self {
    case .done(let value): return value
    case .refused(let refusal): throw CommandFailure("\(refusal.reason) (\(refusal.code))", isRefusal: true)
    }
  }
}
