import Foundation
import MusterModel
import MusterTesting
import Publication
import SQLiteStore
import Testing

@testable import muster

@Suite struct RootListTests {
  @Test func `the recovery code renews the root's CRL for a year, with the next number`() async throws {
    try await TestInstance.with { test in
      let before = try #require(try await test.rootLists().first)
      test.clock.advance(.seconds(300 * 86_400))
      let renewal = RootListRenewal(opened: test.opened)
      let renewed = try await renewal.renew(sealedKey: try test.opened.folder.read(.offlineRoot), code: test.code)
      #expect(renewed.number == before.published.number + 1)
      #expect(renewed.nextUpdate == (test.clock.now() + RootListRenewal.lifetime).wholeSeconds)
      let after = try await test.rootLists()
      #expect(after.map(\.published) == [renewed])
      try test.expectWholeLedger()
      try await test.expectOpenSSLVerifies(try #require(after.first).der)
    }
  }

  @Test func `another code, another instance's root key and a broken file change nothing`() async throws {
    try await TestInstance.with { other in
      try await TestInstance.with { test in
        let before = try await test.rootLists()
        let own = try test.opened.folder.read(.offlineRoot)
        let attempts = [
          (own, other.code), (try other.opened.folder.read(.offlineRoot), other.code),
          (Array(own.dropLast()), test.code),
        ]
        for (key, code) in attempts {
          await #expect(throws: CommandFailure.self) {
            try await RootListRenewal(opened: test.opened).renew(sealedKey: key, code: code)
          }
        }
        #expect(try await test.rootLists() == before)
      }
    }
  }

  @Test(arguments: [(days: 334, isWarned: false), (335, true), (365, true), (400, true)])
  func `health warns within a month of the root CRL's end`(days: Int, isWarned: Bool) async throws {
    try await TestInstance.with { test in
      let end = try #require(try await test.rootLists().first).published.nextUpdate
      test.clock.advance(.seconds(days * 86_400))
      let root = test.opened.rootKeyID
      let health = HealthFindings(
        opened: test.opened, vault: test.opened.vault, isPlainServed: true, isMemoryLocked: true
      ) {
        $0 == root ? end : nil
      }
      let finding = await health.all().first { $0.code == "root-crl-ends" }
      #expect((finding != nil) == isWarned)
      #expect(finding?.isBlocking != true)
    }
  }
}

extension TestInstance {
  fileprivate func rootLists() async throws -> [PublishedCRL] {
    try await opened.store.publishedCRLs().filter { $0.published.issuerKeyID == opened.rootKeyID }
  }

  fileprivate func expectOpenSSLVerifies(_ der: [UInt8]) async throws {
    let openssl = try OpenSSL()
    try openssl.write(der, "root.crl")
    try openssl.succeed("crl -inform DER -in root.crl -noout -CAfile \(opened.folder.path(of: .root)) -verify")
  }
}
