import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

struct VaultCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vault", abstract: "The vault that keeps the CAs' keys and all secrets.",
    subcommands: [Status.self, Seal.self, Unseal.self, SlotCommand.self])

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
      abstract: "Unseals with the passphrase or the recovery code, read from standard input or a file.",
      discussion: "Example: muster vault unseal < passphrase.txt")
    @OptionGroup var connection: Connection
    @Flag(help: "What is read is the recovery code.") var recoveryCode = false
    @Option(help: "Read it from this file instead of standard input.", completion: .file()) var file: String?

    func run() async throws {
      let secret = try SecretInput.read(file: file, what: recoveryCode ? "recovery code" : "passphrase")
      let text = secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      let input = recoveryCode ? UnsealInput(recoveryCode: text) : UnsealInput(passphrase: text)
      let status: VaultStatus = try await connection.withClient { try await $0.post("/v1/vault/unseal", input) }
      print(status.isSealed ? "sealed" : "unsealed")
    }
  }
}

private func lines(of status: VaultStatus) -> [(String, String?)] {
  [("vault", status.isSealed ? "sealed" : "unsealed")]
    + status.slots.map { ("slot \($0.slot)", "\($0.protector.rawValue): \($0.note)") }
    + [("key-encryption keys", status.keks.map(String.init).joined(separator: " "))]
}
