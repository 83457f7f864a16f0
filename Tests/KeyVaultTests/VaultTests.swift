import Foundation
import KeyVault
import MusterModel
import Testing

@Suite struct VaultTests {
  let vault = Vault()
  let root = RootKey.random()
  let owner = RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 1_760_000_000_000)))
  let canary = "canary-7f3a"

  private func unsealed() throws -> Vault {
    try vault.unseal(root: root, keks: [])
    _ = try vault.addKEK()
    return vault
  }

  private func sealed(_ vault: Vault) throws -> SealedSecret {
    try vault.seal(secret(canary), owner: owner, purpose: "issuer", version: 3)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 32, 4096, Vault.secretLimit])
  func `what is sealed opens`(count: Int) throws {
    let vault = try unsealed()
    let secret = SecretBytes.random(count: count)
    let sealed = try vault.seal(secret, owner: owner, purpose: "issuer", version: 3)
    #expect(try vault.open(sealed).isEqual(to: secret))
    #expect(sealed.bytes.count == 1 + 4 + 32 + 32 + count + 16 && sealed.bytes[0] == 1)
  }

  @Test func `the same secret is sealed differently each time`() throws {
    let vault = try unsealed()
    #expect(try sealed(vault).bytes != sealed(vault).bytes)
  }

  @Test func `a flipped bit anywhere is not authentic, and all are alike`() throws {
    let vault = try unsealed()
    let sealed = try sealed(vault)
    for offset in sealed.bytes.indices {
      for bit in 0..<8 {
        var bytes = sealed.bytes
        bytes[offset] ^= 1 << UInt8(bit)
        #expect(throws: VaultError.notAuthentic) { try vault.open(sealed.with(bytes)) }
      }
    }
  }

  @Test func `a record that is cut anywhere, or too long, is not authentic`() throws {
    let vault = try unsealed()
    let sealed = try sealed(vault)
    for count in sealed.bytes.indices {
      #expect(throws: VaultError.notAuthentic) { try vault.open(sealed.with(Array(sealed.bytes.prefix(count)))) }
    }
    #expect(throws: VaultError.notAuthentic) { try vault.open(sealed.with(sealed.bytes + [0])) }
    let long = [UInt8](repeating: 1, count: Vault.secretLimit + 86)
    #expect(throws: VaultError.notAuthentic) { try vault.open(sealed.with(long)) }
  }

  @Test func `one record's secret opens as no other's`() throws {
    let vault = try unsealed()
    let sealed = try sealed(vault)
    let other = RecordID(.key, UUIDv7(at: Timestamp(milliseconds: 1_760_000_000_001)))
    let sameUUID = RecordID(.certificate, owner.uuid)
    let swapped = [
      SealedSecret(owner: other, purpose: "issuer", version: 3, bytes: sealed.bytes),
      SealedSecret(owner: sameUUID, purpose: "issuer", version: 3, bytes: sealed.bytes),
      SealedSecret(owner: owner, purpose: "device", version: 3, bytes: sealed.bytes),
      SealedSecret(owner: owner, purpose: "issuer", version: 4, bytes: sealed.bytes),
    ]
    for record in swapped { #expect(throws: VaultError.notAuthentic) { try vault.open(record) } }
  }

  @Test func `another vault opens nothing of this one`() throws {
    let sealed = try sealed(try unsealed())
    let other = Vault()
    try other.unseal(root: .random(), keks: [])
    _ = try other.addKEK()
    #expect(throws: VaultError.notAuthentic) { try other.open(sealed) }
  }

  @Test func `a sealed vault does nothing but say so`() throws {
    let vault = try unsealed()
    let sealed = try sealed(vault)
    vault.seal()
    #expect(vault.isSealed)
    #expect(throws: VaultError.sealed) { try vault.open(sealed) }
    #expect(throws: VaultError.sealed) { try self.sealed(vault) }
    #expect(throws: VaultError.sealed) { try vault.mac(purpose: "a", []) }
    #expect(throws: VaultError.sealed) { try vault.mac(of: .random()) }
    #expect(throws: VaultError.sealed) { try vault.addKEK() }
    #expect(throws: VaultError.sealed) { try vault.slot(1, for: FileProtector.random()) }
  }

  @Test func `a vault is unsealed once, and seals nothing without a KEK or beyond its bound`() throws {
    try vault.unseal(root: root, keks: [])
    #expect(throws: VaultError.alreadyUnsealed) { try vault.unseal(root: root, keks: []) }
    #expect(throws: VaultError.noKEK) { try sealed(vault) }
    _ = try vault.addKEK()
    let long = SecretBytes.random(count: Vault.secretLimit + 1)
    #expect(throws: VaultError.tooLarge(bytes: Vault.secretLimit + 1)) {
      try vault.seal(long, owner: owner, purpose: "issuer", version: 1)
    }
  }

  @Test func `old secrets open and codes are found after new KEKs and a restart`() throws {
    try vault.unseal(root: root, keks: [])
    let first = try vault.addKEK()
    let old = try sealed(vault)
    let code = TicketCode.random()
    let mac = try vault.mac(of: code)
    let second = try vault.addKEK()
    #expect(try vault.currentKEK == 2 && first.number == 1 && second.number == 2)
    let new = try sealed(vault)
    #expect(new.bytes[1..<5] == [0, 0, 0, 2] && old.bytes[1..<5] == [0, 0, 0, 1])
    let again = Vault()
    try again.unseal(root: root, keks: [try WrappedKEK(second.bytes), try WrappedKEK(first.bytes)])
    #expect(try text(again.open(old)) == canary && text(again.open(new)) == canary)
    #expect(try again.mac(of: code) == mac)
  }

  @Test func `what is re-wrapped opens as the same, under the newest KEK, and in no other's place`() throws {
    let vault = try unsealed()
    let old = try sealed(vault)
    let next = try vault.newKEK()
    #expect(try vault.currentKEK == 1 && next.number == 2, "it seals nothing before it is taken")
    try vault.take(next)
    let rewrap = try vault.rewrap(old)
    #expect(rewrap.old == old.bytes && Vault.kek(of: old.bytes) == 1 && Vault.kek(of: rewrap.sealed.bytes) == 2)
    #expect(try text(vault.open(rewrap.sealed)) == canary)
    try vault.forget(kek: 2)
    try vault.forget(kek: 1)
    #expect(try text(vault.open(rewrap.sealed)) == canary, "the one that seals is never let go of")
    #expect(throws: VaultError.notAuthentic) { try vault.open(old) }
    #expect(throws: VaultError.notAuthentic) { try vault.rewrap(old) }
    let other = Vault()
    try other.unseal(root: .random(), keks: [])
    #expect(throws: VaultError.notAuthentic) { try other.take(next) }
  }

  @Test(arguments: [0, 4, 84]) func `bytes that are too short say no KEK`(count: Int) {
    #expect(Vault.kek(of: [1] + [UInt8](repeating: 0, count: max(0, count - 1))) == nil)
  }

  @Test func `codes are kept apart by purpose and by root`() throws {
    let vault = try unsealed()
    let other = Vault()
    try other.unseal(root: .random(), keks: [])
    let macs = [
      try vault.mac(purpose: "a", [1]), try vault.mac(purpose: "b", [1]), try vault.mac(purpose: "a", [2]),
      try other.mac(purpose: "a", [1]),
    ]
    #expect(Set(macs).count == 4)
    #expect(try vault.mac(purpose: "a", [1]) == macs[0])
  }

  @Test func `a KEK with a flipped bit or another's number does not open, nor one of another root`() throws {
    try vault.unseal(root: root, keks: [])
    let kek = try vault.addKEK()
    for offset in kek.bytes.indices {
      var bytes = kek.bytes
      bytes[offset] ^= 1
      #expect(throws: VaultError.self) { try Vault().unseal(root: root, keks: [try WrappedKEK(bytes)]) }
    }
    #expect(throws: VaultError.notAuthentic) { try Vault().unseal(root: .random(), keks: [kek]) }
    #expect(throws: VaultError.malformedKEK("number 1 twice")) { try Vault().unseal(root: root, keks: [kek, kek]) }
    for count in 0..<WrappedKEK.size {
      #expect(throws: VaultError.malformedKEK("\(count) bytes")) { try WrappedKEK(Array(kek.bytes.prefix(count))) }
    }
  }

  @Test func `nothing that is printed shows a secret`() throws {
    let vault = try unsealed()
    let code = RecoveryCode.random()
    let ticket = TicketCode.random()
    let protector = try PassphraseProtector(secret(canary))
    var printed = ""
    for value in [vault, root, code, ticket, protector, secret(canary), try sealed(vault)] as [Any] {
      dump(value, to: &printed)
      print(value, to: &printed)
    }
    #expect(!printed.contains(canary) && !printed.contains(text(code.text)) && !printed.contains(text(ticket.text)))
  }
}

extension SealedSecret {
  fileprivate func with(_ bytes: [UInt8]) -> SealedSecret {
    SealedSecret(owner: owner, purpose: purpose, version: version, bytes: bytes)
  }
}
