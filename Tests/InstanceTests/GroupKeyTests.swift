import DeviceRegistry
import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Policy
import Testing

@testable import muster

/// Boards that enroll by a key derived from their group's.
@Suite struct GroupKeyTests {
  private func claim(_ byte: UInt8 = 1) throws -> EnrollmentClaim {
    try #require(EnrollmentClaim([UInt8](repeating: byte, count: 32)))
  }

  private let known = Data((0..<32).map { UInt8($0) })

  private func key() throws -> DeviceKey { try #require(DeviceKey(SecretBytes(copying: known))) }

  private func token(
    _ test: TestInstance, _ registration: String = "dev-0001", group: String = "pumps", ends: Duration = .seconds(60),
    by key: DeviceKey? = nil
  ) throws -> EnrollmentToken {
    let text = EnrollmentToken.make(
      group: try #require(RecordName(group)), registrationID: registration, expires: test.clock.now() + ends,
      key: try key ?? self.key().derived(for: registration))
    return try #require(EnrollmentToken(text))
  }

  private func enroll(
    _ test: TestInstance, _ token: EnrollmentToken, _ wish: EnrollmentRequest.Wish
  ) async throws -> Outcome<Enrolled> {
    try await test.enrollment.enroll(
      EnrollmentRequest(evidence: .groupKey(token), wish: wish, label: nil, source: "192.0.2.7"))
  }

  /// With a group and the key 00…1f.
  private func withGroup(_ body: (TestInstance, Caller) async throws -> Void) async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      for name in ["pumps", "other"] {
        _ = try await test.administration.addGroup(
          GroupInput(name: name, profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: administrator
        ).get()
      }
      _ = try await test.administration.addGroupKey(
        to: "pumps", GroupKeyInput(key: known.base64EncodedString()), by: administrator
      ).get()
      try await body(test, administrator)
    }
  }

  @Test func `a board with the derived key becomes a device, with a random key of its own`() async throws {
    try await withGroup { test, _ in
      let enrolled = try await enroll(test, token(test), .keys(claim())).get()
      let keys = try #require(enrolled.keys)
      #expect(enrolled.deviceID == DeviceID("dev-0001") && enrolled.certificate == nil)
      let derived = try key().derived(for: "dev-0001").text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      #expect(derived == "cdGysxvdpBRmPWq+ds9aCdcRf8ScvRkDyZisOt2DQV4=")
      #expect(keys.primary.key != derived && keys.secondary.key != derived)
      let shown = try #require(try await test.instance.listings.device(enrolled.deviceID))
      #expect(shown.hardware.map(\.hardware.description) == ["registration:dev-0001"])
      #expect(shown.hardware.map(\.assurance) == [.proved] && shown.summary.group == RecordName("pumps"))
      try test.expectWholeLedger()
    }
  }

  @Test func `the group key authenticates nothing after it: another claim, another key, a retired board`() async throws
  {
    try await withGroup { test, administrator in
      let first = try await enroll(test, token(test), .keys(claim())).get()
      #expect(try await enroll(test, token(test), .keys(claim())).get().keys == first.keys)
      #expect(try await enroll(test, token(test), .keys(claim(2))).refusalCode == "hardware-bound")
      let csr = try PeerKey().request(commonName: "dev-0001")
      #expect(try await enroll(test, token(test), .certificate(csr)).refusalCode == "hardware-bound")
      _ = try await test.administration.change("dev-0001", .retire, reason: nil, by: administrator).get()
      #expect(try await enroll(test, token(test), .keys(claim(2))).refusalCode == "hardware-out-of-use")
    }
  }

  @Test func `wrong tokens are all refused alike, and none is an event`() async throws {
    try await withGroup { test, administrator in
      let before = try #require(try await test.instance.ledger.checkpoint())
      let other = try key().derived(for: "dev-0002")
      for wrong in [
        try token(test, by: other), try token(test, by: key()), try token(test, group: "other"),
        try token(test, group: "none"), try token(test, ends: .seconds(-1), by: other),
      ] {
        #expect(try await enroll(test, wrong, .keys(claim())).refusalCode == "token-wrong")
      }
      #expect(try await test.instance.ledger.checkpoint() == before)
      let keys = try await test.administration.groupKeys(of: "pumps", for: administrator).get()
      _ = try await test.administration.removeGroupKey(
        try #require(keys.first).record.description, of: "pumps", by: administrator
      ).get()
      #expect(try await enroll(test, token(test), .keys(claim())).refusalCode == "token-wrong")
    }
  }

  @Test(arguments: [
    (Duration.seconds(-1), "token-expired"), (.zero, "token-expired"), (.seconds(86_400 + 301), "token-lifetime"),
  ]) func `a token in its time alone`(ends: Duration, code: String) async throws {
    try await withGroup { test, _ in
      let found = try await enroll(test, token(test, ends: ends), .keys(claim())).refusalCode
      #expect(found == code)
    }
  }

  @Test func `a key is shown once, four are the most, and one of two lets in`() async throws {
    try await withGroup { test, administrator in
      let added = try await test.administration.addGroupKey(to: "pumps", GroupKeyInput(key: nil), by: administrator)
        .get()
      let second = try #require(Data(base64Encoded: added.key).flatMap { DeviceKey(SecretBytes(copying: $0)) })
      #expect(
        try await enroll(test, token(test, by: second.derived(for: "dev-0001")), .keys(claim())).refusalCode == nil)
      #expect(try await enroll(test, token(test, "dev-2"), .keys(claim())).refusalCode == nil)
      for _ in 0..<2 {
        _ = try await test.administration.addGroupKey(to: "pumps", GroupKeyInput(key: nil), by: administrator).get()
      }
      #expect(
        try await test.administration.addGroupKey(to: "pumps", GroupKeyInput(key: nil), by: administrator).refusalCode
          == "too-many-group-keys")
      let listed = try await test.administration.groupKeys(of: "pumps", for: administrator).get()
      #expect(listed.count == 4 && listed.contains { $0.record == added.record && $0.check == added.check })
    }
  }
}
