import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// The route that opens the vault, and who guesses at it.
  @Suite struct UnsealRouteTests {
    @Test func `what opens nothing is answered alike, the 21st has to wait, and a stranger is not heard`() async throws
    {
      let secret = try ScratchFolder()
      defer { secret.remove() }
      let passphrase = try secret.write("correct horse battery\n", to: "passphrase")
      try await ServedInstance.with(["--protector", "passphrase", "--passphrase-file", passphrase]) { instance in
        let code = RecoveryCode.random().text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let wrong = [["passphrase": "wrong horse battery"], ["recoveryCode": code], ["recoveryCode": "ABCD"]]
        let stranger = try instance.client()
        #expect(
          try await stranger.json(.POST, "/v1/vault/unseal", ["passphrase": "correct horse battery"]).status == 401)
        await stranger.shutdown()
        let client = try instance.client(instance.administrator)
        var details: Set<String> = []
        for number in 0..<20 {
          let answer = try await client.json(.POST, "/v1/vault/unseal", wrong[number % wrong.count])
          #expect(answer.status == 403 && answer.code == "vault-not-opened", "\(answer.text)")
          // `instance` finds the event of this one.
          let fields = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
          details.insert("\(fields["title"] ?? "") \(fields["detail"] ?? "")")
        }
        #expect(details.count == 1, "\(details)")
        let right = try await client.json(.POST, "/v1/vault/unseal", ["passphrase": "correct horse battery"])
        #expect(right.status == 429, "\(right.text)")
        #expect(try await client.send(.GET, "/health/ready").status == 503, "it is sealed still")
        await client.shutdown()
        #expect(!instance.log.contains("horse"))
      }
    }
  }
}
