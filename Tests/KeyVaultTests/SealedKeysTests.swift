import Crypto
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import KeyVault

/// A device's keys sealed to its hub, and every way in which they open nowhere.
@Suite struct SealedKeysTests {
  private let key = P256.KeyAgreement.PrivateKey()
  private let keys = [DeviceKey.random(), DeviceKey.random()]
  private let hub = RecordID(.hub, UUIDv7(at: Timestamp(milliseconds: 1)))
  private let device = RecordID(.device, UUIDv7(at: Timestamp(milliseconds: 1)))

  private func context(
    ledger: String = "test.example/muster/k7", hub: RecordID? = nil, device: RecordID? = nil,
    deviceID: String = "pump-7",
    generation: UInt64 = 1, versions: [UInt32] = [3, 4], slots: [DeviceKeySlot] = [.primary, .secondary]
  ) throws -> SealedKeys.Context {
    let labels = zip(zip(slots, versions), keys).map { label, key in
      SealedKeys.Context.Label(
        slot: label.0, version: label.1,
        check: KeyCheck(of: key.bytes, id: "\(device ?? self.device)", version: label.1).hex)
    }
    return SealedKeys.Context(
      ledger: ledger, hub: hub ?? self.hub, device: device ?? self.device, deviceID: try #require(DeviceID(deviceID)),
      generation: generation, keys: labels)
  }

  private func sealed() throws -> SealedKeys { try SealedKeys.seal(keys, to: SealKey(of: key), context()) }

  private func expectRefused(
    _ sealed: SealedKeys, _ context: SealedKeys.Context? = nil, by key: P256.KeyAgreement.PrivateKey? = nil,
    why: Comment? = nil
  ) throws {
    let context = try context ?? self.context()
    #expect(throws: VaultError.notAuthentic, why) { try sealed.open(with: key ?? self.key, context) }
  }

  @Test func `the hub's key opens them, and no two messages are alike`() throws {
    let (first, second) = (try sealed(), try sealed())
    for message in [first, second] {
      #expect(try message.open(with: key, context()).map { reveal($0.bytes) } == keys.map { reveal($0.bytes) })
    }
    #expect(first.enc != second.enc && first.ciphertext != second.ciphertext)
    #expect(first.suite == "0x0010-0x0001-0x0002" && first.sealKey == SealKey(of: key).digest.hex)
    for key in keys {
      let text = key.text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      #expect(!first.ciphertext.contains(text.dropLast(4)))
    }
  }

  @Test func `another hub, device, name, binding, ledger or version opens nothing`() throws {
    let sealed = try sealed()
    let other = UUIDv7(at: Timestamp(milliseconds: 2))
    for context in [
      try context(ledger: "test.example/muster/k8"), try context(hub: RecordID(.hub, other)),
      try context(device: RecordID(.device, other)), try context(deviceID: "pump-8"), try context(generation: 2),
      try context(versions: [4, 3]), try context(versions: [3, 5]), try context(versions: [3]),
      try context(slots: [.secondary, .primary]),
    ] { try expectRefused(sealed, context, why: "\(context)") }
    try expectRefused(sealed, by: P256.KeyAgreement.PrivateKey())
  }

  @Test func `keys that are not those of the checks are refused, though they open`() throws {
    let lying = SealedKeys.Context(
      ledger: "test.example/muster/k7", hub: hub, device: device, deviceID: try #require(DeviceID("pump-7")),
      generation: 1,
      keys: [.init(slot: .primary, version: 3, check: String(repeating: "0", count: 32))])
    let sealed = try SealedKeys.seal([keys[0]], to: SealKey(of: key), lying)
    try expectRefused(sealed, lying)
  }

  @Test func `each bit changed and each byte cut is refused alike`() throws {
    let sealed = try sealed()
    let (enc, ciphertext) = (try decoded(sealed.enc), try decoded(sealed.ciphertext))
    for index in 0..<ciphertext.count * 8 {
      var changed = ciphertext
      changed[index / 8] ^= 1 << UInt8(index % 8)
      try expectRefused(with(sealed, ciphertext: changed), why: "bit \(index) of the ciphertext")
    }
    for index in enc.indices {
      var changed = enc
      changed[index] ^= 1
      try expectRefused(with(sealed, enc: changed), why: "byte \(index) of the encapsulated key")
      try expectRefused(with(sealed, enc: Array(enc.prefix(index))), why: "\(index) bytes of the encapsulated key")
    }
    for count in ciphertext.indices {
      try expectRefused(with(sealed, ciphertext: Array(ciphertext.prefix(count))), why: "\(count) bytes")
    }
    try expectRefused(with(sealed, ciphertext: ciphertext + [0]))
    try expectRefused(with(sealed, suite: "0x0010-0x0001-0x0001"))
  }

