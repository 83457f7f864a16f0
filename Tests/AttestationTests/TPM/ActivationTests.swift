@testable import Attestation
import Crypto
import CryptoExtras
import Foundation
import MusterModel
import MusterTesting
import Testing

/// Credentials that we make are opened where they may be, and nowhere else.
@Suite struct ActivationTests {
  static let secret = SecretBytes(copying: Array(1...32) as [UInt8])
  static let name: [UInt8] = [0, 0x0b] + Array(repeating: 0x5a, count: 32)

  /// What tpm2_makecredential (tpm2-tools 5.4) made of `secret` for an object of `name`, under the P-256 key whose private
  /// number is 32 bytes of 0x1f.
  static let foreign = (
    identity: """
    004400205bba05176c7944e1ae75c7d5f7c157cf0fc874c47956cc3186993d821b10a14b9eeeb18ae45da06c925b0abb84508084e3bbfa03aaea\
    2b5a1be2504b3b0b1f68e062
    """,
    seed: """
    00440020e58b820f64328e662a369369323583ab96d677023fd4cfca507d7747819b196000200a9e03a4fc2b2335f4fe100ab475e46091cd0d\
    28bcefdd5f7e09ccf3aa46375a
    """
  )

  private func opener() throws -> MadeTPM.Key {
    var key = MadeTPM.Key.endorsement()
    key.key = try P256.Signing.PrivateKey(rawRepresentation: Array(repeating: 0x1f, count: 32))
    return key
  }

  @Test func `what a foreign program made is opened by the same derivations`() throws {
    let identity = try #require(Hex.decode(Self.foreign.identity))
    let seed = try #require(Hex.decode(Self.foreign.seed))
    #expect(try opener().open(identity, seed, for: Self.name) == Array(1...32))
    #expect(try opener().open(identity, seed, for: Self.name.reversed()) == nil)
  }

  @Test func `what we make is opened for its name alone, and never the same twice`() throws {
    let key = try opener()
    let endorsement = try TPMPublic(key.area)
    let made = try #require(ActivationCredential(Self.secret, for: Self.name, under: endorsement))
    #expect(try key.open(made.identity, made.encryptedSeed, for: Self.name) == Array(1...32))
    #expect(try key.open(made.identity, made.encryptedSeed, for: [0, 0x0b] + Array(repeating: 1, count: 32)) == nil)
    #expect(made != ActivationCredential(Self.secret, for: Self.name, under: endorsement))
  }

  @Test func `no credential is made for a key that is not what it must be, nor for a secret that is too long`() throws {
    var key = MadeTPM.Key.endorsement()
    let long = SecretBytes(copying: Array(repeating: 1, count: 33) as [UInt8])
    #expect(ActivationCredential(long, for: Self.name, under: try TPMPublic(key.area)) == nil)
    key.symmetric = MadeTPM.number(6, 2) + MadeTPM.number(128, 2) + MadeTPM.number(0x42, 2)
    #expect(try TPMPublic(key.area).broken(as: .endorsement) == [.wraps])
    #expect(ActivationCredential(Self.secret, for: Self.name, under: try TPMPublic(key.area)) == nil)
    key.symmetric = MadeTPM.number(0x10, 2)
    #expect(ActivationCredential(Self.secret, for: Self.name, under: try TPMPublic(key.area)) == nil)
  }

  @Test(
    .enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"),
    arguments: [("rsa", false), ("ecc", false), ("rsa3072", true), ("ecc384", true)])
  func `a TPM opens what was made for it, and another TPM does not`(kind: String, isHighRange: Bool) throws {
    let tpm = try SoftwareTPM()
    try tpm.makeKeys(endorsement: kind, attestationKey: "ecc -g sha256 -s ecdsa", deviceKey: "ecc256")
    let endorsement = try TPMPublic.parse(sized: try tpm.folder.read("ek.pub"))
    let attestation = try TPMPublic.parse(sized: try tpm.folder.read("ak.pub"))
    let name = try #require(attestation.name)
    let named = try tpm.folder.read("ak.name")
    #expect(name == named)
    let made = try #require(ActivationCredential(Self.secret, for: name, under: endorsement))
    let open = { (tpm: SoftwareTPM, made: ActivationCredential) throws in
      try tpm.activate(
        identity: made.identity, encryptedSeed: made.encryptedSeed, withPassword: isHighRange)
    }
    #expect(try open(tpm, made) == Array(1...32))

    let misnamed = try #require(ActivationCredential(Self.secret, for: Self.name, under: endorsement))
    #expect(throws: Unmet.self) { try open(tpm, misnamed) }
    let other = try SoftwareTPM()
    try other.makeKeys(endorsement: kind, attestationKey: "ecc -g sha256 -s ecdsa", deviceKey: "ecc256")
    #expect(throws: Unmet.self) { try open(other, made) }
  }

