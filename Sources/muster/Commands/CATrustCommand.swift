import ArgumentParser
import Attestation
import Enrollment
import Foundation
import MusterModel
import SwiftASN1

// The certificates of TPM makers.

extension CACommand {
  struct Trust: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "The TPM makers whose endorsement key certificates are trusted.",
      subcommands: [List.self, Import.self, Remove.self])

    struct List: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Lists the makers' certificates.", discussion: "Example: muster ca trust list")
      @OptionGroup var connection: Connection
      @OptionGroup var output: Output

      func run() async throws {
        var listing = output.listing([
          Column<MakerSummary>("certificate", isWhole: true) { $0.sha256 }, Column("use") { $0.use.rawValue },
          Column("until", time: \.notAfter), Column("name") { $0.name },
        ])
        try await connection.withClient { client in try await client.rows("/v1/makers") { try listing.add($0) } }
        listing.finish()
      }
    }

    struct Import: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Trusts a maker's certificates; what is refused goes to standard error.",
        discussion: """
          Example: muster ca trust import PKI/trust-anchors/tpm/infineon.pem
          Self-issued certificates are anchors, the others help to build a path. Each TPM that the maker certified may then
          enroll where enrollment.yaml lets it.
          """)
      @OptionGroup var connection: Connection
      @Argument(help: "Certificates in PEM, or one in DER.", completion: .file()) var file: String

      func run() async throws {
        let certificates = try MakerFile.read(file)
        let results = try await connection.withClient { client in
          var results: [MakerResult] = []
          for start in stride(from: 0, to: certificates.count, by: MakerFile.portion) {
            let portion = certificates[start..<min(start + MakerFile.portion, certificates.count)]
            results += try await client.post("/v1/makers", MakerInput(certificates: Array(portion))) as [MakerResult]
          }
          return results
        }
        for result in results where result.code != nil {
          standardError("\(result.sha256): \(result.reason ?? "") (\(result.code ?? ""))")
        }
        let trusted = results.compactMap(\.certificate)
        let anchors = trusted.count { $0.use == .anchor }
        print("\(trusted.count) trusted, \(anchors) of them anchors, \(results.count - trusted.count) refused")
        if trusted.count < results.count { throw ExitCode(3) }
      }
    }

    struct Remove: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Trusts certificates no more. Devices that enrolled by them stay.",
        discussion: "Example: muster ca trust remove cfeb02fecd55ad7a…")
      @OptionGroup var connection: Connection
      @Argument(help: "The certificates, by their SHA-256 in hex.") var fingerprints: [String]

      func run() async throws {
        try await connection.withClient { client in
          for fingerprint in fingerprints {
            try await client.delete("/v1/makers/\(segment(fingerprint))")
            print("\(fingerprint) removed")
          }
        }
      }
    }
  }
}

/// A file of makers' certificates.
private enum MakerFile {
  /// How many go into one request: a makers' certificate is mostly 1 to 2 KB.
  static let portion = 32

  /// Each certificate in PEM.
  static func read(_ path: String) throws -> [String] {
    guard let data = FileManager.default.contents(atPath: path), data.count <= MakerTrust.limit.bytes else {
      throw CommandFailure(
        "expected certificates in a file of at most \(MakerTrust.limit.bytes) bytes, found none that can be read at \(path)"
      )
    }
    if data.first == 0x30 { return [PEMDocument(type: "CERTIFICATE", derBytes: Array(data)).pemString] }
    let documents = (try? PEMDocument.parseMultiple(pemString: String(decoding: data, as: UTF8.self))) ?? []
    guard !documents.isEmpty, documents.allSatisfy({ $0.discriminator == "CERTIFICATE" }) else {
      throw CommandFailure("expected certificates in PEM or one in DER, found something else in \(path)")
    }
    return documents.map(\.pemString)
  }
}