  private func decoded(_ text: String) throws -> [UInt8] { Array(try #require(Data(base64Encoded: text))) }

  private func with(
    _ sealed: SealedKeys, enc: [UInt8]? = nil, ciphertext: [UInt8]? = nil, suite: String? = nil
  ) throws -> SealedKeys {
    let fields = [
      "suite": suite ?? sealed.suite, "sealKey": sealed.sealKey,
      "enc": enc.map { Data($0).base64EncodedString() } ?? sealed.enc,
      "ciphertext": ciphertext.map { Data($0).base64EncodedString() } ?? sealed.ciphertext,
    ]
    return try JSONDecoder().decode(SealedKeys.self, from: try JSONEncoder().encode(fields))
  }

  @Test func `a public key is read in its one encoding, and a private one is none`() throws {
    let own = SealKey(of: key)
    #expect(SealKey(der: own.der) == own && SealKey(pem: key.publicKey.pemRepresentation) == own)
    #expect(SealKey(pem: key.pemRepresentation) == nil && SealKey(pem: "") == nil)
    #expect(SealKey(der: own.der + [0]) == nil && SealKey(der: own.der.dropLast()) == nil)
    #expect(SealKey(der: P384.KeyAgreement.PrivateKey().publicKey.derRepresentation) == nil)
    var off = own.der
    off[off.count - 1] ^= 1
    #expect(SealKey(der: off) == nil, "a point that is not on the curve")
  }

  /// `Tests/Vectors/hub-keys.json`: made by another hand, `hub-keys.py`, from the page and the standard alone.
  private struct Vector: Decodable {
    struct Label: Decodable {
      let slot: DeviceKeySlot
      let version: UInt32
      let check: String
    }
    let privateKey, ledger: String
    let hub, device: RecordID
    let deviceID: DeviceID
    let generation: UInt64
    let labels: [Label]
    let sealed: SealedKeys
    let keys: [String]
  }

  @Test func `what another hand sealed to a hub opens here`() throws {
    let file = try Data(contentsOf: tests.appending(path: "Vectors/hub-keys.json"))
    let vector = try JSONDecoder().decode(Vector.self, from: file)
    let context = SealedKeys.Context(
      ledger: vector.ledger, hub: vector.hub, device: vector.device, deviceID: vector.deviceID,
      generation: vector.generation,
      keys: vector.labels.map { .init(slot: $0.slot, version: $0.version, check: $0.check) })
    let key = try P256.KeyAgreement.PrivateKey(pemRepresentation: vector.privateKey)
    #expect(vector.sealed.sealKey == SealKey(of: key).digest.hex)
    #expect(try vector.sealed.open(with: key, context).map { text($0.text) } == vector.keys)
  }

  /// The vector of RFC 9180's authors for this suite in base mode (test-vectors.json of draft-irtf-cfrg-hpke).
  @Test func `the suite is that of RFC 9180`() throws {
    let own = try P256.KeyAgreement.PrivateKey(
      rawRepresentation: bytes("317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2"))
    var recipient = try HPKE.Recipient(
      privateKey: own, ciphersuite: .P256_SHA256_AES_GCM_256,
      info: Data(try bytes("4f6465206f6e2061204772656369616e2055726e")),
      encapsulatedKey: Data(
        try bytes(
          "04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f03e0b21bd31a86c6048af3cb2d98e0d3bf01da5cc4c39ff5370d331a4f1f7d5a4e0"
        )))
    let ciphertext = try bytes(
      "58c61a45059d0c5704560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f")
    let opened = try recipient.open(ciphertext, authenticating: try bytes("436f756e742d30"))
    #expect(String(decoding: opened, as: UTF8.self) == "Beauty is truth, truth beauty")
  }

  @Test(.enabled(if: Wycheproof.isThere, "needs ../shared/vectors"))
  func `agreement on P-256 is as Wycheproof says, and what is no key is none`() throws {
    var agreed = 0
    for test in try Wycheproof.vectors("ecdh_secp256r1_test") {
      let encoded = try #require(test.public.flatMap { Hex.decode($0) })
      guard let key = SealKey(der: encoded) else {
        #expect(test.result != "valid" || encoded.count != 91, "case \(test.tcId)")
        continue
      }
      guard test.result != "invalid" else {
        Issue.record("case \(test.tcId): \(Hex.encode(encoded)) is taken")
        continue
      }
      // A scalar is written in 32 bytes; theirs may have a zero before it, or lack some.
      let scalar = try #require(test.private.flatMap { Hex.decode($0) })
      let padded = Array(repeating: 0, count: max(0, 32 - scalar.count)) + scalar.suffix(32)
      let own = try P256.KeyAgreement.PrivateKey(rawRepresentation: padded)
      let shared = try own.sharedSecretFromKeyAgreement(with: key.key())
      #expect(shared.withUnsafeBytes { Hex.encode(Array($0)) } == test.shared, "case \(test.tcId)")
      agreed += 1
    }
    #expect(agreed > 200)
  }
}