  @Test(
    .enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"),
    arguments: [("rsa2048:aes128cfb", "sha256"), ("ecc256:aes128cfb", "sha256"), ("ecc384:aes256cfb", "sha384")])
  func `a TPM refuses each bit changed`(kind: String, hash: String) throws {
    let tpm = try SoftwareTPM()
    // One that is used with a password, so that a thousand tries take no policy session each.
    try tpm.run(
      "tpm2_createprimary -C e -G \(kind) -g \(hash) -c ek.ctx "
        + "-a fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt")
    try tpm.run("tpm2_readpublic -c ek.ctx -o ek.pub")
    try tpm.run("tpm2_evictcontrol -C o -c ek.ctx 0x81010001")
    try tpm.flush()
    try tpm.run(
      "tpm2_createprimary -C e -G ecc256:ecdsa-sha256:null -c ak.ctx -a "
        + "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign")
    try tpm.run("tpm2_readpublic -c ak.ctx -o ak.pub")
    try tpm.run("tpm2_evictcontrol -C o -c ak.ctx 0x81010002")
    try tpm.flush()
    let name = try #require(try TPMPublic.parse(sized: try tpm.folder.read("ak.pub")).name)
    let made = try #require(
      ActivationCredential(
        Self.secret, for: name, under: try TPMPublic.parse(sized: try tpm.folder.read("ek.pub"))))
    let whole = made.identity + made.encryptedSeed
    let flipped = (0..<whole.count * 8).map { bit in
      var changed = whole
      changed[bit / 8] ^= 1 << (bit % 8)
      return changed
    }
    let statuses = try tpm.exchange(
      ([whole] + flipped).map { TPMCommand.bytes(0x147, handles: [0x8101_0002, 0x8101_0001], parameters: $0) }
    ).map(TPMCommand.status)
    #expect(statuses.first == 0)
    #expect(!statuses.dropFirst().contains(0))
  }
}

extension MadeTPM.Key {
  /// What a TPM does in TPM2_ActivateCredential; nil where it refuses.
  fileprivate func open(_ identity: [UInt8], _ seed: [UInt8], for name: [UInt8]) throws -> [UInt8]? {
    let (x, y) = (Array(seed[4..<36]), Array(seed[38..<70]))
    let own = try P256.KeyAgreement.PrivateKey(rawRepresentation: key.rawRepresentation)
    let secret = try own.sharedSecretFromKeyAgreement(with: .init(x963Representation: [4] + x + y))
    let ownX = Array(key.publicKey.rawRepresentation.prefix(32))
    let shared = TPMKeyDerivation.kdfe(.sha256, secret: secret, label: "IDENTITY", parties: x + ownX, bytes: 32)
    let (integrity, encrypted) = (Array(identity[4..<36]), Array(identity[36...]))
    let macKey = TPMKeyDerivation.kdfa(.sha256, key: shared, label: "INTEGRITY", context: [], bytes: 32)
    guard HMAC<SHA256>.isValidAuthenticationCode(integrity, authenticating: encrypted + name, using: macKey) else {
      return nil
    }
    let storage = TPMKeyDerivation.kdfa(.sha256, key: shared, label: "STORAGE", context: name, bytes: 16)
    let plain = try AES._CFB.decrypt(encrypted, using: storage, iv: .init(ivBytes: Array(repeating: 0, count: 16)))
    return Array(plain.dropFirst(2))
  }
}
