import Crypto
import Enrollment
import Foundation
import KeyVault
import Ledger
import Logging
import MusterModel
import MusterTesting
import Policy
import SQLiteStore
import Testing

@testable import muster

/// Key rings on a real instance: what is done with them, to them, and what is on record of it.
@Suite struct KeyRingTests {
  private func with(
    _ kind: RingKind = .aes256GCM, _ change: (inout KeyRingInput) -> Void = { _ in },
    _ body: (TestInstance, KeyUse, Caller) async throws -> Void
  ) async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      var input = KeyRingInput(name: "firmware", kind: kind.rawValue)
      change(&input)
      _ = try await test.administration.createRing(input, by: administrator).get()
      try await body(test, KeyUse(test.instance), administrator)
      try test.expectWholeLedger()
    }
  }

  @Test func `two who are the first to ask for the key that is wrapped to are given the same`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      async let first = test.administration.wrappingKey(by: administrator)
      async let second = test.administration.wrappingKey(by: administrator)
      let keys = [try await first.get().publicKey, try await second.get().publicKey]
      #expect(Set(keys).count == 1)
      #expect(try await test.opened.readers.secrets(purpose: WrappingKey.purpose).count == 1)
      try test.expectWholeLedger()
    }
  }

  private func item(_ text: String, context: String? = nil) -> KeyItem {
    KeyItem(data: Data(text.utf8).base64EncodedString(), context: context)
  }

  private func encrypted(_ use: KeyUse, _ text: String, context: String? = nil, by caller: Caller) async throws
    -> String
  {
    let results = try await use.encrypt("firmware", [item(text, context: context)], by: caller).get()
    return try #require(results.first?.text)
  }

  private func decrypted(
    _ use: KeyUse, _ text: String, context: String? = nil, by caller: Caller
  ) async throws -> Result<String, Refusal> {
    switch try await use.decrypt("firmware", [KeyItem(text: text, context: context)], by: caller) {
    case .refused(let refusal): return .failure(refusal)
    case .done(let results):
      let result = try #require(results.first)
      if let code = result.code { return .failure(Refusal(.invalid, code, "")) }
      return .success(String(decoding: try #require(result.data.flatMap { Data(base64Encoded: $0) }), as: UTF8.self))
    }
  }

  private func move(
    _ test: TestInstance, _ version: UInt32, to state: KeyState, by caller: Caller
  ) async throws -> Outcome<KeyVersionSummary> {
    try await test.administration.move(
      version: version, of: "firmware", KeyMoveInput(state: state.rawValue, reason: "asked to"), by: caller)
  }

  private func shown(_ test: TestInstance) async throws -> KeyRingDetail {
    let name = try #require(RecordName("Firmware"))
    return try #require(try await test.instance.listings.keyRing(name))
  }

  @Test func `a rotated version opens and no longer seals, and what it sealed is rewrapped`() async throws {
    try await with { test, use, caller in
      let old = try await encrypted(use, "canary", context: "pump-7", by: caller)
      #expect(try await test.administration.rotateRing("firmware", by: caller).get().number == 2)
      #expect(try await decrypted(use, old, context: "pump-7", by: caller).get() == "canary")
      let new = try await encrypted(use, "canary", by: caller)
      #expect(RingText(old, as: .ciphertext)?.version == 1 && RingText(new, as: .ciphertext)?.version == 2)
      let rewrapped = try await use.rewrap("firmware", [KeyItem(text: old, context: "pump-7")], by: caller).get()
      let text = try #require(rewrapped.first?.text)
      #expect(RingText(text, as: .ciphertext)?.version == 2)
      #expect(try await decrypted(use, text, context: "pump-7", by: caller).get() == "canary")
      let shown = try await shown(test)
      #expect(shown.versions.map(\.state) == [.active, .deactivated] && shown.ring.newest.number == 2)
    }
  }

  @Test func `minima, and each state, stop what they say`() async throws {
    try await with { test, use, caller in
      let first = try await encrypted(use, "canary", by: caller)
      _ = try await test.administration.rotateRing("firmware", by: caller).get()
      _ = try await test.administration.setMinima(RingMinima(decrypt: 2, encrypt: 2), of: "firmware", by: caller).get()
      #expect(try await decrypted(use, first, by: caller).code == "key-version-below-minimum")
      _ = try await test.administration.setMinima(RingMinima(decrypt: 1, encrypt: 1), of: "firmware", by: caller).get()
      #expect(try await decrypted(use, first, by: caller).code == nil)
      #expect(try await move(test, 2, to: .suspended, by: caller).get().state == .suspended)
      #expect(try await use.encrypt("firmware", [item("a")], by: caller).refusalCode == "key-state")
      #expect(try await move(test, 2, to: .active, by: caller).get().state == .active)
      #expect(try await move(test, 2, to: .destroyed, by: caller).refusalCode == "key-move")
      #expect(try await move(test, 2, to: .deactivated, by: caller).refusalCode == "key-move")
      #expect(try await move(test, 1, to: .compromised, by: caller).get().state == .compromised)
      #expect(try await decrypted(use, first, by: caller).get() == "canary")
      #expect(try await move(test, 1, to: .active, by: caller).refusalCode == "key-move")
      #expect(try await move(test, 1, to: .destroyed, by: caller).get().state == .destroyed)
      #expect(try await decrypted(use, first, by: caller).code == "key-state")
      #expect(try await move(test, 9, to: .suspended, by: caller).refusalCode == "key-version-unknown")
    }
  }

  /// Everything in the folder is read while the service holds it open.
  @Test func `of a destroyed version nothing lies in the folder`() async throws {
    try await with { test, _, caller in
      _ = try await test.administration.rotateRing("firmware", by: caller).get()
      let sealed = try await test.opened.readers.secrets(purpose: Vault.ringPurpose)
      let first = try #require(sealed.first { $0.version == 1 })
      let needle = Data(first.bytes.suffix(48))
      #expect(try test.files().contains { $0.range(of: needle) != nil })
      _ = try await move(test, 1, to: .destroyed, by: caller).get()
      #expect(try test.files().allSatisfy { $0.range(of: needle) == nil })
    }
  }

  @Test func `where a ring waits, a version is destroyed by the service when its time is over, or kept`() async throws {
    try await with(.aes256GCM, { $0.destroyWaitSeconds = 7 * 86_400 }) { test, use, caller in
      let old = try await encrypted(use, "canary", by: caller)
      _ = try await test.administration.rotateRing("firmware", by: caller).get()
      let upkeep = KeyRingUpkeep(opened: test.opened, logger: Logger(label: "test"))
      #expect(try await move(test, 1, to: .destroyed, by: caller).get().destroyAt != nil)
      test.clock.advance(.seconds(6 * 86_400))
      try await upkeep.round()
      #expect(try await decrypted(use, old, by: caller).get() == "canary")
      #expect(try await move(test, 1, to: .deactivated, by: caller).get().destroyAt == nil)
      _ = try await move(test, 1, to: .compromised, by: caller).get()
      #expect(try await move(test, 1, to: .destroyed, by: caller).get().destroyAt != nil)
      #expect(try await move(test, 1, to: .compromised, by: caller).get().destroyAt == nil)
      test.clock.advance(.seconds(2 * 86_400))
      try await upkeep.round()
      #expect(try await decrypted(use, old, by: caller).get() == "canary")
      // The service destroys what is still to be destroyed, whatever it saw before.
      let service = Caller(principal: .service, reads: ReadSet(), source: "service")
      #expect(try await move(test, 1, to: .destroyed, by: service).get().state != .destroyed)
      _ = try await move(test, 1, to: .destroyed, by: caller).get()
      test.clock.advance(.seconds(7 * 86_400))
      try await upkeep.round()
      #expect(try await decrypted(use, old, by: caller).code == "key-state")
    }
  }

  @Test func `a version is replaced when its period is over, and by the service`() async throws {
    try await with(.hmacSHA256, { $0.rotateEverySeconds = 90 * 86_400 }) { test, _, caller in
      let upkeep = KeyRingUpkeep(opened: test.opened, logger: Logger(label: "test"))
      test.clock.advance(.seconds(90 * 86_400 - 1))
      try await upkeep.round()
      #expect(try await newest(test) == 1)
      test.clock.advance(.seconds(1))
      try await upkeep.round()
      try await upkeep.round()
      #expect(try await newest(test) == 2)
      let made = try test.events(of: KeyVersionMade.self)
      #expect(made.map(\.by) == [try #require(caller.principal.actor), .service])
    }
  }

  private func newest(_ test: TestInstance) async throws -> UInt32? {
    try await shown(test).ring.newest.number
  }

  @Test func `health says when a version is not replaced in time`() async throws {
    try await with(.p256, { $0.rotateEverySeconds = 3600 }) { test, _, _ in
      let health = HealthFindings(
        opened: test.opened, vault: test.opened.vault, isPlainServed: true, isMemoryLocked: true
      ) { _ in nil }
      test.clock.advance(.seconds(3600 + 3599))
      #expect(await !health.all().contains { $0.code == "key-rotation-late" })
      test.clock.advance(.seconds(1))
      let finding = try #require(await health.all().first { $0.code == "key-rotation-late" })
      #expect(finding.detail.contains("firmware") && !finding.isBlocking)
    }
  }

  /// 64 callers at once, 320 encryptions, 64 to a version: no version is ever used more often. Who is
  /// told `contended` asks again, and is answered.
  @Test func `a version that is used up is replaced before it is passed, under 64 callers`() async throws {
    try await with(.aes256GCM, { $0.protectionLimit = 64 }) { test, use, caller in
      let texts = try await withThrowingTaskGroup(of: [String].self) { group in
        for _ in 0..<64 {
          group.addTask {
            var made: [String] = []
            while made.count < 5 {
              let outcome = try await use.encrypt("firmware", [self.item("a")], by: caller)
              if outcome.refusalCode == "contended" { continue }
              made.append(try #require(try outcome.get().first?.text))
            }
            return made
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      var uses: [UInt32: Int] = [:]
      for text in texts { uses[try #require(RingText(text, as: .ciphertext)).version, default: 0] += 1 }
      #expect(uses.values.reduce(0, +) == 320 && uses.values.allSatisfy { $0 <= 64 } && uses.count >= 5)
      let shown = try await shown(test)
      for version in shown.versions {
        #expect(version.protections <= 64 && Int(version.protections) >= uses[version.number] ?? 0)
      }
    }
  }

  @Test func `more at once than a version bears is refused, and rotates nothing`() async throws {
    try await with(.aes256GCM, { $0.protectionLimit = 64 }) { test, use, caller in
      let items: [KeyItem] = Array(repeating: item("a"), count: 65)
      #expect(try await use.encrypt("firmware", items, by: caller).refusalCode == "items-malformed")
      #expect(try await newest(test) == 1)
      let made = try await use.encrypt("firmware", Array(items.prefix(64)), by: caller).get()
      #expect(made.count == 64)
    }
  }

  @Test func `who uses a key once is on record with one use, and who goes on with few events`() async throws {
    try await with { test, use, caller in
      for _ in 0..<100 { _ = try await encrypted(use, "a", by: caller) }
      var grants = try test.events(of: KeyUsesGranted.self).map { $0.body.uses }
      #expect(grants.first == 1 && grants.count <= 8 && grants.reduce(0, +) >= 100)
      test.clock.advance(.seconds(61))
      _ = try await encrypted(use, "a", by: caller)
      grants = try test.events(of: KeyUsesGranted.self).map { $0.body.uses }
      #expect(grants.last == 1)
      // Another use is another grant, in the name of who asked.
      let officer = try await test.caller(.administrator, name: "second")
      _ = try await decrypted(use, try await encrypted(use, "a", by: caller), by: officer)
      let last = try #require(try test.events(of: KeyUsesGranted.self).last)
      #expect(last.body.use == .decrypt && last.body.uses == 1 && last.by == officer.principal.actor)
    }
  }

  @Test(arguments: [Role.fieldEngineer, .factoryLine, .auditor, .securityOfficer])
  func `whom the policy does not name uses no key, and is granted nothing`(role: Role) async throws {
    try await with { test, use, caller in
      let other = try await test.caller(role)
      let text = try await encrypted(use, "canary", by: caller)
      #expect(try await use.encrypt("firmware", [item("a")], by: other).refusalCode == "not-allowed")
      #expect(try await decrypted(use, text, by: other).code == "not-allowed")
      #expect(try await use.random(RandomInput(size: 8), by: other).refusalCode == "not-allowed")
      let rotated = try await test.administration.rotateRing("firmware", by: other).refusalCode
      #expect(rotated == (role == .securityOfficer ? nil : "not-allowed"))
      let granted = try test.events(of: KeyUsesGranted.self)
      #expect(granted.map(\.by) == [try #require(caller.principal.actor)], "the administrator's own")
    }
  }

  @Test func `what was made for another ring, context or kind is refused by its code`() async throws {
    try await with { test, use, caller in
      let text = try await encrypted(use, "canary", context: "a", by: caller)
      #expect(try await decrypted(use, text, context: "b", by: caller).code == "secret-not-authentic")
      _ = try await test.administration.createRing(KeyRingInput(name: "other", kind: "aes256-gcm"), by: caller).get()
      let there = try await use.decrypt("other", [KeyItem(text: text, context: "a")], by: caller).get()
      #expect(there.map(\.code) == ["key-other"])
      #expect(try await use.sign("firmware", [item("a")], by: caller).refusalCode == "key-kind")
      #expect(try await use.encrypt("nobody", [item("a")], by: caller).refusalCode == "key-unknown")
      #expect(try await use.encrypt("firmware", [KeyItem(data: "?")], by: caller).refusalCode == "data-malformed")
      #expect(try await use.encrypt("firmware", [], by: caller).refusalCode == "items-malformed")
      let mixed = [
        KeyItem(text: text, context: "a"), KeyItem(text: text, context: "b"),
        KeyItem(text: text, context: "a"),
      ]
      #expect(
        try await use.decrypt("firmware", mixed, by: caller).get().map(\.code) == [nil, "secret-not-authentic", nil])
    }
  }

  @Test(arguments: RingKind.allCases)
  func `a key from elsewhere comes in sealed, is used, and leaves only where that was said`(kind: RingKind) async throws
  {
    try await TestInstance.with { test in
      let caller = try await test.caller(.administrator, name: "root")
      let name = try #require(RecordName("Brought"))
      let bytes =
        kind == .p256
        ? SecretBytes(copying: P256.Signing.PrivateKey().rawRepresentation) : SecretBytes.random(count: 32)
      let raw = try await test.administration.importKey(by: caller).get().publicKey
      let vault = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: #require(Data(base64Encoded: raw)))
      let group = kind.needsGroup ? "pumps" : nil
      _ = try await test.administration.addGroup(
        GroupInput(name: "pumps", profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: caller
      ).get()
      var ring = KeyRingInput(name: "brought", kind: kind.rawValue)
      (ring.exportable, ring.group) = (true, group)
      let sealed = try KeyTransfer(bytes, to: vault, for: .import(name, kind))
      // A repeated request is the same one, and told the same.
      let asking = Caller(
        principal: caller.principal, reads: caller.reads, source: caller.source,
        idempotency: .init(key: "once", request: .sha256([1])))
      let made = try await test.administration.importRing(.init(ring: ring, key: sealed), by: asking).get()
      #expect(made.isImported && made.number == 1)
      #expect(try await test.administration.importRing(.init(ring: ring, key: sealed), by: asking).get() == made)
      let again = KeyRingInput(name: "brought", kind: kind.rawValue)
      #expect(try await test.administration.importRing(.init(ring: again, key: sealed), by: caller).get().number == 2)
      let own = Curve25519.KeyAgreement.PrivateKey()
      let input = KeyExportInput(publicKey: own.publicKey.rawRepresentation.base64EncodedString())
      let exported = try await test.administration.export(version: 2, of: "brought", input, by: caller).get()
      let opened = try exported.key.open(with: own, for: .export(exported.ring, version: 2))
      #expect(opened.isEqual(to: bytes))
      #expect(throws: VaultError.notAuthentic) {
        try exported.key.open(with: own, for: .export(exported.ring, version: 1))
      }
      #expect(try test.events(of: KeyExported.self).map { $0.body.version } == [2])
      // Sealed for another name, or as another kind, it is nobody's.
      let other = try KeyTransfer(bytes, to: vault, for: .import(try #require(RecordName("other")), kind))
      #expect(
        try await test.administration.importRing(.init(ring: ring, key: other), by: caller).refusalCode
          == "secret-not-authentic")
      var kept = KeyRingInput(name: "kept", kind: kind.rawValue)
      kept.group = group
      _ = try await test.administration.createRing(kept, by: caller).get()
      #expect(
        try await test.administration.export(version: 1, of: "kept", input, by: caller).refusalCode
          == "key-not-exportable")
      let officer = try await test.caller(.securityOfficer)
      #expect(
        try await test.administration.export(version: 2, of: "brought", input, by: officer).refusalCode == "not-allowed"
      )
    }
  }

  /// As bytes, in hex and in base64, in whatever file: the database and its log, and what the ledger exports.
  @Test func `a canary key lies nowhere in the folder, and in no export`() async throws {
    try await TestInstance.with { test in
      let caller = try await test.caller(.administrator, name: "root")
      let name = try #require(RecordName("canary"))
      let canary = SecretBytes.random(count: 32)
      let raw = try await test.administration.importKey(by: caller).get().publicKey
      let vault = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: #require(Data(base64Encoded: raw)))
      for kind in [RingKind.aes256GCM, .hmacSHA256, .ed25519] {
        let name = try #require(RecordName(name.text + kind.rawValue))
        let sealed = try KeyTransfer(canary, to: vault, for: .import(name, kind))
        let ring = KeyRingInput(name: name.text, kind: kind.rawValue)
        _ = try await test.administration.importRing(.init(ring: ring, key: sealed), by: caller).get()
        let use = KeyUse(test.instance)
        _ =
          try await kind == .aes256GCM
          ? use.encrypt(name.text, [item("a")], by: caller).get()
          : kind == .hmacSHA256
            ? use.mac(name.text, [item("a")], by: caller).get() : use.sign(name.text, [item("a")], by: caller).get()
        _ = try await test.administration.rotateRing(name.text, by: caller).get()
      }
      let bytes = canary.withUnsafeBytes { Data($0) }
      let forms = [bytes, Data(Hex.encode(Array(bytes)).utf8), bytes.base64EncodedData()]
      var export = Data()
      try LedgerArchive(test.opened.folder.data).export(try OpenInstance.verifier(test.opened.folder)) { export += $0 }
      let found = try test.files()
      #expect(found.count > 10 && !export.isEmpty)
      for file in found + [export] { for form in forms { #expect(file.range(of: form) == nil) } }
    }
  }

  @Test func `64 who make a ring of one name at once make one`() async throws {
    try await with { test, _, caller in
      let outcomes = try await withThrowingTaskGroup(of: String?.self) { group in
        for _ in 0..<64 {
          group.addTask {
            try await test.administration.createRing(KeyRingInput(name: "Once", kind: "ed25519"), by: caller)
              .refusalCode
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.count { $0 == nil } == 1)
      #expect(outcomes.allSatisfy { $0 == nil || $0 == "key-name-taken" || $0 == "contended" })
    }
  }

  @Test func `sealed, nothing is done with keys, and unsealed it goes on`() async throws {
    try await with { test, use, caller in
      let text = try await encrypted(use, "canary", by: caller)
      _ = try await test.opened.vault.seal(by: caller).get()
      #expect(try await decrypted(use, text, by: caller).code == "vault-sealed")
      #expect(try await test.administration.rotateRing("firmware", by: caller).refusalCode == "vault-sealed")
      let code = test.code.text
      _ = try await test.opened.vault.unseal(.recoveryCode(code), by: caller).get()
      #expect(try await decrypted(use, text, by: caller).get() == "canary")
    }
  }

  @Test(arguments: [
    ("aes256-gcm", "key-kind-not-allowed"), ("rsa", "key-kind-malformed"), ("hmac-sha256", nil),
  ])
  func `a kind that keys.yaml does not name is not made`(kind: String, code: String?) async throws {
    let keys = "version: 1\ncryptoperiods:\n  hmac-sha256: 30\n"
    try await TestInstance.with(keys: keys) { test in
      let caller = try await test.caller(.administrator, name: "root")
      #expect(
        try await test.administration.createRing(KeyRingInput(name: "a", kind: kind), by: caller).refusalCode == code)
      var longer = KeyRingInput(name: "b", kind: "hmac-sha256")
      longer.rotateEverySeconds = 31 * 86_400
      #expect(try await test.administration.createRing(longer, by: caller).refusalCode == "rotation-malformed")
    }
  }
}

extension Result where Failure == Refusal {
  fileprivate var code: String? {
    if case .failure(let refusal) = self { return refusal.code }
    return nil
  }
}

extension TestInstance {
  /// The recorded events of one kind, in their order.
  fileprivate func events<Body: EventBody>(of _: Body.Type) throws -> [(by: Actor, body: Body)] {
    let records = try LedgerArchive(opened.folder.data).records
    var found: [(Actor, Body)] = []
    while let bytes = try records.event()?.bytes {
      let envelope = try EventEnvelope(bytes)
      guard envelope.kind == Body.kind else { continue }
      found.append((envelope.by, try #require(try EventCatalog.muster[Body.kind].body(bytes) as? Body)))
    }
    return found
  }
}
