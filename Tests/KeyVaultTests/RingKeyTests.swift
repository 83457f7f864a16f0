import Crypto
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Testing

/// Keys of rings: what they protect, and what they do not open.
@Suite struct RingKeyTests {
  private let vault: Vault
  private let ring = RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 1_760_000_000_000)))

  init() throws {
    vault = Vault()
    try vault.unseal(root: RootKey.random(), keks: [])
    _ = try vault.addKEK()
  }

  private func key(
    _ kind: RingKind, ring other: RecordID? = nil, version: UInt32 = 1, imported: SecretBytes? = nil
  ) throws -> RingKey {
    let record = RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 1_760_000_000_000)))
    let ring = other ?? ring
    let made = try vault.makeRingKey(record, of: kind, ring: ring, version: version, imported: imported)
    return try vault.ringKey(made.sealed, of: kind, ring: ring)
  }

  private func context(_ text: String) throws -> RingContext { try #require(RingContext(text)) }

  /// A text with other bytes, as whoever has the database might write it.
  private func text(_ text: RingText, ring: RecordID? = nil, version: UInt32? = nil, _ bytes: [UInt8]? = nil) throws
    -> RingText
  {
    let line = [
      "muster-\(text.kind.rawValue)", "1", (ring ?? text.ring).description, String(version ?? text.version),
      Base64URL.encode(bytes ?? text.bytes),
    ].joined(separator: ":")
    return try #require(RingText(line, as: text.kind))
  }

  @Test(arguments: [0, 1, 31, 32, 4096, RingKey.plaintextLimit])
  func `what is encrypted is decrypted, also from its text`(count: Int) throws {
    let key = try key(.aes256GCM)
    let secret = SecretBytes.random(count: count)
    let text = try key.encrypt(secret, context("pump-7"))
    let read = try #require(RingText(text.description, as: .ciphertext))
    #expect(read == text && text.bytes.count == count + 80)
    #expect(try key.decrypt(read, context("pump-7")).isEqual(to: secret))
    #expect(try key.encrypt(secret, context("pump-7")).bytes != text.bytes)
  }

  @Test func `a flipped bit anywhere, and an end cut anywhere, is not authentic, and all are alike`() throws {
    let key = try key(.aes256GCM)
    let made = try key.encrypt(secret("canary"), .none)
    for offset in made.bytes.indices {
      for bit in 0..<8 {
        var bytes = made.bytes
        bytes[offset] ^= 1 << UInt8(bit)
        #expect(throws: VaultError.notAuthentic) { try key.decrypt(text(made, bytes), .none) }
      }
      #expect(throws: VaultError.notAuthentic) { try key.decrypt(text(made, Array(made.bytes.prefix(offset))), .none) }
    }
    #expect(throws: VaultError.notAuthentic) { try key.decrypt(text(made, made.bytes + [0]), .none) }
  }

  @Test func `a ciphertext of another context, ring or version opens nowhere`() throws {
    // The same bytes as key of two rings and two versions: only what it is bound to tells them apart.
    let bytes = SecretBytes.random(count: 32)
    let other = RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 1_760_000_000_001)))
    let here = try key(.aes256GCM, imported: bytes)
    let made = try here.encrypt(secret("canary"), context("a"))
    #expect(try here.decrypt(made, context("a")).isEqual(to: secret("canary")))
    #expect(throws: VaultError.notAuthentic) { try here.decrypt(made, context("b")) }
    #expect(throws: VaultError.notAuthentic) { try here.decrypt(made, .none) }
    let there = try key(.aes256GCM, ring: other, imported: bytes)
    let later = try key(.aes256GCM, version: 2, imported: bytes)
    #expect(throws: VaultError.notAuthentic) { try there.decrypt(text(made, ring: other), context("a")) }
    #expect(throws: VaultError.notAuthentic) { try later.decrypt(text(made, version: 2), context("a")) }
    #expect(throws: VaultError.notAuthentic) { try there.decrypt(made, context("a")) }
  }

  /// The commitment is over the key: under another key, whatever GCM would say, it does not match.
  @Test func `a ciphertext opens under its own key alone`() throws {
    let made = try key(.aes256GCM).encrypt(secret("canary"), .none)
    #expect(throws: VaultError.notAuthentic) { try key(.aes256GCM).decrypt(made, .none) }
  }

  @Test func `a MAC without a context is HMAC by the key itself, and one with a context is not`() throws {
    let bytes = SecretBytes.random(count: 32)
    let key = try key(.hmacSHA256, imported: bytes)
    let plain = try key.mac(secret("message"), .none)
    let expected = bytes.withUnsafeBytes {
      HMAC<SHA256>.authenticationCode(for: Data("message".utf8), using: SymmetricKey(data: $0))
    }
    #expect(plain.bytes == Array(expected))
    let bound = try key.mac(secret("message"), context("a"))
    #expect(bound.bytes != plain.bytes)
    #expect(try key.verifies(bound, secret("message"), context("a")))
    #expect(try !key.verifies(bound, secret("message"), context("b")))
    #expect(try !key.verifies(plain, secret("message"), context("a")))
  }

  @Test(.enabled(if: Wycheproof.isThere, "needs ../shared/vectors"))
  func `MACs are judged as Wycheproof says`() throws {
    var judged = 0
    for test in try Wycheproof.vectors("hmac_sha256_test") {
      let bytes = try [test.key, test.msg, test.tag].map { try #require($0.flatMap { Hex.decode($0) }) }
      guard DeviceKey.sizes.contains(bytes[0].count), bytes[2].count == 32 else { continue }
      let key = try key(.hmacSHA256, imported: SecretBytes(copying: bytes[0]))
      let made = try text(try key.mac(secret(""), .none), bytes[2])
      #expect(key.verifies(made, SecretBytes(copying: bytes[1]), .none) == (test.result == "valid"), "\(test.tcId)")
      judged += 1
    }
    #expect(judged > 50)
  }

  @Test(arguments: [RingKind.hmacSHA256, .p256, .ed25519])
  func `what a version vouches for verifies, and nothing near it does`(kind: RingKind) throws {
    let key = try key(kind)
    let made = kind == .hmacSHA256 ? try key.mac(secret("message"), .none) : try key.sign(secret("message"))
    #expect(key.verifies(made, secret("message"), .none))
    #expect(!key.verifies(made, secret("messagf"), .none))
    #expect(try !key.verifies(text(made, version: 2), secret("message"), .none))
    #expect(try !self.key(kind).verifies(made, secret("message"), .none))
    for offset in made.bytes.indices {
      var bytes = made.bytes
      bytes[offset] ^= 1
      #expect(try !key.verifies(text(made, bytes), secret("message"), .none))
      #expect(try !key.verifies(text(made, Array(made.bytes.prefix(offset))), secret("message"), .none))
    }
  }

  @Test func `a signature verifies by the public key alone`() throws {
    let ecdsa = try key(.p256)
    let p256 = try P256.Signing.PublicKey(derRepresentation: #require(ecdsa.publicKey))
    let signature = try P256.Signing.ECDSASignature(derRepresentation: ecdsa.sign(secret("m")).bytes)
    #expect(p256.isValidSignature(signature, for: Data("m".utf8)))
    let eddsa = try key(.ed25519)
    let raw = try #require(eddsa.publicKey).suffix(32)
    let ed25519 = try Curve25519.Signing.PublicKey(rawRepresentation: raw)
    #expect(ed25519.isValidSignature(try eddsa.sign(secret("m")).bytes, for: Data("m".utf8)))
  }

  @Test func `a derived key is the context's, the length's and the version's`() throws {
    let bytes = SecretBytes.random(count: 32)
    let (first, second) = (try key(.aes256GCM, imported: bytes), try key(.aes256GCM, version: 2, imported: bytes))
    let derived = try first.derive(context("pump-7"), count: 32)
    #expect(try first.derive(context("pump-7"), count: 32).isEqual(to: derived))
    for other in [
      try first.derive(context("pump-8"), count: 32), try second.derive(context("pump-7"), count: 32),
      try first.derive(context("pump-7"), count: 33),
    ] {
      #expect(!derived.withUnsafeBytes { mine in other.withUnsafeBytes { Array($0.prefix(32)) == Array(mine) } })
    }
  }

  @Test(arguments: RingKind.allCases)
  func `a key does what its kind is for, and what is no key of the kind is refused`(kind: RingKind) throws {
    let key = try key(kind)
    #expect((key.publicKey == nil) == (kind != .p256 && kind != .ed25519))
    if kind != .aes256GCM { #expect(throws: VaultError.notAuthentic) { try key.encrypt(secret("a"), .none) } }
    if kind != .p256, kind != .ed25519 { #expect(throws: VaultError.notAuthentic) { try key.sign(secret("a")) } }
    for count in [0, 8, 65] {
      #expect(throws: VaultError.notAuthentic) { try self.key(kind, imported: SecretBytes.random(count: count)) }
    }
  }

  @Test func `a key that was let go is opened again, and a sealed vault gives none`() throws {
    let record = RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 1_760_000_000_000)))
    let made = try vault.makeRingKey(record, of: .aes256GCM, ring: ring, version: 1)
    let text = try vault.ringKey(made.sealed, of: .aes256GCM, ring: ring).encrypt(secret("a"), .none)
    vault.forgetRingKey(record)
    #expect(
      try vault.ringKey(made.sealed, of: .aes256GCM, ring: ring).decrypt(text, .none).isEqual(to: secret("a")))
    vault.seal()
    #expect(throws: VaultError.sealed) { try vault.ringKey(made.sealed, of: .aes256GCM, ring: ring) }
  }
}

