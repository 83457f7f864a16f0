import Crypto
import Foundation
import MusterModel
import Testing

@testable import KeyVault

/// Keys on their way, sealed by HPKE.
@Suite struct KeyTransferTests {
  private func transfer(_ sealed: KeyTransfer, _ change: (inout [UInt8], inout [UInt8]) -> Void) throws -> KeyTransfer {
    var encapsulated = Array(try #require(Data(base64Encoded: sealed.encapsulatedKey)))
    var ciphertext = Array(try #require(Data(base64Encoded: sealed.ciphertext)))
    change(&encapsulated, &ciphertext)
    let fields = ["encapsulatedKey": encapsulated, "ciphertext": ciphertext].mapValues {
      Data($0).base64EncodedString()
    }
    return try JSONDecoder().decode(KeyTransfer.self, from: JSONEncoder().encode(fields))
  }

  @Test func `each bit changed, each byte cut and each other purpose is refused alike`() throws {
    let (vault, key) = (Curve25519.KeyAgreement.PrivateKey(), SecretBytes.random(count: 32))
    let name = try #require(RecordName("journal"))
    let sealed = try KeyTransfer(key, to: vault.publicKey, for: .import(name, .hmacSHA256))
    #expect(try sealed.open(with: vault, for: .import(name, .hmacSHA256)).isEqual(to: key))
    func refuses(_ transfer: KeyTransfer, _ note: Comment, _ purpose: KeyTransfer.Purpose? = nil) {
      #expect(throws: VaultError.notAuthentic, note) {
        try transfer.open(with: vault, for: purpose ?? .import(name, .hmacSHA256))
      }
    }
    for bit in 0..<(32 * 8) where bit != 255 {
      // The highest bit of an X25519 key is ignored (RFC 7748 §5), and bound to the message all the same.
      refuses(try transfer(sealed) { key, _ in key[bit / 8] ^= 1 << UInt8(bit % 8) }, "bit \(bit) of the key")
    }
    refuses(try transfer(sealed) { key, _ in key[31] ^= 0x80 }, "its highest bit")
    for bit in 0..<(48 * 8) {
      refuses(try transfer(sealed) { _, text in text[bit / 8] ^= 1 << UInt8(bit % 8) }, "bit \(bit)")
    }
    for count in 0..<48 {
      refuses(try transfer(sealed) { _, text in text = Array(text.prefix(count)) }, "\(count) bytes")
    }
    for count in 0..<32 { refuses(try transfer(sealed) { key, _ in key = Array(key.prefix(count)) }, "\(count) bytes") }
    refuses(try transfer(sealed) { _, text in text.append(0) }, "one more")
    let other = try #require(RecordName("journal2"))
    let ring = RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 1_800_000_000_000)))
    for purpose in [
      KeyTransfer.Purpose.import(other, .hmacSHA256), .import(name, .aes256GCM), .export(ring, version: 1),
    ] { refuses(sealed, "\(purpose)", purpose) }
    #expect(throws: VaultError.notAuthentic) {
      try sealed.open(with: .init(), for: .import(name, .hmacSHA256))
    }
  }

  /// RFC 9180 appendix A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, base mode.
  @Test func `the suite is that of RFC 9180`() throws {
    func bytes(_ hex: String) throws -> Data { Data(try #require(Hex.decode(hex))) }
    let key = try Curve25519.KeyAgreement.PrivateKey(
      rawRepresentation: bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"))
    var recipient = try HPKE.Recipient(
      privateKey: key, ciphersuite: KeyTransfer.suite,
      info: bytes("4f6465206f6e2061204772656369616e2055726e"),
      encapsulatedKey: bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"))
    let opened = try recipient.open(
      bytes(
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"),
      authenticating: bytes("436f756e742d30"))
    #expect(String(decoding: opened, as: UTF8.self) == "Beauty is truth, truth beauty")
  }
}
