import Crypto
import CryptoExtras
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import KeyVault

/// Keys that come in as cloud HSMs take them: RSA OAEP, and AES key wrap with padding.
@Suite struct WrappedKeyTests {
  private static let vault: Result<(key: WrappingKey, sealed: SealedSecret, vault: Vault), any Error> = Result {
    let vault = try unsealed()
    let made = try vault.makeWrappingKey(RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 1_800_000_000_000))))
    return (made.key, made.sealed, vault)
  }

  private static func unsealed() throws -> Vault {
    let vault = Vault()
    try vault.unseal(root: RootKey.random(), keks: [])
    _ = try vault.addKEK()
    return vault
  }

  private func key() throws -> WrappingKey { try Self.vault.get().key }

  @Test(.enabled(if: Wycheproof.isThere, "needs ../shared/vectors"))
  func `AES key wrap with padding agrees with Wycheproof, and opens nothing that it marks invalid`() throws {
    var counts = ["valid": 0, "invalid": 0]
    for test in try Wycheproof.vectors("aes_kwp_test") {
      let kek = try #require(test.key.flatMap { Hex.decode($0) })
      guard kek.count == 32 else { continue }
      let wrapped = try #require(test.ct.flatMap { Hex.decode($0) })
      let opened = aesUnwrapPadded(wrapped, under: SecretBytes(copying: kek))
      counts[test.result, default: 0] += 1
      switch test.result {
      case "valid":
        #expect(opened?.withUnsafeBytes { Array($0) } == test.msg.flatMap { Hex.decode($0) }, "\(test.tcId)")
      case "invalid": #expect(opened == nil, "\(test.tcId)")
      default: break
      }
    }
    #expect(counts["valid", default: 0] > 10 && counts["invalid", default: 0] > 10, "\(counts)")
  }

  @Test(.enabled(if: Wycheproof.isThere, "needs ../shared/vectors"))
  func `RSA OAEP agrees with Wycheproof, and opens nothing that it marks invalid`() throws {
    var counts: [String: Int] = [:]
    for group in try Wycheproof.groups("rsa_oaep_2048_sha256_mgf1sha256_test") {
      let der = try #require(group.privateKeyPkcs8.flatMap { Hex.decode($0) })
      let key = try _RSA.Encryption.PrivateKey(derRepresentation: der)
      // A label is nothing that anybody says here.
      for test in group.tests where test.label == "" {
        let opened = try? key.decrypt(try #require(test.ct.flatMap { Hex.decode($0) }), padding: .PKCS1_OAEP_SHA256)
        counts[test.result, default: 0] += 1
        switch test.result {
        case "valid": #expect(opened.map { Array($0) } == test.msg.flatMap { Hex.decode($0) }, "\(test.tcId)")
        case "invalid": #expect(opened == nil, "\(test.tcId)")
        default: break
        }
      }
    }
    #expect(counts["valid", default: 0] > 5 && counts["invalid", default: 0] > 5, "\(counts)")
  }

  /// As the pages say it: `pkeyutl` and `enc`.
  private func wrapped(_ key: [UInt8], to publicKey: [UInt8], _ openssl: OpenSSL) throws -> [UInt8] {
    let once = SecretBytes.random(count: 32).withUnsafeBytes { Array($0) }
    for (bytes, file) in [(key, "key"), (once, "once"), (publicKey, "vault.der")] { try openssl.write(bytes, file) }
    try openssl.succeed(
      "pkeyutl -encrypt -pubin -keyform DER -inkey vault.der -in once -out 1 -pkeyopt rsa_padding_mode:oaep"
        + " -pkeyopt rsa_oaep_md:sha256")
    try openssl.succeed("enc -id-aes256-wrap-pad -K \(Hex.encode(once)) -iv A65959A6 -in key -out 2")
    return try openssl.read("1") + openssl.read("2")
  }

  @Test(arguments: RingKind.allCases)
  func `what openssl wrapped comes in, of each kind`(kind: RingKind) throws {
    let openssl = try OpenSSL()
    let vault = try Self.vault.get()
    let opened = try vault.vault.wrappingKey(vault.sealed)
    #expect(opened.publicKey == vault.key.publicKey)
    let key: (wrapped: [UInt8], bytes: [UInt8])
    switch kind {
    case .aes256GCM, .hmacSHA256, .groupEnrollment:
      let bytes = SecretBytes.random(count: 32).withUnsafeBytes { Array($0) }
      key = (bytes, bytes)
    case .p256:
      let made = P256.Signing.PrivateKey()
      key = (Array(made.derRepresentation), Array(made.rawRepresentation))
    case .ed25519:
      try openssl.succeed("genpkey -algorithm ed25519 -outform DER -out ed25519.der")
      let bytes = try openssl.read("ed25519.der")
      key = (bytes, Array(bytes.suffix(32)))
      #expect(Ed25519Seed(SecretBytes(copying: key.bytes))?.pkcs8.withUnsafeBytes { Array($0) } == bytes)
    }
    let found = try opened.unwrap(try wrapped(key.wrapped, to: opened.publicKey, openssl), as: kind)
    #expect(found.isEqual(to: SecretBytes(copying: key.bytes)))
    try RingKey.check(found, of: kind)
  }

  @Test func `a bit changed in each byte, each end cut, and another vault's, are refused alike`() throws {
    let openssl = try OpenSSL()
    let key = try key()
    let good = try wrapped((0..<32).map { UInt8($0) }, to: key.publicKey, openssl)
    #expect(good.count == 384 + 40)
    for place in good.indices {
      var flipped = good
      flipped[place] ^= 1 << UInt8(place % 8)
      #expect(throws: VaultError.notAuthentic) { try key.unwrap(flipped, as: .hmacSHA256) }
      #expect(throws: VaultError.notAuthentic) { try key.unwrap(Array(good.prefix(place)), as: .hmacSHA256) }
    }
    for longer in [good + [0], good + [UInt8](repeating: 0, count: 8), good + [UInt8](repeating: 0, count: 1024)] {
      #expect(throws: VaultError.notAuthentic) { try key.unwrap(longer, as: .hmacSHA256) }
    }
    for kind in [RingKind.p256, .ed25519] {
      #expect(throws: VaultError.notAuthentic) { try key.unwrap(good, as: kind) }
    }
    let other = try Self.unsealed().makeWrappingKey(key.record).key
    #expect(throws: VaultError.notAuthentic) { try other.unwrap(good, as: .hmacSHA256) }
    // RSA opens it, and what it has is no key of 32 bytes.
    let vault = try _RSA.Encryption.PublicKey(derRepresentation: key.publicKey)
    for size in [0, 16, 31, 33] {
      let short = try vault.encrypt(Data(repeating: 7, count: size), padding: .PKCS1_OAEP_SHA256)
      #expect(throws: VaultError.notAuthentic) { try key.unwrap(Array(short) + good.suffix(40), as: .hmacSHA256) }
    }
  }

  @Test func `what is sealed for another purpose, and nothing that is printed, is the key`() throws {
    let (key, sealed, vault) = try Self.vault.get()
    let other = SealedSecret(owner: sealed.owner, purpose: "ring-key", version: 1, bytes: sealed.bytes)
    #expect(throws: VaultError.notAuthentic) { try vault.wrappingKey(other) }
    #expect(!"\(key)".contains("der: [") && "\(key)".contains("SecretBytes("))
  }
}
