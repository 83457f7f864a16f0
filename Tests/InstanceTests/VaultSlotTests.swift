import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import muster

private let words = SecretBytes(copying: "correct horse battery".utf8)

/// Several slots hold the root at once, and an instance moves from one to another.
@Suite(.timeLimit(.minutes(20))) struct VaultSlotTests {
  @Test func `an instance moves from its file to a passphrase, and no data moves`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket("cpu-serial:00000000e4b1c9d2", "pump-7", by: administrator)
      let added = try await test.opened.vault.addSlot(PassphraseProtector(words), by: .folder()).get()
      #expect(added.slot == 3 && added.protector == .passphrase)
      try await test.reopened(sparing: 1) { test in
        let vault = test.opened.vault
        #expect(try await vault.removeSlot(1, by: .folder()).refusalCode == "vault-sealed")
        _ = try await vault.unseal(.passphrase(words), by: .folder()).get()
        #expect(try await vault.removeSlot(1, by: .folder()).get().slot().kind == .file)
        #expect(try await vault.status(by: .folder()).get().slots.map(\.slot) == [2, 3])
        #expect(try await test.lastKinds(2) == ["vault-unsealed", "slot-removed"])
        try test.expectWholeLedger()
      }
      try await test.reopened { test in
        #expect(test.instance.vault.isSealed, "its slot is gone, though its file is there")
        _ = try await test.opened.vault.unseal(.passphrase(words), by: .folder()).get()
        #expect(try await test.enroll("pump-7", code, PeerKey()).get().generation == 1)
      }
    }
  }

  @Test func `the slot that opened the vault stays, and so does the last`() async throws {
    try await TestInstance.with { test in
      let vault = test.opened.vault
      #expect(try await vault.removeSlot(1, by: .folder()).refusalCode == "vault-slot-in-use")
      #expect(try await vault.removeSlot(9, by: .folder()).refusalCode == "vault-slot-unknown")
      _ = try await vault.removeSlot(2, by: .folder()).get()
      #expect(try await vault.removeSlot(1, by: .folder()).refusalCode == "vault-slot-last")
      try await test.reopened { #expect(!$0.instance.vault.isSealed) }
    }
  }

  @Test func `of a slot that was removed nothing lies in the folder, not even while the service runs`() async throws {
    try await TestInstance.with { test in
      let added = try await test.opened.vault.addSlot(PassphraseProtector(words), by: .folder()).get()
      let bytes = try await test.opened.vault.removeSlot(added.slot, by: .folder()).get().slot().bytes
      // What stands behind the removal was done once the next commit is answered.
      _ = try await test.caller(.auditor)
      for file in ["muster.db", "muster.db-wal"] {
        let content = try Data(contentsOf: URL(fileURLWithPath: test.path + "/" + file))
        #expect(content.range(of: Data(bytes)) == nil, "\(file)")
      }
    }
  }

  @Test func `a sealed vault gives its root to no slot`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      _ = try await test.opened.vault.seal(by: administrator).get()
      let size = try await test.size()
      let refused = try await test.opened.vault.addSlot(PassphraseProtector(words), by: .folder())
      #expect(refused.refusalCode == "vault-sealed")
      #expect(try await test.lastKinds(1) == ["request-refused"])
      #expect(try await test.size() == size + 1)
    }
  }

  @Test(arguments: [Role.securityOfficer, .auditor, .factoryLine, .fieldEngineer])
  func `who is not the administrator changes no slot`(role: Role) async throws {
    try await TestInstance.with { test in
      let caller = try await test.caller(role)
      let vault = test.opened.vault
      #expect(try await vault.addSlot(FileProtector.random(), by: caller).refusalCode != nil)
      #expect(try await vault.removeSlot(2, by: caller).refusalCode != nil)
      #expect(try await vault.status(by: .folder()).get().slots.map(\.slot) == [1, 2])
    }
  }

  /// Of two that add, each gets its own number; of two that remove, the vault keeps one that opens.
  @Test func `changes at once find each other`() async throws {
    try await TestInstance.with { test in
      let vault = test.opened.vault
      try await withThrowingTaskGroup(of: UInt32.self) { group in
        for _ in 0..<2 {
          group.addTask { try await vault.addSlot(FileProtector.random(), by: .folder()).get().slot }
        }
        let numbers = try await group.reduce(into: Set<UInt32>()) { $0.insert($1) }
        #expect(numbers == [3, 4])
      }
      async let first = vault.removeSlot(3, by: .folder())
      async let second = vault.removeSlot(3, by: .folder())
      let codes = try await [first.refusalCode, second.refusalCode]
      #expect(codes.contains(nil) && codes.contains("vault-slot-unknown"), "\(codes)")
      try test.expectWholeLedger()
    }
  }
}
