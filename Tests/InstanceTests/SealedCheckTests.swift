import Enrollment
import Foundation
import GRDB
import MusterModel
import MusterTesting
import Testing

@testable import muster

/// What does not open any more is known before somebody needs it.
@Suite struct SealedCheckTests {
  private func with(_ body: (TestInstance, Caller) async throws -> Void) async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      for number in 0..<3 {
        let code = try await test.ticket("cpu-serial:feed\(number + 1000)", "pump-\(number)", by: administrator)
        _ = try await test.enroll("pump-\(number)", code, PeerKey()).get()
        _ = try await test.administration.rekey("pump-\(number)", by: administrator).get()
      }
      try await body(test, administrator)
    }
  }

  private func pass(_ test: TestInstance) async throws -> UnopenedSecrets {
    while try await test.opened.vault.checkSome() {}
    return test.opened.vault.unopened
  }

  private func tamper(_ test: TestInstance, _ sql: String) throws {
    try DatabaseQueue(path: test.path + "/muster.db").write { try $0.execute(sql: sql) }
  }

  private func finding(_ test: TestInstance) async -> String? {
    let health = HealthFindings(
      opened: test.opened, vault: test.opened.vault, isPlainServed: true, isMemoryLocked: true
    ) { _ in nil }
    return await health.all().first { $0.code == "secrets-not-authentic" }?.detail
  }

  /// The last byte, the first, the number of its KEK, and its end.
  @Test(arguments: [
    "substr(bytes, 1, length(bytes) - 1) || CASE substr(bytes, -1) WHEN x'00' THEN x'01' ELSE x'00' END",
    "x'02' || substr(bytes, 2)", "substr(bytes, 1, 4) || x'09' || substr(bytes, 6)", "x''",
  ]) func `a secret whose bytes were changed is counted, and named for what it is`(bytes: String) async throws {
    try await with { test, _ in
      #expect(try await pass(test).count == 0)
      #expect(await finding(test) == nil)
      let one = "purpose = 'device-key' AND rowid = (SELECT min(rowid) FROM secret WHERE purpose = 'device-key')"
      try tamper(test, "CREATE TABLE kept AS SELECT rowid AS place, bytes FROM secret")
      try tamper(test, "UPDATE secret SET bytes = CAST(\(bytes) AS BLOB) WHERE \(one)")
      let found = try await pass(test)
      #expect(found.counts == ["device-key": 1] && found.owners.count == 1)
      #expect(try #require(await finding(test)).hasPrefix("1 secrets do not open"))
      try tamper(test, "UPDATE secret SET bytes = (SELECT bytes FROM kept WHERE place = secret.rowid)")
      #expect(try await pass(test).count == 0)
      #expect(await finding(test) == nil)
    }
  }

  @Test func `secrets in each other's place, and a key-encryption key that is not under the root, are found`()
    async throws
  {
    try await with { test, _ in
      try tamper(
        test,
        """
        UPDATE secret SET bytes = (SELECT bytes FROM secret AS other WHERE other.purpose = 'device-key'
          AND other.version = secret.version AND other.owner <> secret.owner LIMIT 1)
        WHERE purpose = 'device-key'
        """)
      try tamper(
        test,
        "UPDATE secret SET bytes = CAST(substr(bytes, 1, length(bytes) - 2) || x'0000' AS BLOB) WHERE purpose = 'vault-kek'"
      )
      let found = try await pass(test)
      #expect(found.counts["vault-kek"] == 1 && found.counts["device-key"] ?? 0 >= 3, "\(found)")
    }
  }

  @Test func `a sealed vault opens nothing, and counts nothing`() async throws {
    try await with { test, administrator in
      _ = try await test.opened.vault.seal(by: administrator).get()
      #expect(try await pass(test).count == 0)
      _ = try await test.opened.vault.unseal(.recoveryCode(test.code.text), by: administrator).get()
      #expect(try await pass(test).count == 0)
    }
  }

  @Test func `a rotation of the key-encryption key under way is no finding`() async throws {
    try await with { test, administrator in
      _ = try await test.opened.vault.rotateKEK(by: administrator).get()
      #expect(try await pass(test).count == 0)
      _ = try await test.opened.vault.rewrapSome()
      #expect(try await pass(test).count == 0)
    }
  }
}
