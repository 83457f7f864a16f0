@testable import Attestation
import Foundation
import MusterTesting
import SwiftASN1
import Testing

/// Real statements of real TPMs, which lie beside the project, in `../shared/vectors/tpm-webauthn`.
@Suite(.enabled(if: CertifyVectors.isThere, "the vectors are not in ../shared/vectors/tpm-webauthn"))
struct RealCertifyTests {
  private func read(_ name: String, _ part: String) throws -> [UInt8] {
    Array(try Data(contentsOf: CertifyVectors.folder.appending(path: "\(name).\(part)")))
  }

  @Test func `all eight are there`() { #expect(CertifyVectors.names.count == 8) }

  @Test(arguments: CertifyVectors.names) func `a TPM's statement is read, names its key, and is signed by its AIK`(
    name: String
  ) throws {
    let info = try TPMAttest(try read(name, "certInfo.bin"))
    let key = try TPMPublic(try read(name, "pubArea.bin"))
    guard case .certify(let certified, _) = info.attested else {
      Issue.record("expected a certification")
      return
    }
    #expect(key.name == certified)
    let certificate = try MakerCertificate(try read(name, "x5c0.der"))
    let signature = try read(name, "sig.bin")
    let manifest = try JSONDecoder().decode(
      [Entry].self, from: Data(contentsOf: CertifyVectors.folder.appending(path: "manifest.json")))
    // COSE: RS256, and RS1.
    let hash: TPMHash = manifest.first { $0.id == name }?.alg == -257 ? .sha256 : .sha1
    #expect(certificate.key.isValid(signature, over: info.bytes, hash))
    #expect(!certificate.key.isValid(signature, over: info.bytes.reversed(), hash))
    // The same as a TPM would hand it out.
    let structure =
      [0, 0x14] + [0, UInt8(hash.rawValue)] + [UInt8(signature.count >> 8), UInt8(signature.count & 255)]
    #expect(try TPMSignature(structure + signature).scheme == .rsassa)
  }

  private struct Entry: Decodable {
    let id: String
    let alg: Int
  }
}

enum CertifyVectors {
  static let folder = Project.root.deletingLastPathComponent().appending(path: "shared/vectors/tpm-webauthn")
  static let isThere = FileManager.default.fileExists(atPath: folder.path)
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.compactMap { $0.hasSuffix(".certInfo.bin") ? String($0.prefix(12)) : nil }.sorted()
  }()
}
