package import KeyVault
import MusterModel

/// What every `KeyProtector` does.
package enum KeyProtectorConformance {
  /// Two protectors of one kind with secrets of their own, and one of another kind.
  package struct Subject: Sendable, CustomStringConvertible {
    package let own: any KeyProtector
    package let rival: any KeyProtector
    package let other: any KeyProtector

    package init(own: any KeyProtector, rival: any KeyProtector, other: any KeyProtector) {
      self.own = own
      self.rival = rival
      self.other = other
    }

    package var description: String { own.kind.rawValue }
  }

  /// Few: where a secret is stretched, each wrap and unwrap costs 64 MiB and its time.
  package static let all: [Requirement<Subject>] = [
    Requirement("a slot says its kind and number, opens as it was stored, and is like no other", opens),
    Requirement("another kind's slot is told apart", otherKind),
    Requirement("a slot that was changed anywhere opens nothing", changed),
    Requirement("a sealed vault opens with its slot, and with no rival's secret", vault),
  ]

  @Sendable private static func opens(_ subject: Subject) throws {
    let root = RootKey.random()
    let slot = try subject.own.wrap(root, slot: .max)
    try require(slot.kind, is: subject.own.kind, "the slot's kind")
    try require(slot.number, is: .max, "the slot's number")
    try require(slot.bytes.count, is: Slot.size + slot.reference.count, "the slot's size")
    try require(try subject.own.unwrap(Slot(slot.bytes)).check, is: root.check, "the root's check")
    try require(try subject.own.wrap(root, slot: .max).bytes != slot.bytes, "another slot of the same root")
  }

  @Sendable private static func otherKind(_ subject: Subject) throws {
    let slot = try subject.other.wrap(.random(), slot: 1)
    try require(
      error { try subject.own.unwrap(slot) },
      is: .otherProtector(expected: subject.other.kind, found: subject.own.kind), "the attempt")
  }

  /// In its salt, its wrapped key and its check; bit by bit it is tried with the protector that costs nothing.
  @Sendable private static func changed(_ subject: Subject) throws {
    let bytes = try subject.own.wrap(.random(), slot: 7).bytes
    for offset in [16, Slot.size - 40, Slot.size - 1, bytes.count - 1] {
      var changed = bytes
      changed[offset] ^= 1
      try require(error { try subject.own.unwrap(Slot(changed)) } != nil, "byte \(offset) to matter")
    }
  }

  @Sendable private static func vault(_ subject: Subject) throws {
    let vault = Vault()
    try vault.unseal(root: .random(), keks: [])
    let kek = try vault.addKEK()
    let slot = try vault.slot(1, for: subject.own)
    vault.seal()
    try require(
      isRefusal(error { try vault.unseal(slot, with: subject.rival, keks: [kek]) }), "the rival to open nothing")
    try require(vault.isSealed, "the vault to stay sealed")
    try vault.unseal(slot, with: subject.own, keks: [kek])
    try require(!vault.isSealed, "the vault to be open")
  }

  /// What keeps a secret says that it has none of this slot's, or that its PIN is another.
  private static func isRefusal(_ error: VaultError?) -> Bool {
    switch error {
    case .wrongKey: true
    case .keeper(let failure): [.lost, .wrongPIN, .measurements].contains(failure.reason)
    default: false
    }
  }

  private static func error(_ body: () throws -> some Any) -> VaultError? {
    do {
      _ = try body()
      return nil
    } catch {
      return error as? VaultError
    }
  }
}
