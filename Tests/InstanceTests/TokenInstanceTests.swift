import CertificateAuthority
import Enrollment
import Foundation
import HTTPService
import KeyVault
import Logging
import MusterModel
import MusterTesting
import PKCS11Commands
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

/// The vault's root and the CAs' keys in a token: with SoftHSM2, which `Scripts/prepare` installs.
@Suite(.serialized, .enabled(if: SoftwareToken.isThere, "needs softhsm2"), .timeLimit(.minutes(20)))
struct TokenInstanceTests {
  private func with(
    _ token: SoftwareToken, root isRoot: Bool = true, _ body: (TestInstance) async throws -> Void
  ) async throws {
    try await TestInstance.with(
      planning: {
        $0.keepers = KeyKeepers(pkcs11: try PKCS11URI(token.uri), tpm: nil)
        $0.keeper = isRoot ? .pkcs11 : nil
        $0.caKeys = .pkcs11
      }, body)
  }

  @Test func `an instance whose keys are in a token opens by itself and issues`() async throws {
    let token = try SoftwareToken()
    try await with(token) { test in
      #expect(!test.folder.has(.vaultKey))
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      #expect(test.instance.authorities.issuer(for: .devices)?.signer is BlockingSigner)
      #expect(try await test.enroll("pump-7", code, PeerKey()).get().generation == 1)
      try await test.reopened { test in
        #expect(!test.instance.vault.isSealed && test.findings().isEmpty)
        let code = try await test.ticket("cpu-serial:00000000e4b1c9d3", "pump-8", by: administrator)
        #expect(try await test.enroll("pump-8", code, PeerKey()).get().generation == 1)
        try test.expectWholeLedger()
      }
    }
  }

  @Test(arguments: [IssuerUse.devices, .service])
  func `another CA that takes over has its key in the token too, and the one before signs on`(use: IssuerUse)
    async throws
  {
    let token = try SoftwareToken()
    try await with(token) { test in try await test.expectRotation(of: use) { $0 is BlockingSigner } }
  }

  @Test func `without its token it starts sealed and says why, and opens once the token is back`() async throws {
    let token = try SoftwareToken()
    try await with(token) { test in
      try token.takeAway()
      try await test.reopened { test in
        #expect(test.instance.vault.isSealed)
        #expect(test.findings() == ["vault-sealed", "key-away"])
        let size = try await test.size()
        for _ in 0..<3 { try await test.keys().look() }
        #expect(test.instance.vault.isSealed && test.findings() == ["vault-sealed", "key-away"])
        #expect(try await test.size() == size, "nothing is written while it is waited for")
        try token.putBack()
        try await test.keys().look()
        #expect(!test.instance.vault.isSealed && test.findings().isEmpty)
        #expect(try await test.lastKinds(1) == ["vault-unsealed"])
      }
    }
  }

  @Test func `what somebody sealed since is not opened by itself`() async throws {
    let token = try SoftwareToken()
    try await with(token) { test in
      let administrator = try await test.caller(.administrator, name: "root")
      try token.takeAway()
      try await test.reopened { test in
        let code = SecretBytes(copying: test.code.text.withUnsafeBytes(Array.init))
        _ = try await test.opened.vault.unseal(.recoveryCode(code), by: administrator).get()
        _ = try await test.opened.vault.seal(by: administrator).get()
        try token.putBack()
        try await test.keys().look()
        #expect(test.instance.vault.isSealed)
      }
    }
  }

  @Test func `a token that goes away in flight stops what needs it, and nothing else`() async throws {
    let token = try SoftwareToken()
    try await with(token, root: false) { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      try token.takeAway()
      let size = try await test.size()
      let (key, device) = (PeerKey(), test)
      await #expect(throws: KeyKeeperFailure.self) { try await device.enroll("pump-7", code, key) }
      #expect(try await test.size() == size, "nothing is on record of what was not issued")
      #expect(test.findings() == ["key-away"])
      _ = try await test.ticket("cpu-serial:00000000e4b1c9d3", "pump-8", by: administrator)
      try await test.keys().look()
      #expect(test.findings() == ["key-away"])
      try token.putBack()
      try await test.keys().look()
      #expect(test.findings().isEmpty)
      #expect(try await test.enroll("pump-7", code, key).get().generation == 1)
      try test.expectWholeLedger()
    }
  }

  @Test func `a wrong PIN keeps it sealed and is said, until the file has the right one`() async throws {
    let token = try SoftwareToken()
    try await with(token) { test in
      try token.write(pin: "wrong-horse")
      try await test.reopened { test in
        #expect(test.findings() == ["vault-sealed", "key-pin-wrong"])
        try await test.keys().look()
        #expect(test.findings() == ["vault-sealed", "key-pin-wrong"])
        try token.write(pin: SoftwareToken.pin)
        try await test.keys().look()
        #expect(test.findings().isEmpty && !test.instance.vault.isSealed)
      }
    }
  }

