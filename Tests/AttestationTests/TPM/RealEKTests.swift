@testable import Attestation
import Foundation
import MusterModel
import MusterTesting
import SwiftASN1
import Testing

/// Real certificates of real TPMs, which lie beside the project, in `../shared/vectors/tpm-ek`.
@Suite(.enabled(if: EKVectors.isThere, "the vectors are not in ../shared/vectors/tpm-ek"))
struct RealEKTests {
  private func bundle(_ files: [String]) throws -> MakerTrust {
    let pem = try files.map { PEMDocument(type: "CERTIFICATE", derBytes: try EKVectors.read($0)).pemString }
    return try MakerTrust.parse(Array(pem.joined(separator: "\n").utf8)).get()
  }

  @Test func `all fifteen are there`() { #expect(EKVectors.entries.count == 15) }

  @Test(arguments: EKVectors.entries) func `an endorsement key's certificate holds under its own maker's roots`(
    entry: EKVectors.Entry
  ) throws {
    let certificate = EKCertificate(try EKVectors.read(entry.file))
    let (appraisal, key) = certificate.appraise(
      under: try bundle(entry.chain), at: EKVectors.time, acceptsExpired: true)
    #expect(appraisal.isAccepted, "\(appraisal.codes)")
    #expect(key?.hardware.kind == .tpmEK)
    // What fills up the TPM's memory changes nothing.
    let padded = EKCertificate(certificate.bytes + Array(repeating: 0xff, count: 300))
    #expect(
      padded.appraise(under: try bundle(entry.chain), at: EKVectors.time, acceptsExpired: true).key?.certificate
        == key?.certificate)
  }

  @Test(arguments: EKVectors.entries) func `it is refused under the roots of all others`(entry: EKVectors.Entry) throws
  {
    let own = Set(entry.chain)
    let others = Set(EKVectors.entries.filter { $0.vendor != entry.vendor }.flatMap(\.chain)).subtracting(own)
    let (appraisal, key) = EKCertificate(try EKVectors.read(entry.file)).appraise(
      under: try bundle(others.sorted()), at: EKVectors.time, acceptsExpired: true)
    #expect(appraisal.codes == ["certificate-untrusted"] && key == nil)
  }

  @Test(arguments: EKVectors.entries) func `one bit of what is signed, changed, and it is refused`(
    entry: EKVectors.Entry
  ) throws {
    let bytes = try EKVectors.read(entry.file)
    let trust = try bundle(entry.chain)
    for place in stride(from: 4, to: bytes.count, by: 37) {
      var changed = bytes
      changed[place] ^= 0x10
      let key = EKCertificate(changed).appraise(under: trust, at: EKVectors.time, acceptsExpired: true).key
      #expect(key == nil, "byte \(place)")
    }
  }

  @Test func `one whose time is over is refused unless it is accepted`() throws {
    let entry = try #require(EKVectors.entries.first { $0.file.contains("st-rsaes_oaep-07d685f9") })
    let certificate = EKCertificate(try EKVectors.read(entry.file))
    #expect(
      certificate.appraise(under: try bundle(entry.chain), at: EKVectors.time).appraisal.codes == [
        "certificate-expired"
      ])
    let before = Timestamp(milliseconds: 1_300_000_000_000)
    #expect(
      certificate.appraise(under: try bundle(entry.chain), at: before, acceptsExpired: true).appraisal.codes
        .contains("certificate-not-yet-valid"))
  }

  @Test func `all makers' certificates of the bundle but a few are read, and all whose root is there hold under it`()
    throws
  {
    let trust = try MakerTrust.parse(try EKVectors.read("vendor-cas.pem")).get()
    #expect(trust.unreadable <= 16, "\(trust.unreadable) of them are not read")
    #expect(trust.anchors >= 40)
    // ST's RSA keys hang on roots that the bundle lacks.
    for entry in EKVectors.entries where entry.vendor != "st" || entry.file.contains("-ec-") {
      let appraisal = EKCertificate(try EKVectors.read(entry.file)).appraise(
        under: trust, at: EKVectors.time, acceptsExpired: true
      ).appraisal
      #expect(appraisal.isAccepted, "\(entry.file): \(appraisal.codes)")
    }
  }
}

enum EKVectors {
  static let folder = Project.root.deletingLastPathComponent().appending(path: "shared/vectors/tpm-ek")
  static let isThere = FileManager.default.fileExists(atPath: folder.path)
  /// 2026-11-24.
  static let time = Timestamp(milliseconds: 1_795_500_000_000)

  struct Entry: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    let vendor: String
    let chain: [String]
    let oddities: [String]
    var testDescription: String { file }
  }

  static let entries: [Entry] =
    (try? JSONDecoder().decode([Entry].self, from: Data(contentsOf: folder.appending(path: "manifest.json")))) ?? []

  static func read(_ file: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: file))) }
}
