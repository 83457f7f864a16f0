import ArgumentParser
import Enrollment
import Foundation
import MusterModel

struct CertificateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certificate", abstract: "Certificates that this instance issued.",
    subcommands: [List.self, Show.self, Revoke.self, Release.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists certificates.", discussion: "Example: muster certificate list --device pump-7")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Option(help: "Only this device's.") var device: String?

    func run() async throws {
      var listing = output.listing([
        Column<CertificateSummary>("serial", isWhole: true) { $0.serial }, Column("of") { $0.subjectName },
        Column("profile") { $0.profile }, Column("status") { $0.status.rawValue },
        Column("until", time: \.notAfter), Column("reason") { $0.reason?.rawValue },
      ])
      try await connection.withClient { client in
        try await client.rows("/v1/certificates", query: [("device", device)]) { try listing.add($0) }
      }
      listing.finish()
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows one certificate, by serial, fingerprint or record.",
      discussion: "Example: muster certificate show 01932f…")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Argument(help: "Its serial in hex, its SHA-256 fingerprint, or its record ID.") var name: String

    func run() async throws {
      let found: CertificateSummary = try await connection.withClient {
        try await $0.get("/v1/certificates/\(segment(name))")
      }
      try output.result(
        found,
        lines: [
          ("serial", found.serial), ("of", found.subjectName), ("profile", found.profile),
          ("status", found.status.rawValue), ("reason", found.reason?.rawValue),
          ("revoked", found.revoked?.description), ("from", found.notBefore.description),
          ("until", found.notAfter.description), ("fingerprint", found.fingerprint), ("issuer", found.issuerKeyID),
          ("record", found.record.description), ("position", String(found.position)),
          ("attested", found.attestation?.sentence),
        ])
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Revokes a certificate; with certificate-hold, for now.",
      discussion: """
        Example: muster certificate revoke 01932f… --reason key-compromise --wait
        With --wait it ends once every hub that concerns has said, by its receipt, that it enforces it.
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "Its serial in hex, its SHA-256 fingerprint, or its record ID.") var name: String
    @Option(help: "key-compromise, superseded, cessation-of-operation, certificate-hold, … (RFC 5280).")
    var reason: String?
    @Flag(help: "Wait until the hubs enforce it.") var wait = false
    @Option(help: "How long to wait at most: 30s, 5m.") var timeout = Lifetime(seconds: 60)

    func run() async throws {
      try await connection.withClient { client in
        let found: CertificateSummary = try await client.post(
          "/v1/certificates/\(segment(name))/revoke", RevocationInput(reason: reason))
        print("\(found.serial) \(found.status.rawValue)")
        if wait {
          try await EnforcementWait(client: client, certificate: found.record, limit: .seconds(timeout.seconds)).run()
        }
      }
    }
  }

  struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lifts a certificate's hold.", discussion: "Example: muster certificate release 01932f…")
    @OptionGroup var connection: Connection
    @Argument(help: "Its serial in hex, its SHA-256 fingerprint, or its record ID.") var name: String

    func run() async throws {
      let found: CertificateSummary = try await connection.withClient {
        try await $0.post("/v1/certificates/\(segment(name))/release", [String: String]())
      }
      print("\(found.serial) \(found.status.rawValue)")
    }
  }
}
