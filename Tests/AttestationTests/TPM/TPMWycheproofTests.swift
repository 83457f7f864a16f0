import Crypto
import CryptoExtras
import MusterModel
import MusterTesting
import Testing

@testable import Attestation

/// What verifies a TPM's word: keys and signatures as a TPM writes them.
@Suite(.enabled(if: Wycheproof.isThere, "the vectors are not in ../shared/vectors/wycheproof"))
struct TPMWycheproofTests {
  static let files: [(file: String, scheme: TPMSigningScheme, hash: TPMHash)] = [
    ("ecdsa_secp256r1_sha256_test", .ecdsa, .sha256), ("ecdsa_secp384r1_sha384_test", .ecdsa, .sha384),
    ("rsa_signature_2048_sha256_test", .rsassa, .sha256), ("rsa_signature_3072_sha256_test", .rsassa, .sha256),
    ("rsa_pss_2048_sha256_mgf1_32_test", .rsapss, .sha256),
  ]

  @Test(arguments: files)
  func `a TPM's signature is judged as Wycheproof says`(file: String, scheme: TPMSigningScheme, hash: TPMHash) throws {
    var judged = (valid: 0, invalid: 0)
    for group in try Wycheproof.groups(file) {
      let key = try #require(try publicKey(bytes(group.publicKeyDer), scheme, hash))
      for test in group.tests where test.result != "acceptable" {
        // Of ECDSA, what is no DER at all has no r and s: a TPM cannot write it.
        guard let value = try value(bytes(test.sig), scheme, hash) else { continue }
        let message = try bytes(test.msg)
        let read = try? TPMSignature(be(scheme.rawValue) + be(hash.rawValue) + value)
        let isValid = read.map { key.isValid($0, over: message) } ?? false
        #expect(isValid == (test.result == "valid"), "\(file) \(test.tcId)")
        if test.result == "valid" { judged.valid += 1 } else { judged.invalid += 1 }
      }
    }
    #expect(judged.valid > 5 && judged.invalid > 20, "\(file) \(judged)")
  }

  private func publicKey(_ der: [UInt8], _ scheme: TPMSigningScheme, _ hash: TPMHash) -> TPMVerificationKey? {
    switch (scheme, hash) {
    case (.ecdsa, .sha256): (try? P256.Signing.PublicKey(derRepresentation: der)).map { .p256($0) }
    case (.ecdsa, _): (try? P384.Signing.PublicKey(derRepresentation: der)).map { .p384($0) }
    default: (try? _RSA.Signing.PublicKey(derRepresentation: der)).map { .rsa($0) }
    }
  }

  /// The signature as TPMT_SIGNATURE has it: TPM2B of the bytes, or of r and of s.
  private func value(_ signature: [UInt8], _ scheme: TPMSigningScheme, _ hash: TPMHash) -> [UInt8]? {
    guard scheme == .ecdsa else { return TPMBytes.sized(signature) }
    let raw =
      hash == .sha256
      ? (try? P256.Signing.ECDSASignature(derRepresentation: signature)).map { Array($0.rawRepresentation) }
      : (try? P384.Signing.ECDSASignature(derRepresentation: signature)).map { Array($0.rawRepresentation) }
    return raw.map { TPMBytes.sized(Array($0.prefix($0.count / 2))) + TPMBytes.sized(Array($0.suffix($0.count / 2))) }
  }

  private func bytes(_ hex: String?) throws -> [UInt8] { try #require(hex.flatMap { Hex.decode($0) }) }

  private func be(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }
}
