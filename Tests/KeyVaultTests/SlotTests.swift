import KeyVault
import MusterModel
import Testing

@Suite struct SlotTests {
  let root = RootKey.random()

  @Test func `a flipped bit in a slot opens nothing`() throws {
    let file = FileProtector.random()
    let bytes = try file.wrap(root, slot: 1).bytes
    #expect(bytes.count == Slot.size)
    for offset in bytes.indices {
      for bit in 0..<8 {
        var changed = bytes
        changed[offset] ^= 1 << UInt8(bit)
        #expect(throws: VaultError.self) { try file.unwrap(try Slot(changed)) }
      }
    }
  }

  @Test func `a slot that is cut or too long is malformed`() throws {
    let bytes = try FileProtector.random().wrap(root, slot: 1).bytes
    for count in bytes.indices {
      #expect(throws: VaultError.malformedSlot("\(count) bytes")) { try Slot(Array(bytes.prefix(count))) }
    }
    #expect(throws: VaultError.malformedSlot("98 bytes")) { try Slot(bytes + [0]) }
  }

  @Test(
    arguments: [
      (13, 8, 1), (19, 8, 1), (63, 8, 1), (255, 255, 255), (16, 0, 1), (16, 9, 1), (16, 8, 0), (16, 8, 5),
    ] as [(UInt8, UInt8, UInt8)])
  func `a slot that would cost too much, or too little, is refused before it is computed`(
    log2N: UInt8, r: UInt8, p: UInt8
  ) throws {
    var bytes = try Hex.decode(VaultVector.load().passphraseSlot) ?? []
    bytes.replaceSubrange(6..<9, with: [log2N, r, p])
    let error = #expect(throws: VaultError.self) { try Slot(bytes) }
    #expect(error?.code == "vault-parameters")
  }

  @Test(arguments: [0, 7, 1025])
  func `a passphrase out of its length is refused`(count: Int) {
    #expect(throws: VaultError.passphraseLength(bytes: count)) { try PassphraseProtector(.random(count: count)) }
  }

  @Test(arguments: [0, 16, 31, 33])
  func `a file key of another length is refused`(count: Int) {
    #expect(throws: VaultError.fileKeyLength(bytes: count)) { try FileProtector(key: .random(count: count)) }
  }

}
