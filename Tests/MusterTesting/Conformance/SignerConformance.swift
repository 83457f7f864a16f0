package import CertificateAuthority
import Crypto
import Foundation

/// What every `Signer` does, with openssl and swift-crypto as the judges. Subjects have a key of their own.
package enum SignerConformance {
  package static let all: [Requirement<any Signer>] = [
    Requirement("the algorithm is the key's", fittingAlgorithm),
    Requirement("a signature is the key's over the message alone", signature),
    Requirement("messages of any size are signed, the empty one too", sizes),
    Requirement("64 signatures at once are each of their message", manyAtOnce),
    Requirement("openssl takes the signature", openSSL),
  ]

  @Sendable private static func fittingAlgorithm(_ signer: any Signer) async throws {
    let fitting: [SignatureAlgorithm] =
      switch signer.publicKey.algorithm {
      case .p256: [.ecdsaWithSHA256]
      case .p384: [.ecdsaWithSHA384]
      case .ed25519: [.ed25519]
      case .rsa: [.rsaWithSHA256, .rsaWithSHA384, .rsaWithSHA512]
      }
    try require(fitting.contains(signer.algorithm), "one of \(fitting), found \(signer.algorithm)")
  }

  @Sendable private static func signature(_ signer: any Signer) async throws {
    let message = Array("to be signed".utf8)
    let signature = try await signer.sign(message)
    try require(verifies(signature, message, signer), "the signature to verify")
    try require(!verifies(signature, message + [0], signer), "the signature to be of no other message")
    for offset in [0, signature.count / 2, signature.count - 1] {
      var changed = signature
      changed[offset] ^= 1
      try require(!verifies(changed, message, signer), "a changed signature not to verify")
    }
  }

  @Sendable private static func sizes(_ signer: any Signer) async throws {
    for size in [0, 1, 63, 64, 65, 4096, 1 << 20] {
      let message = [UInt8](repeating: 0xa5, count: size)
      try require(verifies(try await signer.sign(message), message, signer), "a signature of \(size) bytes")
    }
  }

  @Sendable private static func manyAtOnce(_ signer: any Signer) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<64 {
        group.addTask {
          let message = Array("message \(number)".utf8)
          try require(verifies(try await signer.sign(message), message, signer), "the signature of \(number)")
        }
      }
      try await group.waitForAll()
    }
  }

  @Sendable private static func openSSL(_ signer: any Signer) async throws {
    let openssl = try OpenSSL()
    let message = Array("to be signed".utf8)
    try openssl.write(Array(pem(signer.publicKey.der, "PUBLIC KEY").utf8), "key.pem")
    try openssl.write(message, "message")
    try openssl.write(try await signer.sign(message), "signature")
    let digest: [SignatureAlgorithm: String] = [
      .ecdsaWithSHA256: "sha256", .rsaWithSHA256: "sha256", .ecdsaWithSHA384: "sha384", .rsaWithSHA384: "sha384",
      .ecdsaWithSHA512: "sha512", .rsaWithSHA512: "sha512",
    ]
    let hash = digest[signer.algorithm].map { " -digest \($0)" } ?? ""
    try openssl.succeed(
      "pkeyutl -verify -pubin -inkey key.pem -rawin -in message -sigfile signature" + hash)
  }

  /// By swift-crypto, for the algorithms of issuing CAs; what it has not, openssl alone judges.
  private static func verifies(_ signature: [UInt8], _ message: [UInt8], _ signer: any Signer) -> Bool {
    switch signer.algorithm {
    case .ecdsaWithSHA256:
      (try? P256.Signing.PublicKey(derRepresentation: signer.publicKey.der))?.isValid(signature, message) ?? false
    case .ecdsaWithSHA384:
      (try? P384.Signing.PublicKey(derRepresentation: signer.publicKey.der))?.isValid(signature, message) ?? false
    default: false
    }
  }
}

extension P256.Signing.PublicKey {
  fileprivate func isValid(_ der: [UInt8], _ message: [UInt8]) -> Bool {
    (try? P256.Signing.ECDSASignature(derRepresentation: der)).map { isValidSignature($0, for: message) } ?? false
  }
}

extension P384.Signing.PublicKey {
  fileprivate func isValid(_ der: [UInt8], _ message: [UInt8]) -> Bool {
    (try? P384.Signing.ECDSASignature(derRepresentation: der)).map { isValidSignature($0, for: message) } ?? false
  }
}
