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

    @Test func `shares of several people open the vault, and one of them alone does not`() async throws {
      try await ServedInstance.with { instance in
        await instance.service.end()
        let shares = instance.folder.file("shares")
        let added = try await instance.onFolder(
          "vault", "slot", "add", "--protector", "shares", "--shares", "3", "--threshold", "2", "--out", shares)
        #expect(try added.succeeded().hasPrefix("slot 3: shares\n"))
        let files = try FileManager.default.contentsOfDirectory(atPath: shares).sorted()
        #expect(files == ["share-3-1.txt", "share-3-2.txt", "share-3-3.txt"])
        for file in files {
          let mode = try FileManager.default.attributesOfItem(atPath: "\(shares)/\(file)")[.posixPermissions] as? Int
          #expect(mode == 0o600)
        }
        let again = try await instance.onFolder(
          "vault", "slot", "add", "--protector", "shares", "--shares", "3", "--threshold", "2", "--out", shares)
        #expect(again.status == 1 && again.errors.contains("expected to make the folder"))
        try await instance.start()
        try await instance.tell([Step("vault seal", "sealed\n")])
        let first = try instance.folder.read("shares/share-3-1.txt")
        try await instance.tell(
          [Step("vault unseal --share", "sealed\nslot 3: 1 of 2 shares are there\n")], input: first)
        try await instance.tell([Step("vault status", "2 of 3 shares", "1 of 2 shares are there")])
        try await instance.tell(
          [Step("vault unseal --share --file {file}", "unsealed\n")], ["file": "\(shares)/share-3-3.txt"])
        await instance.service.end()
        try FileManager.default.removeItem(atPath: instance.data + "/service/vault.key")
        let alone = try await instance.onFolder(
          "vault", "slot", "remove", "1", "--share-file", "\(shares)/share-3-2.txt")
        #expect(alone.status == 1 && alone.errors.contains("vault-not-opened"))
        let removed = try await instance.onFolder(
          "vault", "slot", "remove", "1", "--share-file", "\(shares)/share-3-2.txt", "--share-file",
          "\(shares)/share-3-1.txt")
        #expect(try removed.succeeded() == "slot 1 removed\n")
        #expect(!instance.log.contains(first.dropFirst(4).prefix(12)))
      }
    }

    @Test func `the root changes by the command line, and is whole at every moment`() async throws {
      try await ServedInstance.with { instance in
        let identity = try await instance.enroll("pump-7", "cpu-serial:00000000e4b1c9d2")
        await instance.service.end()
        let code = instance.folder.file("recovery-code")
        let missing = try await instance.onFolder("vault", "rekey")
        #expect(missing.status == 1 && missing.errors.contains("--drop 2"))
        // Killed at any moment it is the old root or the new one, and never neither.
        for delay in [0.05, 0.2, 0.4, 0.7, 1.1, 1.6] {
          _ = try await run(
            "timeout",
            [
              "--signal=KILL", "\(delay)", try Program.path(), "vault", "rekey", "--data",
              instance.data, "--recovery-code-file", code,
            ])
          try await instance.start()
          try await instance.tell([Step("vault status", "unsealed")])
          await instance.service.end()
        }
        let rekeyed = try await instance.onFolder("vault", "rekey", "--recovery-code-file", code)
        #expect(try rekeyed.succeeded() == "rekeyed: slot 1 (file), slot 2 (recovery-code)\n")
        try await instance.start()
        let device = try instance.client(identity)
        #expect(try await device.send(.GET, "/v1/issuers").status == 200)
        await device.shutdown()
        _ = try await instance.enroll("pump-8", "mac:aabbcc001122")
        try await instance.tell([Step("vault seal", "sealed\n")])
        try await instance.tell(
          [Step("vault unseal --recovery-code", "unsealed\n")], input: try instance.folder.read("recovery-code"))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `each officer's share is for that officer's key`() async throws {
      try await ServedInstance.with { instance in
        await instance.service.end()
        let openssl = try OpenSSL()
        for name in ["anna", "bert"] {
          try openssl.succeed(
            "req -x509 -newkey rsa:2048 -nodes -keyout \(name).key -subj /CN=\(name) -out \(name).pem")
        }
        let out = instance.folder.file("officers")
        let few = try await instance.onFolder(
          "vault", "slot", "add", "--protector", "shares", "--shares", "2", "--threshold", "2", "--out", out,
          "--officer",
          openssl.path("anna.pem"))
        #expect(few.status == 1 && few.errors.contains("once for each of 2 shares"))
        _ = try await instance.onFolder(
          "vault", "slot", "add", "--protector", "shares", "--shares", "2", "--threshold", "2", "--out", out,
          "--officer",
          openssl.path("anna.pem"), "--officer", openssl.path("bert.pem")
        ).succeeded()
        try await instance.start()
        try await instance.tell([Step("vault seal", "sealed\n")])
        for (number, name, answer) in [(1, "anna", "1 of 2"), (2, "bert", "unsealed")] {
          let share = try openssl.succeed(
            "cms -decrypt -inform PEM -in \(out)/share-3-\(number).cms -inkey \(name).key")
          try await instance.tell([Step("vault unseal --share", answer)], input: share.text)
        }
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
