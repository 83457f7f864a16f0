import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority

@Suite(.enabled(if: Wycheproof.isThere, "the vectors are not in ../shared/vectors/wycheproof"))
struct WycheproofTests {
  static let signatures: [(file: String, algorithm: SignatureAlgorithm)] = [
    ("ecdsa_secp256r1_sha256_test", .ecdsaWithSHA256), ("ecdsa_secp384r1_sha384_test", .ecdsaWithSHA384),
    ("ed25519_test", .ed25519), ("rsa_signature_2048_sha256_test", .rsaWithSHA256),
    ("rsa_signature_3072_sha256_test", .rsaWithSHA256),
  ]

  @Test(arguments: signatures)
  func `signatures are judged as Wycheproof says`(file: String, algorithm: SignatureAlgorithm) throws {
    var judged = 0
    for group in try Wycheproof.groups(file) {
      let der = try #require(Hex.decode(group.publicKeyDer ?? ""))
      guard case .success(let key) = SubjectPublicKey.check(der, blocked: .none) else { continue }
      for test in group.tests where test.result != "acceptable" {
        let signature = try #require(test.sig.flatMap { Hex.decode($0) })
        let message = try #require(test.msg.flatMap { Hex.decode($0) })
        let isValid = key.isValid(signature, over: message, algorithm)
        #expect(isValid == (test.result == "valid"), "\(file) \(test.tcId)")
        judged += 1
      }
    }
    #expect(judged > 100, "\(file)")
  }

  @Test(arguments: signatures)
  func `no key of Wycheproof's is ever certified`(file: String, algorithm: SignatureAlgorithm) throws {
    let blocked = try BlockedKeys(
      text: String(contentsOf: Project.root.appending(path: "PKI/blocked-keys.txt"), encoding: .utf8))
    for group in try Wycheproof.groups(file) {
      let der = try #require(Hex.decode(group.publicKeyDer ?? ""))
      guard case .failure = SubjectPublicKey.check(der, blocked: blocked) else {
        Issue.record("\(file): \(group.publicKeyDer ?? "") is taken")
        continue
      }
    }
  }
}
