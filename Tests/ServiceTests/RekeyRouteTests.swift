import Foundation
import KeyVault
import MusterModel
import MusterTesting
import NIOHTTP1
import Testing

@testable import muster

extension ServiceTests {
  /// Another root in place of the vault's, of a service that runs.
  @Suite struct RekeyRouteTests {
    @Test func `what opens not all slots is answered alike, the 21st has to wait, and a stranger is not heard`()
      async throws
    {
      try await ServedInstance.with { instance in
        let code = try instance.folder.read("recovery-code").trimmingCharacters(in: .newlines)
        let stranger = try instance.client()
        #expect(try await stranger.json(.POST, "/v1/vault/rekey", ["recoveryCodes": [code]]).status == 401)
        await stranger.shutdown()
        let officer = try await instance.add("olga", .securityOfficer)
        let client = try instance.client(officer)
        let other = RecoveryCode.random().text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        for body in [
          #"{"recoveryCodes":["a"],"share":"b"}"#, #"{"passphrases":["a","a","a","a","a","a","a","a","a"]}"#,
        ] {
          let answer = try await client.send(
            .POST, "/v1/vault/rekey", [("Content-Type", "application/json")], body: Array(body.utf8))
          #expect(answer.code == "rekey-malformed", "\(answer.text)")
        }
        let wrong = [
          [:], ["recoveryCodes": [other]], ["recoveryCodes": ["ABCD"]], ["passphrases": ["wrong horse battery"]],
        ]
        var details: Set<String> = []
        for number in 0..<20 {
          let answer = try await client.json(.POST, "/v1/vault/rekey", wrong[number % wrong.count])
          #expect(answer.status == 403 && answer.code == "vault-not-opened", "\(answer.text)")
          // `instance` finds the event of this one.
          let fields = try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
          details.insert("\(fields["title"] ?? "") \(fields["detail"] ?? "")")
        }
        #expect(details.count == 1, "\(details)")
        #expect(try await client.json(.POST, "/v1/vault/rekey", ["recoveryCodes": [code]]).status == 429)
        await client.shutdown()
        #expect(!instance.log.contains("horse") && !instance.log.contains(code))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `the root changes by the command line over a service, share by share`() async throws {
      try await ServedInstance.with { instance in
        await instance.service.end()
        let out = instance.folder.file("officers")
        _ = try await instance.onFolder(
          "vault", "slot", "add", "--protector", "shares", "--shares", "3", "--threshold", "2", "--out", out
        ).succeeded()
        try await instance.start()
        let officer = try await instance.add("olga", .securityOfficer)
        let code = instance.folder.file("recovery-code")
        let few = try await instance.muster("vault", "rekey", "--recovery-code-file", code, as: officer)
        #expect(few.status == 1 && few.errors.contains("vault-not-opened"), "\(few.errors)")
        let share = try String(contentsOfFile: "\(out)/share-3-1.txt", encoding: .utf8)
        try await instance.tell([Step("vault rekey --share", "slot 3: 1 of 2 shares are there")], input: share)
        let rekeyed = try await instance.muster(
          "vault", "rekey", "--recovery-code-file", code, "--share-file", "\(out)/share-3-2.txt", as: officer
        ).succeeded()
        #expect(rekeyed == "rekeyed: slot 1 (file), slot 2 (recovery-code), slot 3 (shares)\n")
        _ = try await instance.enroll("pump-7", "cpu-serial:00000000e4b1c9d2")
        await instance.service.end()
        try await instance.start()
        try await instance.tell([Step("vault status", "unsealed")])
        _ = try await instance.enroll("pump-8", "cpu-serial:00000000e4b1c9d3")
        #expect(try await instance.muster("vault", "rekey", "--drop", "2").status == 2)
        try await instance.expectWholeLedger()
      }
    }
  }
}
