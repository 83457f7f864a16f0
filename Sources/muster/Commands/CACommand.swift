import ArgumentParser
import CertificateAuthority
import Enrollment
import Foundation
import KeyVault
import MusterModel

struct CACommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ca", abstract: "The certificate authorities and their profiles.",
    subcommands: [Show.self, Check.self, RevocationList.self])

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows the root and the issuing CAs.", discussion: "Example: muster ca show")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      let issuers: [IssuerSummary] = try await connection.withClient { try await $0.get("/v1/issuers") }
      var listing = output.listing([
        Column<IssuerSummary>("ca") { $0.use }, Column("key ID", isWhole: true) { $0.issuerKeyID },
        Column("until", time: \.notAfter), Column("issued") { String($0.issued) }, Column("crl") { $0.crl },
      ])
      for issuer in issuers { try listing.add(issuer) }
      listing.finish()
    }
  }

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks profiles and blocked keys, naming the line at fault; a folder's, or those the program carries.",
      discussion: "Example: muster ca check --data DATA")
    @Option(help: "The instance's folder.", completion: .directory) var data: String?

    func run() async throws {
      let rules = try data.map { try Rules(InstanceFolder($0)) } ?? Rules.shipped()
      print("\(rules.profiles.names.count) profiles and \(rules.blockedKeys.count) blocked keys are sound")
    }
  }
}

extension CACommand {
  struct RevocationList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "crl", abstract: "Renews the root's CRL for a year, with the root's offline key.",
      discussion: """
        Example: muster ca crl --data DATA --root-key /media/safe/root-key.sealed < recovery-code
        Stop the service first: this acts on its folder. The issuing CAs' CRLs renew by themselves.
        """)
    @Option(help: "The instance's folder.", completion: .directory) var data: String
    @Option(help: "The root's sealed key; by default DATA/offline/root-key.sealed.", completion: .file())
    var rootKey: String?
    @Option(help: "The recovery code's file; else it is read from standard input.", completion: .file())
    var recoveryCodeFile: String?

    func run() async throws {
      let sealedKey = try readKey()
      let code = try readCode()
      try await OpenInstance.with(data) { opened in
        let list = try await RootListRenewal(opened: opened).renew(sealedKey: sealedKey, code: code)
        print("the root's CRL \(list.number) is good until \(list.nextUpdate)")
      }
    }

    private func readKey() throws -> [UInt8] {
      let file = rootKey ?? InstanceFolder(data).path(of: .offlineRoot)
      guard let key = FileManager.default.contents(atPath: file), key.count <= OfflineRoot.keyLimit * 2 else {
        throw CommandFailure(
          "expected the root's sealed key at \(file), found none: bring it back, or name it by --root-key")
      }
      return [UInt8](key)
    }

    private func readCode() throws -> RecoveryCode {
      switch RecoveryCode.parse(try SecretInput.read(file: recoveryCodeFile, what: "recovery code")) {
      case .success(let code): return code
      case .failure(let refusal): throw CommandFailure("\(refusal)")
      }
    }
  }
}

struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "The policies: who may do what, which evidence enrolls where.",
    subcommands: [Check.self])

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks the policies, naming the line at fault; a folder's, or those the program carries.",
      discussion: "Example: muster policy check --data DATA")
    @Option(help: "The instance's folder.", completion: .directory) var data: String?

    func run() async throws {
      let rules = try data.map { try Rules(InstanceFolder($0)) } ?? Rules.shipped()
      print("policies \(rules.policies.digest.hex.prefix(16)) are sound")
    }
  }
}
