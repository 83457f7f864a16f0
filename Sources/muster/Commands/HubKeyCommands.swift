import ArgumentParser
import Crypto
import Enrollment
import Foundation
import KeyVault
import MusterModel

/// The key of a hub that its devices' keys are sealed to: a public one that is brought, or a pair that is made here.
struct SealKeyOptions: ParsableArguments {
  @Option(help: "The hub's public key for what is sealed to it, PEM, P-256.", completion: .file()) var hpkeKey: String?
  @Option(
    help: "Makes that pair here instead: the private key is written to this file, mode 0600, where there is none.",
    completion: .file())
  var sealKeyOut: String?

  func validate() throws {
    guard hpkeKey == nil || sealKeyOut == nil else {
      throw ValidationError("expected either --hpke-key or --seal-key-out, found both")
    }
  }

  /// The public key in PEM; nil where neither is named. A private key that was made is on disk when it returns: again, it is
  /// the same.
  func publicKey() throws -> String? {
    if let hpkeKey {
      let text = try readText(hpkeKey)
      // What is no public key stays here: it might be a private one.
      guard SealKey(pem: text) != nil else {
        throw CommandFailure("expected a P-256 public key in PEM in \(hpkeKey), found something else", status: 2)
      }
      return text
    }
    guard let sealKeyOut else { return nil }
    try ProcessHardening.apply()
    if FileManager.default.fileExists(atPath: sealKeyOut) {
      return try readSealKey(sealKeyOut).publicKey.pemRepresentation
    }
    let key = P256.KeyAgreement.PrivateKey()
    try writeFile(sealKeyOut, (key.pemRepresentation + "\n").utf8, mode: 0o600)
    return key.publicKey.pemRepresentation
  }
}

/// The private key that a hub opens with.
func readSealKey(_ file: String) throws -> P256.KeyAgreement.PrivateKey {
  guard let key = try? P256.KeyAgreement.PrivateKey(pemRepresentation: try readText(file)) else {
    throw CommandFailure("expected a P-256 private key in PEM in \(file), found something else", status: 2)
  }
  return key
}

extension HubCommand {
  struct SealKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "seal-key",
      abstract: "Registers what the keys of a hub's devices are sealed to, in place of the one before.",
      discussion: """
        Example: muster hub seal-key plant --seal-key-out plant.seal.pem
        Example: muster hub seal-key plant --hpke-key plant.seal.pub.pem
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "The hub's name.") var name: String
    @OptionGroup var key: SealKeyOptions

    func run() async throws {
      guard let text = try key.publicKey() else {
        throw CommandFailure("expected --hpke-key FILE or --seal-key-out FILE, found neither", status: 2)
      }
      let registered: RegisteredSealKey = try await connection.withClient {
        try await $0.post("/v1/hubs/\(segment(name))/seal-key", SealKeyInput(sealKey: text))
      }
      print("\(name) \(registered.sealKey)")
    }
  }
}
