import ArgumentParser
import CertificateAuthority
import Enrollment
import Foundation
import MusterModel

struct CACommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ca", abstract: "The certificate authorities and their profiles.",
    subcommands: [Show.self, Check.self])

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows the root and the issuing CAs.", discussion: "Example: muster ca show")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      let issuers: [IssuerSummary] = try await connection.withClient { try await $0.get("/v1/issuers") }
      var listing = output.listing([
        Column<IssuerSummary>("ca") { $0.use }, Column("key ID") { $0.issuerKeyID },
        Column("until") { $0.notAfter.description }, Column("issued") { String($0.issued) }, Column("crl") { $0.crl },
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
