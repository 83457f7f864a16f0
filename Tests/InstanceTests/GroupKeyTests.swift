import DeviceRegistry
import Enrollment
import Foundation
import Logging
import MusterModel
import MusterTesting
import Policy
import Testing

@testable import KeyVault
@testable import muster

/// Boards that enroll by a key derived from their group's.
@Suite struct GroupKeyTests {
  private func claim(_ byte: UInt8 = 1) throws -> EnrollmentClaim {
    try #require(EnrollmentClaim([UInt8](repeating: byte, count: 32)))
  }

  private func key() throws -> DeviceKey { try #require(DeviceKey(SecretBytes(copying: (0..<32).map { UInt8($0) }))) }

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
      try await test.bring(key().bytes, as: "boards", of: "pumps", by: administrator)
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
    }
  }

  private func move(
    _ test: TestInstance, _ version: UInt32, to state: KeyState, of ring: String = "boards", by caller: Caller
  ) async throws {
    _ = try await test.administration.move(
      version: version, of: ring, KeyMoveInput(state: state.rawValue, reason: nil), by: caller
    ).get()
  }

  /// What a board with this token is told; nil where it enrolls.
  private func code(_ test: TestInstance, _ registration: String, by key: DeviceKey) async throws -> String? {
    try await enroll(test, token(test, registration, by: key.derived(for: registration)), .keys(claim())).refusalCode
  }

  private func derived(_ test: TestInstance, _ registration: String, by caller: Caller) async throws -> DeviceKey {
    let input = DerivationInput(context: registration, size: nil, version: nil)
    let key = try await KeyUse(test.instance).derive("boards", input, by: caller).get().key
    return try #require(Data(base64Encoded: key).flatMap { DeviceKey(SecretBytes(copying: $0)) })
  }

  @Test func `rotating breaks no board: those of an older version enroll until it is stopped`() async throws {
    try await withGroup { test, administrator in
      #expect(try await test.administration.rotateRing("boards", by: administrator).get().number == 2)
      #expect(try await code(test, "dev-1", by: key()) == nil)
      let new = try await derived(test, "dev-2", by: administrator)
      #expect(try await enroll(test, token(test, "dev-2", by: new), .keys(claim())).refusalCode == nil)
      try await move(test, 1, to: .suspended, by: administrator)
      #expect(try await code(test, "dev-3", by: key()) == "token-wrong")
      try await move(test, 1, to: .active, by: administrator)
      #expect(try await code(test, "dev-3", by: key()) == nil)
      let minimum = { (decrypt: UInt32) async throws in
        _ = try await test.administration.setMinima(
          RingMinima(decrypt: decrypt, encrypt: 2), of: "boards", by: administrator
        ).get()
      }
      try await minimum(2)
      #expect(try await code(test, "dev-4", by: key()) == "token-wrong")
      try await minimum(1)
      #expect(try await code(test, "dev-4", by: key()) == nil)
      try await move(test, 1, to: .compromised, by: administrator)
      #expect(try await code(test, "dev-5", by: key()) == "token-wrong")
      try await move(test, 1, to: .destroyed, by: administrator)
      #expect(try await code(test, "dev-5", by: key()) == "token-wrong")
      let last = try await derived(test, "dev-5", by: administrator)
      #expect(try await enroll(test, token(test, "dev-5", by: last), .keys(claim())).refusalCode == nil)
      try test.expectWholeLedger()
    }
  }

  @Test func `the vault derives a board's key, on record, and nothing else by it`() async throws {
    try await withGroup { test, administrator in
      let board = try await derived(test, "dev-0001", by: administrator).text
      #expect(
        board.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } == "cdGysxvdpBRmPWq+ds9aCdcRf8ScvRkDyZisOt2DQV4=")
      let use = KeyUse(test.instance)
      for (context, size) in [("not/one", 32), ("dev-0001", 16), (String(repeating: "a", count: 129), 32)] {
        let input = DerivationInput(context: context, size: size, version: nil)
        #expect(try await use.derive("boards", input, by: administrator).refusalCode == "context-malformed")
      }
      let item = KeyItem(data: "AA==")
      #expect(try await use.mac("boards", [item], by: administrator).refusalCode == "key-kind")
      #expect(try await use.encrypt("boards", [item], by: administrator).refusalCode == "key-kind")
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

  @Test func `a ring of it is a group's, four are the most, and what is tried for a token is bounded`() async throws {
    try await withGroup { test, administrator in
      let create = { (name: String, group: String?) async throws in
        var input = KeyRingInput(name: name, kind: "group-enrollment")
        input.group = group
        return try await test.administration.createRing(input, by: administrator)
      }
      #expect(try await create("none", nil).refusalCode == "key-group-needed")
      #expect(try await create("none", "nobody").refusalCode == "group-unknown")
      #expect(
        try await create(RecordID(.key, UUIDv7(at: test.clock.now())).description, "pumps").refusalCode
          == "name-malformed")
      for name in ["b", "c", "d"] { #expect(try await create(name, "pumps").get().ring.group == RecordName("pumps")) }
      #expect(try await create("e", "pumps").refusalCode == "too-many-group-keys")
      #expect(try await create("e", "other").refusalCode == nil)
      for _ in 1..<RingSnapshot.boardVersionLimit {
        _ = try await test.administration.rotateRing("boards", by: administrator).get()
      }
      #expect(
        try await test.administration.rotateRing("boards", by: administrator).refusalCode == "too-many-key-versions")
      #expect(try await code(test, "dev-1", by: key()) == nil, "the oldest of all that are tried")
      try await move(test, 2, to: .compromised, by: administrator)
      #expect(try await test.administration.rotateRing("boards", by: administrator).refusalCode == nil)
    }
  }

  @Test func `what was suspended is let in again only where there is room, and so is what a minimum shut out`()
    async throws
  {
    try await withGroup { test, administrator in
      let administration = test.administration
      func create(_ name: String) async throws -> String? {
        var input = KeyRingInput(name: name, kind: "group-enrollment")
        input.group = "pumps"
        return try await administration.createRing(input, by: administrator).refusalCode
      }
      func move(_ name: String, _ version: UInt32, _ state: KeyState) async throws -> String? {
        try await administration.move(
          version: version, of: name, KeyMoveInput(state: state.rawValue, reason: nil), by: administrator
        ).refusalCode
      }
      func minimum(_ version: UInt32) async throws -> String? {
        try await administration.setMinima(
          RingMinima(decrypt: version, encrypt: version), of: "boards", by: administrator
        ).refusalCode
      }
      // Rings of the group.
      for name in ["b", "c", "d"] { #expect(try await create(name) == nil) }
      #expect(try await move("b", 1, .suspended) == nil)
      #expect(try await create("e") == nil)
      #expect(try await move("b", 1, .active) == "too-many-group-keys")
      #expect(try await administration.rotateRing("b", by: administrator).refusalCode == "too-many-group-keys")
      #expect(try await move("c", 1, .suspended) == nil)
      #expect(try await move("b", 1, .active) == nil)
      #expect(try await move("c", 1, .active) == "too-many-group-keys")
      // Versions of one.
      #expect(try await code(test, "dev-1", by: key()) == nil)
      #expect(try await move("boards", 1, .suspended) == nil)
      for _ in 1...RingSnapshot.boardVersionLimit {
        #expect(try await administration.rotateRing("boards", by: administrator).refusalCode == nil)
      }
      #expect(try await move("boards", 1, .deactivated) == "too-many-key-versions")
      #expect(try await minimum(3) == nil)
      #expect(try await move("boards", 1, .deactivated) == nil, "below the minimum nobody enrolls by it")
      #expect(try await minimum(1) == "too-many-key-versions")
      #expect(try await minimum(2) == nil)
      #expect(try await move("boards", 2, .suspended) == nil)
      #expect(try await minimum(1) == nil)
      #expect(try await code(test, "dev-2", by: key()) == nil, "the oldest of all that are tried")
      #expect(try await move("boards", 2, .deactivated) == "too-many-key-versions")
      try test.expectWholeLedger()
    }
  }

  @Test func `of two rings that are let in again at once for a group's last place one is`() async throws {
    try await withGroup { test, administrator in
      let administration = test.administration
      for name in ["b", "c", "d", "e"] {
        var input = KeyRingInput(name: name, kind: "group-enrollment")
        input.group = "pumps"
        if name == "e" {
          _ = try await administration.move(
            version: 1, of: "d", KeyMoveInput(state: "suspended", reason: nil), by: administrator
          ).get()
        }
        _ = try await administration.createRing(input, by: administrator).get()
      }
      _ = try await administration.move(
        version: 1, of: "e", KeyMoveInput(state: "suspended", reason: nil), by: administrator
      ).get()
      let refusals = try await withThrowingTaskGroup(of: String?.self) { group in
        for name in ["d", "e"] {
          group.addTask {
            try await administration.move(
              version: 1, of: name, KeyMoveInput(state: "active", reason: nil), by: administrator
            ).refusalCode
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(refusals.count { $0 == nil } == 1 && refusals.contains("too-many-group-keys"), "\(refusals)")
    }
  }

  @Test func `of many who make a group's last key rings at once as many succeed as are left`() async throws {
    try await withGroup { test, administrator in
      let refusals = try await withThrowingTaskGroup(of: String?.self) { group in
        for number in 0..<8 {
          group.addTask {
            var input = KeyRingInput(name: "ring-\(number)", kind: "group-enrollment")
            input.group = "pumps"
            return try await test.administration.createRing(input, by: administrator).refusalCode
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      // One is there already; who lost the race too often may ask again.
      #expect(refusals.count { $0 == nil } <= RingSnapshot.groupLimit - 1)
      #expect(Set(refusals.compactMap(\.self)).isSubset(of: ["too-many-group-keys", "contended"]))
      let rings = try await test.instance.listings.rings().filter { $0.group == RecordName("pumps") }
      #expect(rings.count == refusals.count { $0 == nil } + 1)
    }
  }

  /// As an older Muster added it: an event of its own, sealed for a purpose of its own.
  @Test func `a group's key from before there were rings is one, and its boards go on enrolling`() async throws {
    try await withGroup { test, administrator in
      let other = try #require(RecordName("other"))
      let group = try #require(try await test.instance.listings.group(other)).record
      let record = RecordID(.key, UUIDv7(at: test.clock.now()))
      let old = DeviceKey.random()
      let check = KeyCheck(of: old.bytes, id: record.description, version: 1)
      let sealed = try test.instance.vault.seal(old.bytes, owner: record, purpose: "group-enrollment-key", version: 1)
      let event = try Event(
        at: test.clock.now(), by: .folder, on: [.record(group)], policy: nil,
        GroupKeyAdded(group: group, key: record, check: check.hex))
      _ = try await test.opened.store.commit(UnitOfWork(events: [event], secrets: [sealed]))
      func board(_ id: String) async throws -> String? {
        try await enroll(
          test, token(test, id, group: "other", by: old.derived(for: id)), .keys(claim())
        ).refusalCode
      }
      #expect(try await board("dev-1") == nil)
      let name = record.description
      let ring = try #require(RecordName(name))
      let shown = try #require(try await test.instance.listings.keyRing(ring))
      #expect(shown.ring.kind == .groupEnrollment && shown.ring.group == other)
      #expect(shown.versions.map(\.state) == [.active] && shown.ring.newest.check == check.hex)
      let upkeep = KeyRingUpkeep(opened: test.opened, logger: Logger(label: "test"))
      try await upkeep.round()
      #expect(try await test.administration.rotateRing(name, by: administrator).get().number == 2)
      #expect(try await board("dev-2") == nil)
      try await move(test, 1, to: .destroyed, of: name, by: administrator)
      #expect(try await board("dev-3") == "token-wrong")
      #expect(try await test.opened.readers.secrets(purpose: "group-enrollment-key").isEmpty)
      try test.expectWholeLedger()
    }
  }
}
