@testable import Attestation
import Foundation
import MusterModel
import MusterTesting
import SwiftASN1
import Testing

/// `PKI/trust-anchors/tpm`: what lies there is what its manifest says, and it serves.
@Suite struct ShippedMakersTests {
  static let folder = Project.root.appending(path: "PKI/trust-anchors/tpm")

  struct Manifest: Decodable, Sendable {
    struct Row: Decodable, Sendable, Hashable {
      let maker: String
      let use: String
      let subject: String
      let sha256: String
      let from: String?
    }
    let makers: [String: String]
    let collections: [String]
    let certificates: [Row]
  }

  static let manifest = try? JSONDecoder().decode(
    Manifest.self, from: Data(contentsOf: folder.appending(path: "manifest.json")))

  private static func certificates(_ maker: String) throws -> [[UInt8]] {
    let text = try String(contentsOf: folder.appending(path: "\(maker).pem"), encoding: .utf8)
    return try PEMDocument.parseMultiple(pemString: text).map(\.derBytes)
  }

  @Test func `each file is a maker's, and each maker has one`() throws {
    let manifest = try #require(Self.manifest)
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { $0.hasSuffix(".pem") }
    #expect(Set(files) == Set(manifest.makers.keys.map { "\($0).pem" }))
    #expect(Set(manifest.certificates.map(\.maker)) == Set(manifest.makers.keys))
  }

  @Test(arguments: (manifest?.makers.keys).map(Array.init)?.sorted() ?? [])
  func `each certificate is a CA's, and is what the manifest says`(maker: String) throws {
    let rows = try #require(Self.manifest).certificates.filter { $0.maker == maker }
    let certificates = try Self.certificates(maker)
    #expect(certificates.map { Digest.sha256($0).hex } == rows.map(\.sha256))
    for (row, der) in zip(rows, certificates) {
      let issuer = try MakerIssuer.parse(der).get()
      #expect(issuer.isAnchor == (row.use == "anchor"), "\(row.subject)")
    }
    #expect(rows.contains { $0.use == "anchor" })
  }

  /// Of the fifteen, ST's RSA keys of two boards hang on a root that somebody made up.
  @Test(
    .enabled(if: EKVectors.isThere, "the vectors are not in ../shared/vectors/tpm-ek"), arguments: EKVectors.entries)
  func `real endorsement keys hold under their makers' files alone`(entry: EKVectors.Entry) throws {
    let isOfMadeUpRoot = entry.file.contains("st-rsaes_oaep")
    let own = entry.vendor == "google-vtpm" ? "google" : entry.vendor
    let bytes = try EKVectors.read(entry.file)
    for maker in try #require(Self.manifest).makers.keys {
      let trust = MakerTrust(try Self.certificates(maker))
      let key = EKCertificate(bytes).appraise(under: trust, at: EKVectors.time, acceptsExpired: true).key
      #expect((key != nil) == (maker == own && !isOfMadeUpRoot), "\(entry.file) under \(maker)")
    }
  }
}
