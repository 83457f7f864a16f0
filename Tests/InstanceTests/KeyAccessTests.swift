import Crypto
import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Policy
import Testing

@testable import muster

/// Who may use which key ring: by its name in `access.yaml`, and by the groups that an operator is limited to.
@Suite struct KeyAccessTests {
  private static func access(_ entries: String) throws -> String {
    let shipped = try String(contentsOf: Project.root.appending(path: "Policies/access.yaml"), encoding: .utf8)
    let listed = shipped.replacing("  application:\n", with: "  application:\n" + entries)
    guard listed != shipped else { throw TestFailure("expected a list of application in access.yaml") }
    return listed
  }

  /// With the rings `firmware` of no group, `pump` of pumps and `valve` of valves.
  private func with(
    _ entries: String, _ body: (TestInstance, KeyUse, _ administrator: Caller) async throws -> Void
  ) async throws {
    try await TestInstance.with(access: try Self.access(entries)) { test in
      let administrator = try await test.caller(.administrator, name: "root")
      for (ring, group) in [("firmware", nil), ("pump", "pumps"), ("valve", "valves")] {
        if let group {
          _ = try await test.administration.addGroup(
            GroupInput(name: group, profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: administrator
          ).get()
        }
        var input = KeyRingInput(name: ring, kind: "aes256-gcm")
        input.group = group
        _ = try await test.administration.createRing(input, by: administrator).get()
      }
      try await body(test, KeyUse(test.instance), administrator)
      try test.expectWholeLedger()
    }
  }

  private let item = KeyItem(data: "YQ==")

  @Test func `a ring that access.yaml names is used, and no other`() async throws {
    let entries =
      "    - key.encrypt:Firmware\n    - key.encrypt:pump\n    - key.decrypt:firmware\n    - key.import:own\n"
    try await with(entries) { test, use, _ in
      let program = try await test.caller(.application)
      let text = try #require(try await use.encrypt("firmware", [item], by: program).get().first?.text)
      #expect(try await use.decrypt("FIRMWARE", [KeyItem(text: text)], by: program).get().first?.data == item.data)
      #expect(try await use.encrypt("pump", [item], by: program).refusalCode == nil)
      for ring in ["valve", "nobody"] {
        #expect(try await use.encrypt(ring, [item], by: program).refusalCode == "not-allowed-for-key")
      }
      #expect(try await use.decrypt("pump", [KeyItem(text: text)], by: program).refusalCode == "not-allowed-for-key")
      #expect(try await use.dataKey("firmware", DataKeyInput(context: nil), by: program).refusalCode == "not-allowed")
      #expect(try await test.administration.rotateRing("firmware", by: program).refusalCode == "not-allowed")
      let name = try #require(RecordName("firmware"))
      #expect(try await Inspection(test.instance, for: program).keyRing(name).refusalCode == "not-allowed")
      // Whoever may import one may have the public key; and imports that one alone.
      let raw = try await test.administration.importKey(by: program).get().publicKey
      let vault = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: #require(Data(base64Encoded: raw)))
      for (ring, code) in [("own", nil), ("firmware", "not-allowed-for-key"), ("new", "not-allowed-for-key")] {
        let sealed = try KeyTransfer(
          SecretBytes.random(count: 32), to: vault, for: .import(try #require(RecordName(ring)), .aes256GCM))
        let input = KeyImportInput(ring: KeyRingInput(name: ring, kind: "aes256-gcm"), key: sealed)
        #expect(try await test.administration.importRing(input, by: program).refusalCode == code, "\(ring)")
      }
    }
  }

  @Test func `a refused ring is explained from what was recorded, and before it is asked for`() async throws {
    try await with("    - key.encrypt:pump\n") { test, use, administrator in
      let program = try await test.caller(.application)
      #expect(try await use.encrypt("valve", [item], by: program).refusalCode == "not-allowed-for-key")
      let last = try await test.size() - 1
      var input = ExplanationInput()
      input.position = last
      let recorded = try await test.administration.explain(input, by: administrator).get()
      #expect(recorded.outcome == "refused" && recorded.because.contains("for the key rings pump alone"), "\(recorded)")
      for (ring, outcome) in [("pump", "allowed"), ("PUMP", "allowed"), ("valve", "refused"), (nil, "refused")] {
        var input = ExplanationInput()
        (input.operation, input.role, input.ring) = ("key.encrypt", "application", ring)
        #expect(try await test.administration.explain(input, by: administrator).get().outcome == outcome)
      }
    }
  }

  @Test func `who is limited to groups uses, sees and makes the rings of these alone`() async throws {
    try await with("    - key.encrypt\n") { test, use, _ in
      let program = try await test.caller(.application, groups: ["pumps"])
      #expect(try await use.encrypt("pump", [item], by: program).refusalCode == nil)
      for ring in ["valve", "firmware", "nobody"] {
        #expect(try await use.encrypt(ring, [item], by: program).refusalCode == "not-allowed-in-group")
      }
      let limited = try await test.caller(.administrator, name: "pump-keeper", groups: ["pumps"])
      let look = Inspection(test.instance, for: limited)
      let page = try #require(PageRequest(limit: 10))
      #expect(try await look.keyRings(page).get().rows.map(\.name.text) == ["pump"])
      #expect(try await look.keyRing(try #require(RecordName("pump"))).refusalCode == nil)
      #expect(try await look.keyRing(try #require(RecordName("valve"))).refusalCode == "not-allowed-in-group")
      #expect(try await test.administration.rotateRing("pump", by: limited).refusalCode == nil)
      #expect(try await test.administration.rotateRing("firmware", by: limited).refusalCode == "not-allowed-in-group")
      for (group, code) in [("pumps", nil), ("valves", "not-allowed-in-group"), (nil, "not-allowed-in-group")] {
        var input = KeyRingInput(name: "new", kind: "p256")
        input.group = group
        #expect(try await test.administration.createRing(input, by: limited).refusalCode == code)
      }
    }
  }
}
