import CertificateAuthority
import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import TPMCommands
import Testing

@testable import muster

/// The vault's root and the CAs' keys in the machine's TPM: with swtpm, which `Scripts/prepare` installs.
@Suite(.serialized, .enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"), .timeLimit(.minutes(20)))
struct TPMInstanceTests {
  /// PCR 16 can be changed and reset by hand.
  private func with(
    _ tpm: SoftwareTPM, pcrs: Set<Int> = [16], root isRoot: Bool = true, caKeys: CAKeys = .tpm,
    _ body: (TestInstance) async throws -> Void
  ) async throws {
    try tpm.folder.write("4711\n".utf8, "pin")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: tpm.folder.path("pin"))
    try await TestInstance.with(
      planning: {
        $0.keepers = KeyKeepers(
          pkcs11: nil, tpm: TPMSetting(place: tpm.tcti, pinFile: tpm.folder.path("pin")),
          policy: TPMSealPolicy(pcrs: pcrs, asksPIN: true))
        $0.keeper = isRoot ? .tpm : nil
        $0.caKeys = caKeys
      }, body)
  }

  @Test func `an instance whose keys are in its TPM opens by itself and issues`() async throws {
    let tpm = try SoftwareTPM()
    try await with(tpm) { test in
      let administrator = try await test.caller(.administrator, name: "root")
      try await test.reopened { test in
        #expect(!test.instance.vault.isSealed && !test.folder.has(.vaultKey))
        let code = try await test.ticket("cpu-serial:00000000e4b1c9d2", "pump-7", by: administrator)
        #expect(try await test.enroll("pump-7", code, PeerKey()).get().generation == 1)
        try test.expectWholeLedger()
      }
    }
  }

  @Test(arguments: [IssuerUse.devices, .service])
  func `another CA that takes over has its key in the TPM too, and the one before signs on`(use: IssuerUse) async throws
  {
    let tpm = try SoftwareTPM()
    try await with(tpm) { test in try await test.expectRotation(of: use) { $0 is BlockingSigner } }
  }

  @Test func `on a machine that measured something else it starts sealed and says so, until that is undone`()
    async throws
  {
    let tpm = try SoftwareTPM()
    try await with(tpm, caKeys: .sealed) { test in
      try tpm.run("tpm2_pcrextend 16:sha256=" + String(repeating: "a5", count: 32))
      try await test.reopened { test in
        #expect(test.findings() == ["vault-sealed", "key-measurements-changed"])
        try await test.keys().look()
        #expect(test.instance.vault.isSealed)
        try tpm.run("tpm2_pcrreset 16")
        try await test.keys().look()
        #expect(!test.instance.vault.isSealed && test.findings().isEmpty)
      }
    }
  }

  @Test func `a TPM that was cleared is said to have lost the key, and the recovery code opens the vault`() async throws
  {
    let tpm = try SoftwareTPM()
    try await with(tpm, caKeys: .sealed) { test in
      try tpm.run("tpm2_clear -c p")
      try await test.reopened { test in
        #expect(test.findings() == ["vault-sealed", "key-lost"])
        let code = SecretBytes(copying: test.code.text.withUnsafeBytes(Array.init))
        _ = try await test.opened.vault.unseal(.recoveryCode(code), by: .folder()).get()
        // A slot of the TPM as it is now in the place of the one that is lost.
        let keepers = KeyKeepers(
          pkcs11: nil, tpm: TPMSetting(place: tpm.tcti, pinFile: tpm.folder.path("pin")),
          policy: TPMSealPolicy(pcrs: [], asksPIN: true))
        _ = try await SlotAddition(.tpm, test.opened, keepers, nil).commit(to: test.opened)
        _ = try await test.opened.vault.removeSlot(1, by: .folder()).get()
      }
      try await test.reopened { #expect(!$0.instance.vault.isSealed && $0.findings().isEmpty) }
    }
  }

  @Test func `a slot without a PIN beside one with it leaves that one's PIN where it is`() async throws {
    let tpm = try SoftwareTPM()
    try await with(tpm, caKeys: .sealed) { test in
      func keepers(pin: String?) -> KeyKeepers {
        KeyKeepers(
          pkcs11: nil, tpm: TPMSetting(place: tpm.tcti, pinFile: pin),
          policy: TPMSealPolicy(pcrs: [16], asksPIN: pin != nil))
      }
      let slot = try await SlotAddition(.tpm, test.opened, keepers(pin: nil), nil).commit(to: test.opened)
      await #expect(throws: CommandFailure.self, "the file of another PIN") {
        try await SlotAddition(.tpm, test.opened, keepers(pin: "/other"), nil)
      }
      try await test.reopened(sparing: slot.slot) { #expect($0.instance.vault.openedBy == 1) }
      try await test.reopened(sparing: 1) { #expect($0.instance.vault.openedBy == slot.slot) }
    }
  }

  @Test func `a TPM that goes away in flight stops what needs it, and nothing else`() async throws {
    let tpm = try SoftwareTPM()
    try await with(tpm, root: false) { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket("cpu-serial:00000000e4b1c9d2", "pump-7", by: administrator)
      tpm.halt()
      let key = PeerKey()
      await #expect(throws: KeyKeeperFailure.self) { try await test.enroll("pump-7", code, key) }
      #expect(test.findings() == ["key-away"])
      _ = try await test.ticket("cpu-serial:00000000e4b1c9d3", "pump-8", by: administrator)
      try tpm.resume()
      try await test.keys().look()
      #expect(test.findings().isEmpty)
      #expect(try await test.enroll("pump-7", code, key).get().generation == 1)
    }
  }
}
