import ArgumentParser
import CertificateAuthority
import Foundation
import KeyVault
import MusterModel

struct Initialize: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Makes an instance in a folder, and prints its recovery code, once.",
    discussion: """
      Example: muster init --data /var/lib/muster --hostname muster.plant.example --publish-url http://muster.plant.example:8080
      Write the recovery code down and keep it apart: it opens the vault and the root CA's key when all else is lost.
      Take DATA/offline away, too: the service never reads it.
      """)

  @Option(help: "The folder to make it in.", completion: .directory) var data: String
  @Option(help: "The organization in the CAs' names.") var organization: String?
  @Option(help: "The trust domain of all identities, a DNS name; for good.") var trustDomain: String?
  @Option(help: "A name or address of the service; may be given several times.") var hostname: [String] = []
  @Option(help: "Where certificates say that CRLs and OCSP are, plain http; for good.") var publishURL: String?
  @Option(help: "Write the recovery code to this file instead, mode 0600.", completion: .file())
  var recoveryCodeFile: String?
  @Option(help: "What holds the vault's root at each start: file, passphrase, tpm or pkcs11.") var protector = Protector
    .file
  @Option(help: "The passphrase's file; else it is read from standard input.", completion: .file())
  var passphraseFile: String?

  @Option(help: "Where the issuing CAs' keys are made and stay: sealed (in the database), tpm or pkcs11.")
  var caKeys = CAKeys.sealed
  @OptionGroup var keeperOptions: KeyKeeperOptions

  enum Protector: String, ExpressibleByArgument, CaseIterable {
    case file, passphrase, tpm, pkcs11

    var keeper: SlotKind? {
      switch self {
      case .file, .passphrase: nil
      case .tpm: .tpm
      case .pkcs11: .pkcs11
      }
    }
  }

  func run() async throws {
    try ProcessHardening.apply()
    // Before anything is made: the code is shown once.
    guard recoveryCodeFile != nil || StandardOutput.isRead else {
      throw CommandFailure("expected somebody to read the recovery code on standard output, found it closed")
    }
    let founding = Founding(plan: try plan(), rules: try Rules.shipped(), clock: SystemClock())
    let code = try await founding.found(at: data)
    if let recoveryCodeFile {
      try code.text.withUnsafeBytes { try writeFile(recoveryCodeFile, Array($0) + [UInt8(ascii: "\n")], mode: 0o600) }
      standardError("muster: the recovery code is in \(recoveryCodeFile): move it to a safe place")
    } else {
      standardError("muster: the recovery code follows; it is shown once: write it down and keep it apart")
      do {
        try code.text.withUnsafeBytes { try StandardOutput.write($0) }
      } catch {
        throw CommandFailure("made \(data), but nobody read its recovery code: remove it and make it again")
      }
    }
    standardError("muster: made \(data); next: muster serve --data \(data)")
  }

  private func plan() throws -> FoundingPlan {
    let hostnames = hostname.isEmpty ? ["localhost", "127.0.0.1"] : hostname
    let publishURL = publishURL ?? "http://\(hostnames[0]):8080"
    return FoundingPlan(
      organization: organization, trustDomain: try domain(hostnames[0]), hostnames: hostnames,
      publishURL: publishURL,
      passphrase: protector == .passphrase ? try SecretInput.read(file: passphraseFile, what: "passphrase") : nil,
      keepers: try keeperOptions.keepers(), keeper: protector.keeper, caKeys: caKeys)
  }

  /// By default the first host name if it has a dot, else a name that no one else has.
  private func domain(_ hostname: String) throws -> TrustDomain {
    let isName = hostname.contains(".") && hostname.contains(where: \.isLetter)
    let text = trustDomain ?? (isName ? hostname : randomDomain())
    guard let domain = TrustDomain(text) else {
      throw CommandFailure("expected --trust-domain as \(TrustDomain.rule), found \(text)", status: 2)
    }
    return domain
  }

  private func randomDomain() -> String {
    let letters = (0..<8).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement() ?? "a" }
    return String(letters) + ".muster.internal"
  }
}

extension CAKeys: ExpressibleByArgument {}
