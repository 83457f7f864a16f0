import Crypto
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// A key comes in as `Docs/key-rings.md` says it for who has openssl alone.
  @Suite struct WrappedImportTests {
    @Test func `what openssl wrapped to the vault's key is a ring, and what was changed is refused`() async throws {
      try await ServedInstance.with { instance in
        let vault = try instance.folder.write(
          try await instance.muster("key", "import-key").succeeded(), to: "vault.pem")
        #expect(try await instance.muster("key", "import-key").succeeded() == instance.folder.read("vault.pem"))
        let key = Data((0..<32).map { UInt8($0) })
        let once = SecretBytes.random(count: 32).withUnsafeBytes { Array($0) }
        try key.write(to: URL(filePath: instance.folder.file("journal.key")))
        try Data(once).write(to: URL(filePath: instance.folder.file("once")))
        _ = try await run(
          "openssl",
          ["pkeyutl", "-encrypt", "-pubin", "-inkey", vault, "-pkeyopt", "rsa_padding_mode:oaep"]
            + [
              "-pkeyopt", "rsa_oaep_md:sha256", "-in", instance.folder.file("once"), "-out", instance.folder.file("1"),
            ]
        ).succeeded()
        _ = try await run(
          "openssl",
          ["enc", "-id-aes256-wrap-pad", "-K", Hex.encode(once), "-iv", "A65959A6"]
            + ["-in", instance.folder.file("journal.key"), "-out", instance.folder.file("2")]
        ).succeeded()
        var wrapped = try Data(contentsOf: URL(filePath: instance.folder.file("1")))
        wrapped += try Data(contentsOf: URL(filePath: instance.folder.file("2")))
        let file = instance.folder.file("journal.wrapped")
        try wrapped.write(to: URL(filePath: file))
        let imported = try await instance.muster(
          "key", "import", "journal", "--kind", "hmac-sha256", "--wrapped", file)
        #expect(try imported.succeeded().hasPrefix("journal version 1 "))
        let mac = try await instance.muster("key", "mac", "journal", input: "a line").succeeded()
        let expected = HMAC<SHA256>.authenticationCode(for: Data("a line".utf8), using: SymmetricKey(data: key))
        #expect(mac.contains(Base64URL.encode(Array(expected))), "\(mac)")
        for place in [0, wrapped.count - 1] {
          var flipped = wrapped
          flipped[place] ^= 1
          try flipped.write(to: URL(filePath: file))
          let refused = try await instance.muster(
            "key", "import", "other", "--kind", "hmac-sha256", "--wrapped", file)
          #expect(refused.status == 1 && refused.errors.contains("secret-not-authentic"), "\(refused.errors)")
        }
        let neither = try await instance.muster("key", "import", "other", "--kind", "hmac-sha256")
        #expect(neither.status == 2, "\(neither.errors)")
        try await instance.expectWholeLedger()
      }
    }
  }
}
