import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import muster

/// Shares of several people, given one by one to a service that is sealed.
@Suite(.timeLimit(.minutes(20))) struct VaultShareTests {
  /// A sealed instance with a slot of shares, `needed` of three, and the officer who is given them.
  private func sealed(
    needed: Int = 2, _ body: (TestInstance, [VaultShare], Caller) async throws -> Void
  ) async throws {
    try await TestInstance.with { test in
      let new = try NewShares(try Quorum(needed, of: 3))
      let number = try await test.opened.vault.freeSlot()
      let slot = try await test.opened.vault.addSlot(new.protector, by: .folder()).get()
      #expect(slot.slot == number && slot.shares == 3 && slot.needed == UInt8(needed) && slot.given == 0)
      let officer = try await test.caller(.securityOfficer)
      _ = try await test.opened.vault.seal(by: officer).get()
      try await body(test, new.shares(ofSlot: number), officer)
    }
  }

  private func given(_ status: VaultStatus) -> Int? { status.slots.first { $0.protector == .shares }?.given }

  @Test func `the last share that is needed opens the vault, and each is on record`() async throws {
    try await sealed(needed: 3) { test, shares, officer in
      let vault = test.opened.vault
      for (count, share) in [(1, shares[2]), (1, shares[2]), (2, shares[0])] {
        let status = try await vault.unseal(share: share.text, by: officer).get()
        #expect(status.isSealed && given(status) == count)
      }
      let status = try await vault.unseal(share: shares[1].text, by: officer).get()
      #expect(!status.isSealed && given(status) == 0)
      #expect(try await test.lastKinds(5) == Array(repeating: "vault-share-given", count: 4) + ["vault-unsealed"])
      try test.expectWholeLedger()
    }
  }

  @Test func `shares alone open the vault where nothing else of the folder can`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket("cpu-serial:00000000e4b1c9d2", "pump-7", by: administrator)
      let new = try NewShares(try Quorum(2, of: 3))
      let slot = try await test.opened.vault.addSlot(new.protector, by: .folder()).get()
      try FileManager.default.removeItem(atPath: test.folder.path(of: .vaultKey))
      try await test.reopened { test in
        #expect(test.instance.vault.isSealed)
        let shares = new.shares(ofSlot: slot.slot)
        #expect(
          try await test.opened.vault.unseal(.shares([shares[1]]), by: .folder()).refusalCode == "vault-not-opened")
        _ = try await test.opened.vault.unseal(.shares([shares[1], shares[0]]), by: .folder()).get()
        #expect(try await test.enroll("pump-7", code, PeerKey()).get().generation == 1)
        _ = try await test.opened.vault.removeSlot(1, by: .folder()).get()
      }
    }
  }

  @Test func `a wrong set opens nothing, says nothing of which, and is let go of`() async throws {
    try await sealed { test, shares, officer in
      let vault = test.opened.vault
      let other = try NewShares(try Quorum(2, of: 3)).shares(ofSlot: shares[0].slot)
      _ = try await vault.unseal(share: shares[0].text, by: officer).get()
      let refused = try await vault.unseal(share: other[1].text, by: officer)
      let same = try await vault.unseal(.shares([other[0], shares[1]]), by: officer)
      #expect(refused.refusalCode == "vault-not-opened" && same.refusalCode == "vault-not-opened")
      #expect(try await test.lastKinds(2) == ["request-refused", "request-refused"])
      #expect(try await given(vault.status(by: officer).get()) == 0 && test.instance.vault.isSealed)
      _ = try await vault.unseal(share: shares[2].text, by: officer).get()
      #expect(try await !vault.unseal(share: shares[1].text, by: officer).get().isSealed)
    }
  }

  @Test func `a share of no slot, one past the last, and a slip are refused`() async throws {
    try await sealed { test, shares, officer in
      let vault = test.opened.vault
      let elsewhere = try NewShares(try Quorum(2, of: 4))
      for share in [elsewhere.shares(ofSlot: 1)[0], elsewhere.shares(ofSlot: 9)[0], elsewhere.shares(ofSlot: 3)[3]] {
        #expect(try await vault.unseal(share: share.text, by: officer).refusalCode == "vault-not-opened")
      }
      let slip = shares[0].text.withUnsafeBytes { SecretBytes(copying: $0.dropLast()) }
      #expect(try await vault.unseal(share: slip, by: officer).refusalCode == "vault-share-malformed")
      #expect(try await given(vault.status(by: officer).get()) == 0)
    }
  }

  @Test func `what waits for the others is let go of after a quarter of an hour`() async throws {
    try await sealed { test, shares, officer in
      let vault = test.opened.vault
      _ = try await vault.unseal(share: shares[0].text, by: officer).get()
      test.clock.advance(.seconds(899))
      vault.forgetShares()
      #expect(try await given(vault.status(by: officer).get()) == 1)
      test.clock.advance(.seconds(1))
      #expect(try await given(vault.status(by: officer).get()) == 0)
      vault.forgetShares()
      let late = try await vault.unseal(share: shares[1].text, by: officer).get()
      #expect(late.isSealed && given(late) == 1)
    }
  }

  @Test(arguments: [Role.auditor, .fieldEngineer, .factoryLine])
  func `who may not unseal gives no share`(role: Role) async throws {
    try await sealed { test, shares, officer in
      _ = try await test.opened.vault.unseal(.recoveryCode(test.code.text), by: officer).get()
      let caller = try await test.caller(role)
      _ = try await test.opened.vault.seal(by: officer).get()
      _ = try await test.opened.vault.unseal(share: shares[0].text, by: officer).get()
      #expect(try await test.opened.vault.unseal(share: shares[1].text, by: caller).refusalCode != nil)
      #expect(try await given(test.opened.vault.status(by: officer).get()) == 1)
    }
  }

  @Test func `what was given is gone once the vault is opened otherwise`() async throws {
    try await sealed { test, shares, officer in
      let vault = test.opened.vault
      _ = try await vault.unseal(share: shares[0].text, by: officer).get()
      _ = try await vault.unseal(.recoveryCode(test.code.text), by: officer).get()
      _ = try await vault.seal(by: officer).get()
      #expect(try await given(vault.status(by: officer).get()) == 0)
    }
  }
}
