import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

struct VaultCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vault", abstract: "The vault that keeps the CAs' keys and all secrets.",
    subcommands: [Status.self, Seal.self, Unseal.self, RotateKEK.self, Rekey.self, SlotCommand.self])

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says whether it is sealed, and what can unseal it.", discussion: "Example: muster vault status")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      let status: VaultStatus = try await connection.withClient { try await $0.get("/v1/vault") }
      try output.result(status, lines: lines(of: status))
    }
  }

  struct Seal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lets go of every key; what needs no secret goes on.", discussion: "Example: muster vault seal")
    @OptionGroup var connection: Connection

    func run() async throws {
      let status: VaultStatus = try await connection.withClient {
        try await $0.post("/v1/vault/seal", [String: String]())
      }
      print(status.isSealed ? "sealed" : "unsealed")
    }
  }

  struct Unseal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Unseals with the passphrase, the recovery code or a share, read from standard input or a file.",
      discussion: """
        Example: muster vault unseal < passphrase.txt
        Of shares each is given by itself, by whoever has it, within a quarter of an hour: the vault opens with the last that
        it needs.
        """)
    @OptionGroup var connection: Connection
    @Flag(help: "What is read is the recovery code.") var recoveryCode = false
    @Flag(help: "What is read is one of the shares that open a slot together.") var share = false
    @Option(help: "Read it from this file instead of standard input.", completion: .file()) var file: String?

    func validate() throws {
      guard !recoveryCode || !share else { throw ValidationError("expected --recovery-code or --share, found both") }
    }

    func run() async throws {
      try ProcessHardening.apply()
      let secret = try SecretInput.read(
        file: file, what: share ? "share" : recoveryCode ? "recovery code" : "passphrase")
      let text = secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      let input =
        share
        ? UnsealInput(share: text) : recoveryCode ? UnsealInput(recoveryCode: text) : UnsealInput(passphrase: text)
      let status: VaultStatus = try await connection.withClient { try await $0.post("/v1/vault/unseal", input) }
      print(status.isSealed ? "sealed" : "unsealed")
      for slot in status.slots where status.isSealed {
        if let progress = slot.progress { print("slot \(slot.slot): \(progress)") }
      }
    }
  }
}

extension VaultCommand {
  struct RotateKEK: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rotate-kek",
      abstract: "Makes a new key-encryption key; what is under the older one is re-wrapped in the background.",
      discussion: """
        Example: muster vault rotate-kek
        muster vault status says how far it is. The older key is gone once nothing is under it.
        """)
    @OptionGroup var connection: Connection

    func run() async throws {
      let status: VaultStatus = try await connection.withClient {
        try await $0.post("/v1/vault/rotate-kek", [String: String]())
      }
      print("key-encryption key \(status.keks.max() ?? 0) seals from now on")
    }
  }
}

extension VaultStatus.Slot {
  /// How many of its shares were given; nil where none was.
  var progress: String? {
    guard let given, given > 0, let needed else { return nil }
    return "\(given) of \(needed) shares are there"
  }

  /// What opens it, in words.
  fileprivate var words: String {
    guard let needed, let shares else { return "\(protector.rawValue): \(note)" }
    return "\(needed) of \(shares) shares: \(note)" + (progress.map { "; \($0)" } ?? "")
  }
}

private func lines(of status: VaultStatus) -> [(String, String?)] {
  [("vault", status.isSealed ? "sealed" : "unsealed")]
    + status.slots.map { ("slot \($0.slot)", $0.words) }
    + [("key-encryption keys", status.keks.map(String.init).joined(separator: " "))]
    + (status.rewrapping.map { [("re-wrapping", "\($0.words)")] } ?? [])
}

extension VaultStatus.Rewrapping {
  fileprivate var words: String {
    let done = "\(rewrapped) brought under \(kek), \(passed) looked at in this pass"
    return unreadable == 0 ? done : done + "; \(unreadable) do not open, and keep the older key from going"
  }
}
