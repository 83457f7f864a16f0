import Crypto
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import KeyVault

@Suite struct KnownAnswerTests {
  @Test func `what another hand sealed by the formats opens here`() throws {
    let vector = try VaultVector.load()
    let slot = try Slot(try bytes(vector.fileSlot))
    let vault = Vault()
    try vault.unseal(
      slot, with: try FileProtector(key: SecretBytes(copying: try bytes(vector.fileKey))),
      keks: [try WrappedKEK(try bytes(vector.kek))])
    #expect(try slot.number == 7 && slot.bytes == bytes(vector.fileSlot))
    let sealed = SealedSecret(
      owner: try #require(RecordID(vector.owner)), purpose: vector.purpose, version: vector.version,
      bytes: try bytes(vector.sealed))
    #expect(try text(vault.open(sealed)) == "canary")
    #expect(try vault.mac(of: try #require(TicketCode(vector.ticketCode))).hex == vector.ticketMAC)
  }

  @Test func `what another hand put under a passphrase and a recovery code opens here`() throws {
    let vector = try VaultVector.load()
    let passphrase = try PassphraseProtector(secret(vector.passphrase))
    let code = try RecoveryCode.parse(secret(vector.recoveryCode)).get()
    let first = try passphrase.unwrap(try Slot(try bytes(vector.passphraseSlot)))
    let second = try RecoveryCodeProtector(code).unwrap(try Slot(try bytes(vector.recoverySlot)))
    #expect(first.check == second.check)
    #expect(try text(OfflineRoot.open(try bytes(vector.offlineRoot), with: code)) == "root key")
  }

  @Test func `what another hand put under what a TPM and a token keep opens here`() throws {
    let vector = try VaultVector.load()
    let secret = SecretBytes(copying: try bytes(vector.keptSecret))
    let inTPM = try Slot(try bytes(vector.tpmSlot))
    let inToken = try Slot(try bytes(vector.tokenSlot))
    #expect(try inTPM.bytes == bytes(vector.tpmSlot) && inToken.bytes == bytes(vector.tokenSlot))
    #expect(inTPM.reference == Array("sealed object".utf8) && inToken.reference.isEmpty)
    #expect(try inTPM.root(secret: secret, of: .tpm).check == inToken.root(secret: secret, of: .pkcs11).check)
    #expect(throws: VaultError.otherProtector(expected: .tpm, found: .pkcs11)) {
      try inTPM.root(secret: secret, of: .pkcs11)
    }
  }

  @Test func `AES key wrap is that of RFC 3394 §4.6`() throws {
    let wrapping = SymmetricKey(data: try bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"))
    let key = SymmetricKey(data: try bytes("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"))
    let wrapped = try wrap(key, under: wrapping)
    #expect(Hex.encode(wrapped) == "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21")
    #expect(unwrap(wrapped, under: wrapping) == key)
    #expect(unwrap(Array(wrapped.dropLast()), under: wrapping) == nil)
  }

  @Test func `scrypt is that of RFC 7914 §12`() throws {
    let key = try scrypt(
      secret("pleaseletmein"), salt: Array("SodiumChloride".utf8), try ScryptParameters(log2N: 14, r: 8, p: 1))
    #expect(
      Hex.encode(reveal(key.secret)) == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
  }

  @Test(.enabled(if: Wycheproof.isThere, "needs ../shared/vectors"))
  func `HKDF agrees with Wycheproof`() throws {
    let cases = try Wycheproof.vectors("hkdf_sha256_test").filter { $0.result == "valid" }
    #expect(cases.count > 50)
    for test in cases {
      let key = SymmetricKey(data: try bytes(try #require(test.ikm)))
      let derived = hkdf(
        key, salt: try bytes(try #require(test.salt)), info: try bytes(try #require(test.info)),
        count: try #require(test.size))
      #expect(Hex.encode(reveal(derived.secret)) == test.okm, "case \(test.tcId)")
    }
  }

  @Test(.enabled(if: Wycheproof.isThere, "needs ../shared/vectors"))
  func `AES-256-GCM agrees with Wycheproof, and opens nothing that it marks invalid`() throws {
    let cases = try Wycheproof.vectors("aes_gcm_test").filter {
      $0.key?.count == 64 && $0.iv?.count == 24 && $0.tag?.count == 32
    }
    #expect(cases.count > 50)
    for test in cases {
      let key = SymmetricKey(data: try bytes(try #require(test.key)))
      let box = try AES.GCM.SealedBox(
        nonce: AES.GCM.Nonce(data: try bytes(try #require(test.iv))),
        ciphertext: try bytes(try #require(test.ct)), tag: try bytes(try #require(test.tag)))
      let aad = try bytes(try #require(test.aad))
      let opened = try? AES.GCM.open(box, using: key, authenticating: aad)
      #expect(opened.map(Hex.encode) == (test.result == "valid" ? test.msg : nil), "case \(test.tcId)")
    }
  }

  @Test(
    .enabled(if: Wycheproof.isThere, "needs ../shared/vectors"),
    arguments: [("ecdsa_secp256r1_sha256_test", RingKind.p256), ("ed25519_test", .ed25519)])
  func `a ring's signatures are judged as Wycheproof says`(file: String, kind: RingKind) throws {
    var counts: [Bool: Int] = [:]
    for group in try Wycheproof.groups(file) {
      let der = try bytes(try #require(group.publicKeyDer))
      for test in group.tests where test.result != "acceptable" {
        let (signature, message) = (try bytes(try #require(test.sig)), try bytes(try #require(test.msg)))
        let isValid = try message.withUnsafeBytes { message in
          kind == .p256
            ? try P256.Signing.PublicKey(derRepresentation: der).verifies(signature, message)
            : try Curve25519.Signing.PublicKey(rawRepresentation: der.suffix(32)).verifies(signature, message)
        }
        #expect(isValid == (test.result == "valid"), "\(test.tcId)")
        counts[isValid, default: 0] += 1
      }
    }
    #expect(counts[true, default: 0] > 20 && counts[false, default: 0] > 20, "\(counts)")
  }
}
