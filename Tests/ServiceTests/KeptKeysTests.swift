import Foundation
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// The vault's slots and the CAs' keys, as an operator has them.
  @Suite struct KeptKeysTests {
    @Test func `an instance moves from its file to a passphrase by the command line`() async throws {
      try await ServedInstance.with { instance in
        let identity = try await instance.enroll("pump-7", "cpu-serial:00000000e4b1c9d2")
        let inUse = try await instance.onFolder(
          "vault", "slot", "add", "--protector", "passphrase", input: "correct horse\n")
        #expect(inUse.status == 1 && inUse.errors.contains("stop it first"))
        await instance.service.end()
        let passphrase = try instance.folder.write("correct horse\n", to: "passphrase")
        let added = try await instance.onFolder(
          "vault", "slot", "add", "--protector", "passphrase", "--passphrase-file", passphrase)
        #expect(try added.succeeded() == "slot 3: passphrase\n")
        let alone = try await instance.onFolder("vault", "slot", "remove", "1")
        #expect(alone.status == 1 && alone.errors.contains("--unseal-file"))
        let itself = try await instance.onFolder("vault", "slot", "remove", "3", "--unseal-file", passphrase)
        #expect(try itself.succeeded() == "slot 3 removed\n", "the file opened it")
        _ = try await instance.onFolder("vault", "slot", "add", "--protector", "passphrase", input: "correct horse\n")
          .succeeded()
        let removed = try await instance.onFolder("vault", "slot", "remove", "1", "--unseal-file", passphrase)
        #expect(try removed.succeeded() == "slot 1 removed\n")
        #expect(!FileManager.default.fileExists(atPath: instance.data + "/service/vault.key"))
        try await instance.start()
        try await instance.tell([
          Step("vault slot list --output csv", "3,passphrase"), Step("vault slot list --output csv", "2,recovery-code"),
          Step("vault status", "sealed"),
        ])
        try await instance.tell([Step("vault unseal", "unsealed\n")], input: "correct horse\n")
        let device = try instance.client(identity)
        #expect(try await device.send(.GET, "/v1/issuers").status == 200)
        await device.shutdown()
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a second recovery code opens the vault, and is shown once`() async throws {
      try await ServedInstance.with { instance in
        await instance.service.end()
        let added = try await instance.onFolder("vault", "slot", "add", "--protector", "recovery-code").succeeded()
        let code = added.split(separator: "\n")[0]
        #expect(code.count == 44 && added.hasSuffix("\nslot 3: recovery-code\n"))
        try await instance.start()
        try await instance.tell([Step("vault seal", "sealed\n")])
        try await instance.tell([Step("vault unseal --recovery-code", "unsealed\n")], input: String(code))
      }
    }

    @Test(.enabled(if: SoftwareToken.isThere, "needs softhsm2"))
    func `a service whose keys are in a token starts sealed without it, says why, and goes on once it is back`()
      async throws
    {
      let token = try SoftwareToken()
      try await ServedInstance.with(["--protector", "pkcs11", "--ca-keys", "pkcs11", "--pkcs11", token.uri]) {
        instance in
        let anyone = try instance.client()
        _ = try await instance.enroll("pump-7", "cpu-serial:00000000e4b1c9d2")
        await instance.service.end()
        try token.takeAway()
        try await instance.start()
        let service = try instance.client()
        let ready = try await service.send(.GET, "/health/ready")
        #expect(ready.status == 503 && ready.text.contains("key-away"), "\(ready.text)")
        try await instance.tell([
          Step("ticket issue --hardware mac:aabbcc001122 --device pump-8", "vault-sealed", status: 1),
          Step("vault status", "sealed", "pkcs11"), Step("device show pump-7", "enabled"),
        ])
        try token.putBack()
        while try await service.send(.GET, "/health/ready").status == 503 {}
        _ = try await instance.enroll("pump-8", "mac:aabbcc001122")
        await anyone.shutdown()
        await service.shutdown()
        #expect(!instance.log.contains(SoftwareToken.pin) && instance.log.contains("the keys are back"))
        try await instance.expectWholeLedger()
      }
    }

    @Test(.enabled(if: SoftwareToken.isThere, "needs softhsm2"))
    func `who asks while the token is away is told to come again, and nothing else stops`() async throws {
      let token = try SoftwareToken()
      try await ServedInstance.with(["--ca-keys", "pkcs11", "--pkcs11", token.uri]) { instance in
        let identity = try await instance.enroll("pump-7", "cpu-serial:00000000e4b1c9d2")
        let device = try instance.client(identity)
        let csr = Array(Data(try PeerKey().request(commonName: "pump-7")).base64EncodedString().utf8)
        func renew() async throws -> (status: Int, text: String) {
          let answer = try await device.send(
            .POST, "/.well-known/est/simplereenroll", [("Content-Type", "application/pkcs10")], body: csr)
          return (answer.status, answer.text)
        }
        try token.takeAway()
        let refused = try await renew()
        #expect(refused.status == 503 && refused.text.hasPrefix("key-away"), "\(refused)")
        #expect(!refused.text.contains(token.label), "where it is kept is nobody's business")
        #expect(try await device.send(.GET, "/health/ready").text.contains("key-away"))
        try await instance.tell([
          Step("ticket issue --hardware mac:aabbcc001122 --device pump-8", "-"), Step("vault status", "unsealed"),
          Step("device disable pump-7 --reason stolen", "disabled"), Step("device enable pump-7", "enabled"),
        ])
        try token.putBack()
        while try await device.send(.GET, "/health/ready").status == 503 {}
        #expect(try await renew().status == 200)
        await device.shutdown()
        try await instance.expectWholeLedger()
      }
    }

    @Test(
      arguments: [
        (["--protector", "pkcs11"], "--pkcs11"), (["--ca-keys", "pkcs11"], "--pkcs11"),
        (["--pkcs11", "pkcs11:token=t?module-path=/m.so&pin-value=1234"], "found a PIN"),
      ])
    func `what init cannot use it refuses, and leaves nothing`(options: [String], why: String) async throws {
      let folder = try ScratchFolder()
      defer { folder.remove() }
      let ran = try await Program.muster(["init", "--data", folder.file("data")] + options)
      #expect(ran.status == 2 && ran.errors.contains(why) && ran.output.isEmpty, "\(ran.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }
}