/// The table of `Docs/key-rings.md`.
@Suite struct KeyStateTests {
  @Test(arguments: [
    (KeyState.preActivation, [KeyState.active, .compromised, .destroyed]),
    (.active, [.suspended, .deactivated, .compromised]),
    (.suspended, [.active, .deactivated, .compromised]), (.deactivated, [.suspended, .compromised, .destroyed]),
    (.compromised, [.destroyed]), (.destroyed, []),
  ])
  func `a version moves only as the table says`(state: KeyState, next: [KeyState]) {
    #expect(state.next == Set(next))
  }

  @Test func `what a version does in each state`() {
    let opening: Set<RingUse> = [.decrypt, .rewrap]
    let processing = opening.union([.verify, .derive])
    let table: [KeyState: Set<RingUse>] = [
      .active: Set(RingUse.allCases), .deactivated: processing, .compromised: opening, .suspended: [],
      .preActivation: [], .destroyed: [],
    ]
    for state in KeyState.allCases {
      #expect(Set(RingUse.allCases.filter(state.permits)) == table[state], "\(state)")
    }
  }

  @Test func `an older version that is let in again does not protect`() throws {
    let ring = RingSnapshot(
      record: RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 0))), version: 1, name: RecordName("a")!,
      kind: .aes256GCM,
      settings: RingSettings(isExportable: false, destroyWait: 0, rotateEvery: 86_400, protectionLimit: nil),
      minima: RingMinima(decrypt: 1, encrypt: 1), newest: 2, group: nil)
    func version(_ number: UInt32) -> KeyVersionSnapshot {
      KeyVersionSnapshot(
        record: ring.record, number: number, state: .suspended, check: "", publicKey: nil, isImported: false,
        created: Timestamp(milliseconds: 0), since: Timestamp(milliseconds: 0), protections: 0, uses: 0,
        destroyAt: nil, sealed: nil)
    }
    #expect(try ring.move(version(1), to: .active).get().to == .deactivated)
    #expect(try ring.move(version(2), to: .active).get().to == .active)
  }

  @Test(arguments: [(1, 1, true), (1, 3, true), (3, 3, true), (0, 1, false), (2, 1, false), (1, 4, false)])
  func `minima are in order and within what there is`(decrypt: UInt32, encrypt: UInt32, isTaken: Bool) {
    let ring = RingSnapshot(
      record: RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 0))), version: 1, name: RecordName("a")!,
      kind: .aes256GCM,
      settings: RingSettings(isExportable: false, destroyWait: 0, rotateEvery: 86_400, protectionLimit: nil),
      minima: RingMinima(decrypt: 1, encrypt: 1), newest: 3, group: nil)
    #expect((ring.refusal(of: RingMinima(decrypt: decrypt, encrypt: encrypt)) == nil) == isTaken)
  }
}