  @Test func `a PIN that everyone can read is not used`() async throws {
    let token = try SoftwareToken()
    try await with(token) { test in
      try token.write(pin: SoftwareToken.pin, mode: 0o644)
      try await test.reopened { test in #expect(test.findings() == ["vault-sealed", "key-pin-missing"]) }
    }
  }

  @Test func `an instance moves from its file into a token and back`() async throws {
    let token = try SoftwareToken()
    try await TestInstance.with { test in
      let keepers = KeyKeepers(pkcs11: try PKCS11URI(token.uri), tpm: nil)
      let slot = try await SlotAddition(.pkcs11, test.opened, keepers, nil).commit(to: test.opened)
      try await test.reopened(sparing: 1) { test in
        #expect(test.instance.vault.openedBy == slot.slot)
        _ = try await test.opened.vault.removeSlot(1, by: .folder()).get()
      }
      try await test.reopened { test in
        #expect(test.instance.vault.openedBy == slot.slot, "service/vault.key opens nothing any more")
        // As a kill leaves it: the key's file without its slot.
        #expect(test.folder.has(.vaultKey))
        _ = try await SlotAddition(.file, test.opened, KeyKeepers.none, nil).commit(to: test.opened)
      }
      try await test.reopened(sparing: slot.slot) { test in
        let removed = try await test.opened.vault.removeSlot(slot.slot, by: .folder()).get().slot()
        try test.opened.keepers.forget(removed)
      }
      try token.takeAway()
      try await test.reopened { test in #expect(!test.instance.vault.isSealed && test.findings().isEmpty) }
      try token.putBack()
      #expect(try !token.tool("--list-objects", "--type", "secrkey").output.contains("muster vault slot"))
    }
  }

  @Test func `another token than the one that has the keys is refused`() async throws {
    let (token, other) = (try SoftwareToken(), try SoftwareToken())
    try await with(token) { test in
      let keepers = KeyKeepers(pkcs11: try PKCS11URI(other.uri), tpm: nil)
      await #expect(throws: CommandFailure.self) { try await SlotAddition(.pkcs11, test.opened, keepers, nil) }
    }
  }

  @Test func `another token may be named once nothing needs the one before`() async throws {
    let (token, other) = (try SoftwareToken(), try SoftwareToken())
    try await TestInstance.with { test in
      let first = KeyKeepers(pkcs11: try PKCS11URI(token.uri), tpm: nil)
      let slot = try await SlotAddition(.pkcs11, test.opened, first, nil).commit(to: test.opened)
      let second = KeyKeepers(pkcs11: try PKCS11URI(other.uri), tpm: nil)
      try await test.reopened { test in
        await #expect(throws: CommandFailure.self) { try await SlotAddition(.pkcs11, test.opened, second, nil) }
        _ = try await test.opened.vault.removeSlot(slot.slot, by: .folder()).get()
        _ = try await SlotAddition(.pkcs11, test.opened, second, nil).commit(to: test.opened)
      }
      try token.takeAway()
      try await test.reopened(sparing: 1) { test in
        #expect(!test.instance.vault.isSealed && test.instance.vault.openedBy != 1)
      }
      try token.putBack()
    }
  }

  /// The folder that was named has another's files in it, which shows at the last step of `init`.
  @Test func `an instance that does not come to be leaves nothing in its token`() async throws {
    let token = try SoftwareToken()
    let folder = try TemporaryFolder()
    try folder.write([1], "another's")
    var plan = FoundingPlan(
      organization: nil, trustDomain: try #require(TrustDomain("test.example")), hostnames: ["localhost"],
      publishURL: "http://localhost:8080")
    plan.keepers = KeyKeepers(pkcs11: try PKCS11URI(token.uri), tpm: nil)
    plan.keeper = .pkcs11
    plan.caKeys = .pkcs11
    let founding = Founding(plan: plan, rules: try Rules.shipped(), clock: FixedClock())
    await #expect(throws: CommandFailure.self) { try await founding.found(at: folder.url.path) }
    #expect(try !token.tool("--list-objects").output.contains("muster"))
    try FileManager.default.removeItem(at: folder.url)
    _ = try await founding.found(at: folder.url.path)
    #expect(try token.tool("--list-objects").output.contains("muster CA"))
  }
}

extension TestInstance {
  /// The codes of what health says, of the keys alone.
  func findings() -> [String] {
    HealthFindings(opened: opened, vault: opened.vault, isPlainServed: true, isMemoryLocked: true) { _ in
      clock.now() + .seconds(365 * 86_400)
    }.standing.map(\.code)
      .filter { $0 != "vault-key-beside-database" }
  }

  func keys() -> KeyUpkeep {
    KeyUpkeep(
      opened: opened, vault: opened.vault, wake: {}, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }
}
