import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import muster

/// Another root in place of the vault's.
@Suite(.timeLimit(.minutes(20))) struct VaultRekeyTests {
  private func own(_ test: TestInstance) -> [VaultAdministration.Opener] {
    test.opened.unsealing.protectors.map { .protector($0) } + [.recoveryCode(test.code.text)]
  }

  private func records(_ test: TestInstance) async throws -> [SealedSecret] {
    try await test.opened.readers.secrets(purpose: "vault-slot") + test.opened.readers.secrets(purpose: "vault-kek")
  }

  @Test func `the new root opens by each slot, what is sealed did not move, and codes are still found`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let codes = try await [
        test.ticket("cpu-serial:00000000e4b1c9d2", "pump-7", by: administrator),
        test.ticket("cpu-serial:00000000e4b1c9d3", "pump-8", by: administrator),
      ]
      let before = try await test.opened.readers.secrets(purpose: "signing-key")
      _ = try await test.opened.vault.rekey(by: own(test), dropping: [], by: .folder()).get()
      #expect(try await test.lastKinds(1) == ["vault-rekeyed"])
      #expect(try await test.opened.readers.secrets(purpose: "signing-key") == before)
      #expect(try await test.opened.vault.status(by: .folder()).get().slots.map(\.slot) == [1, 2])
      #expect(try await test.enroll("pump-7", codes[0], PeerKey()).get().generation == 1)
      try await test.reopened { test in
        #expect(test.instance.vault.openedBy == 1)
        // Once more, by a slot that was made since.
        let words = SecretBytes(copying: "correct horse battery".utf8)
        _ = try await test.opened.vault.addSlot(PassphraseProtector(words), by: .folder()).get()
        _ = try await test.opened.vault.rekey(by: own(test) + [.passphrase(words)], dropping: [1], by: .folder()).get()
        #expect(try await test.lastKinds(2) == ["slot-removed", "vault-rekeyed"])
        try test.expectWholeLedger()
        try await test.reopened { test in
          #expect(test.instance.vault.isSealed, "the file's slot is gone")
          _ = try await test.opened.vault.unseal(.passphrase(words), by: .folder()).get()
          #expect(try await test.enroll("pump-8", codes[1], PeerKey()).get().generation == 1)
        }
      }
    }
  }

  @Test func `shares and a rotation outlive it`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket("cpu-serial:00000000e4b1c9d2", "pump-7", by: administrator)
      let new = try NewShares(try Quorum(2, of: 3))
      let slot = try await test.opened.vault.addSlot(new.protector, by: .folder()).get()
      let shares = new.shares(ofSlot: slot.slot)
      let openers = own(test) + [.shares([shares[0], shares[2]])]
      _ = try await test.opened.vault.rekey(by: openers, dropping: [], by: .folder()).get()
      _ = try await test.opened.vault.rotateKEK(by: administrator).get()
      while try await test.opened.vault.rewrapSome() {}
      _ = try await test.opened.vault.rewrapSome()
      try FileManager.default.removeItem(atPath: test.folder.path(of: .vaultKey))
      try await test.reopened { test in
        _ = try await test.opened.vault.unseal(.shares([shares[1], shares[2]]), by: .folder()).get()
        #expect(try await test.opened.vault.status(by: .folder()).get().keks == [2])
        #expect(try await test.enroll("pump-7", code, PeerKey()).get().generation == 1)
      }
    }
  }

  @Test func `of the old root nothing lies in the folder, and a copy of its slots opens nothing of the new`()
    async throws
  {
    try await TestInstance.with { test in
      let old = try await records(test)
      _ = try await test.opened.vault.rekey(by: own(test), dropping: [], by: .folder()).get()
      let new = try await records(test)
      let keks = try new.filter { $0.purpose == "vault-kek" }.map { try WrappedKEK($0.bytes) }
      let slot = try Slot(try #require(old.first { $0.purpose == "vault-slot" && $0.version == 1 }).bytes)
      let file = try FileProtector(key: try test.folder.readSecret(.vaultKey))
      #expect(throws: VaultError.notAuthentic) { try Vault().unseal(slot, with: file, keks: keks) }
      // What stands behind it was done once the next commit is answered.
      _ = try await test.caller(.auditor)
      for name in ["muster.db", "muster.db-wal"] {
        let content = try Data(contentsOf: URL(fileURLWithPath: test.path + "/" + name))
        for record in old { #expect(content.range(of: Data(record.bytes)) == nil, "\(record.purpose) in \(name)") }
      }
    }
  }

  // MARK: - Of an instance that runs

  private func with(
    _ body: (TestInstance, SecretBytes, Caller) async throws -> Void
  ) async throws {
    try await TestInstance.with { test in
      let words = SecretBytes(copying: "correct horse battery".utf8)
      _ = try await test.opened.vault.addSlot(PassphraseProtector(words), by: .folder()).get()
      try await body(test, words, try await test.caller(.securityOfficer))
    }
  }

  @Test func `an officer changes the root by what opens each slot, and whatever is wrong is refused alike`()
    async throws
  {
    try await with { test, words, officer in
      let (vault, before) = (test.opened.vault, try await records(test))
      let right: [VaultAdministration.Opener] = [.recoveryCode(test.code.text), .passphrase(words)]
      let wrong: [VaultAdministration.Opener] = [
        .recoveryCode(RecoveryCode.random().text), .passphrase(SecretBytes(copying: "wrong horse battery".utf8)),
      ]
      var refusals: Set<Refusal> = []
      for openers in [[], [right[0]], [right[1]], wrong, [wrong[0], right[1]], [right[0], wrong[1]]] {
        guard case .refused(let refusal) = try await vault.rekey(with: openers, by: officer) else {
          Issue.record("expected a refusal")
          continue
        }
        refusals.insert(refusal)
        // Of each minute some are recorded alone.
        test.clock.advance(.seconds(60))
        #expect(try await test.lastKinds(1) == ["request-refused"])
      }
      #expect(refusals.map(\.code) == ["vault-not-opened"] && refusals.allSatisfy(\.isRecorded), "\(refusals)")
      for role in [Role.auditor, .fieldEngineer] {
        let caller = try await test.caller(role)
        #expect(try await vault.rekey(with: right, by: caller).refusalCode == "not-allowed")
      }
      #expect(try await records(test) == before)
      #expect(try await vault.rekey(with: right, by: officer).get().slots.map(\.slot) == [1, 2, 3])
      #expect(try await test.lastKinds(1) == ["vault-rekeyed"])
      #expect(try await Set(records(test)).isDisjoint(with: before))
      try test.expectWholeLedger()
      try await test.reopened { test in
        #expect(test.instance.vault.openedBy == 1)
        _ = try await test.opened.vault.seal(by: officer).get()
        #expect(try await test.opened.vault.rekey(with: right, by: officer).refusalCode == "vault-sealed")
        _ = try await test.opened.vault.unseal(.passphrase(words), by: officer).get()
      }
    }
  }

  @Test func `each officer gives their own share towards it, and what was wrong is let go of`() async throws {
    try await TestInstance.with { test in
      let (vault, officer) = (test.opened.vault, try await test.caller(.securityOfficer))
      let new = try NewShares(try Quorum(2, of: 3))
      let slot = try await vault.addSlot(new.protector, by: .folder()).get().slot
      let (shares, other) = (new.shares(ofSlot: slot), try NewShares(try Quorum(2, of: 3)).shares(ofSlot: slot))
      let code = [VaultAdministration.Opener.recoveryCode(test.code.text)]
      func give(_ share: VaultShare, by caller: Caller) async throws -> Int? {
        try await vault.rekey(share: share.text, by: caller).get().slots.first { $0.slot == slot }?.given
      }
      #expect(try await give(shares[0], by: officer) == 1)
      #expect(try await test.lastKinds(1) == ["vault-share-given"])
      #expect(try await vault.rekey(with: code, by: officer).refusalCode == "vault-not-opened", "one is not enough")
      #expect(try await give(other[2], by: officer) == 2)
      #expect(try await vault.rekey(with: code, by: officer).refusalCode == "vault-not-opened")
      let auditor = try await test.caller(.auditor)
      #expect(try await vault.rekey(share: shares[0].text, by: auditor).refusalCode == "not-allowed")
      #expect(try await give(shares[1], by: officer) == 1, "of the set nothing was kept")
      #expect(try await give(shares[2], by: officer) == 2)
      test.clock.advance(.seconds(900))
      #expect(try await vault.rekey(with: code, by: officer).refusalCode == "vault-not-opened", "they waited too long")
      _ = try await (give(shares[0], by: officer), give(shares[2], by: officer))
      _ = try await vault.rekey(with: code, by: officer).get()
      _ = try await vault.seal(by: officer).get()
      #expect(try await vault.rekey(share: shares[0].text, by: officer).refusalCode == "vault-sealed")
      _ = try await vault.unseal(share: shares[0].text, by: officer).get()
      #expect(try await !vault.unseal(share: shares[1].text, by: officer).get().isSealed)
      _ = try await give(shares[0], by: officer)
      #expect(try await vault.seal(by: officer).get().isSealed)
      #expect(
        try await vault.unseal(share: shares[2].text, by: officer).get().isSealed,
        "a share that was given for another root opens none")
      #expect(try await !vault.unseal(share: shares[1].text, by: officer).get().isSealed)
      try test.expectWholeLedger()
    }
  }

  @Test func `roots and key-encryption keys that are made at once leave what opens`() async throws {
    try await TestInstance.with { test in
      let (vault, officer) = (test.opened.vault, try await test.caller(.securityOfficer))
      let code = VaultAdministration.Opener.recoveryCode(test.code.text)
      for _ in 0..<4 {
        try await withThrowingTaskGroup(of: String?.self) { group in
          for _ in 0..<2 {
            group.addTask { try await vault.rekey(with: [code], by: officer).refusalCode }
            group.addTask { try await vault.rotateKEK(by: officer).refusalCode }
          }
          for try await refused in group {
            #expect([nil, "vault-keys-changing", "vault-rotation-running"].contains(refused), "\(refused ?? "")")
          }
        }
        while try await vault.rewrapSome() {}
        _ = try await vault.seal(by: officer).get()
        #expect(try await !vault.unseal(code, by: officer).get().isSealed)
      }
      try test.expectWholeLedger()
      try await test.reopened { #expect(!$0.instance.vault.isSealed) }
    }
  }

  @Test func `what is not at hand, is wrong, unknown or all there is changes nothing`() async throws {
    try await TestInstance.with { test in
      let before = try await records(test)
      let file = test.opened.unsealing.protectors.map { VaultAdministration.Opener.protector($0) }
      let wrong = VaultAdministration.Opener.recoveryCode(RecoveryCode.random().text)
      let attempts: [([VaultAdministration.Opener], Set<UInt32>, String)] = [
        (file, [], "vault-slot-not-at-hand"), (file + [wrong], [], "vault-slot-not-at-hand"),
        ([], [2], "vault-slot-not-at-hand"), (own(test), [9], "vault-slot-unknown"),
        (own(test), [1, 2], "vault-slot-last"),
      ]
      for (openers, dropped, code) in attempts {
        #expect(try await test.opened.vault.rekey(by: openers, dropping: dropped, by: .folder()).refusalCode == code)
      }
      #expect(try await records(test) == before)
      let (officer, auditor) = (try await test.caller(.securityOfficer), try await test.caller(.auditor))
      #expect(try await test.opened.vault.rekey(by: own(test), dropping: [], by: auditor).refusalCode == "not-allowed")
      _ = try await test.opened.vault.seal(by: officer).get()
      #expect(
        try await test.opened.vault.rekey(by: own(test), dropping: [], by: .folder()).refusalCode == "vault-sealed")
      try await test.reopened { #expect(!$0.instance.vault.isSealed) }
    }
  }
}
