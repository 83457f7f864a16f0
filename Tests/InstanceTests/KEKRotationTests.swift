import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Synchronization
import Testing

@testable import muster

/// Key-encryption keys change, and no secret is lost.
@Suite(.timeLimit(.minutes(20))) struct KEKRotationTests {
  private let hardware = "cpu-serial:00000000e4b1c9d2"

  /// With devices that have keys.
  private func with(_ devices: Int, _ body: (TestInstance, Caller) async throws -> Void) async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      for number in 0..<devices {
        let code = try await test.ticket("cpu-serial:feed\(number + 1000)", "pump-\(number)", by: administrator)
        _ = try await test.enroll("pump-\(number)", code, PeerKey()).get()
        _ = try await test.administration.rekey("pump-\(number)", by: administrator).get()
      }
      try await body(test, administrator)
    }
  }

  private func vault(of opened: OpenInstance, committingTo store: any Store) -> VaultAdministration {
    VaultAdministration(
      opened.instance(committingTo: store), reader: opened.readers, points: opened.points,
      keptSigner: opened.keepers.signer, own: opened.unsealing)
  }

  private func finish(_ vault: VaultAdministration) async throws {
    while try await vault.rewrapSome() {}
    _ = try await vault.rewrapSome()
  }

  private func sealed(_ test: TestInstance) async throws -> [SealedSecret] {
    let purposes = ["device-key", "signing-key", "ocsp-responder-key"]
    var found: [SealedSecret] = []
    for purpose in purposes { found += try await test.opened.readers.secrets(purpose: purpose) }
    return found
  }

  @Test func `everything comes under the new key, the old one goes, and the ledger says both`() async throws {
    try await with(3) { test, administrator in
      let vault = test.opened.vault
      let before = try await sealed(test)
      let opened = try before.map { try test.instance.vault.open($0) }
      let status = try await vault.rotateKEK(by: administrator).get()
      #expect(status.keks == [1, 2] && status.rewrapping?.kek == 2)
      #expect(try await vault.rotateKEK(by: administrator).refusalCode == "vault-rotation-running")
      let oldKEK = try #require(try await test.opened.readers.secrets(purpose: "vault-kek").first { $0.version == 1 })
      try await finish(vault)
      let after = try await sealed(test)
      #expect(
        after.map(\.owner) == before.map(\.owner) && Set(after.map(\.bytes)).isDisjoint(with: before.map(\.bytes)))
      for (sealed, secret) in zip(after, opened) {
        #expect(Vault.kek(of: sealed.bytes) == 2)
        #expect(try test.instance.vault.open(sealed).isEqual(to: secret))
      }
      let done = try await vault.status(by: administrator).get()
      #expect(done.keks == [2] && done.rewrapping == nil && vault.rewrapped == UInt64(before.count))
      #expect(try await test.lastKinds(1) == ["kek-retired"])
      try test.expectWholeLedger()
      // What stands behind the retirement was done once the next commit is answered.
      _ = try await test.caller(.auditor)
      for file in ["muster.db", "muster.db-wal"] {
        let content = try Data(contentsOf: URL(fileURLWithPath: test.path + "/" + file))
        #expect(content.range(of: Data(oldKEK.bytes)) == nil, "\(file)")
      }
      try await test.reopened { again in
        for (sealed, secret) in zip(after, opened) {
          let opened = try again.instance.vault.open(sealed)
          #expect(opened.isEqual(to: secret))
        }
      }
    }
  }

  @Test func `what was read before it was re-wrapped still opens for a minute, and not after`() async throws {
    try await with(1) { test, administrator in
      let vault = test.opened.vault
      let old = try #require(try await sealed(test).first)
      _ = try await vault.rotateKEK(by: administrator).get()
      try await finish(vault)
      test.clock.advance(.seconds(59))
      _ = try await vault.rewrapSome()
      _ = try test.instance.vault.open(old)
      test.clock.advance(.seconds(1))
      _ = try await vault.rewrapSome()
      #expect(throws: VaultError.notAuthentic) { try test.instance.vault.open(old) }
    }
  }

  @Test func `a change that comes between reading and re-wrapping wins`() async throws {
    try await with(1) { test, administrator in
      let old = try #require(try await test.opened.readers.secrets(purpose: "device-key").first)
      _ = try await test.opened.vault.rotateKEK(by: administrator).get()
      let rewrap = try test.instance.vault.rewrap(old)
      let changed = try test.instance.vault.seal(
        .random(count: 32), owner: old.owner, purpose: old.purpose, version: old.version)
      _ = try await test.opened.store.commit(UnitOfWork(events: [], secrets: [changed]))
      _ = try await test.opened.store.commit(UnitOfWork(events: [], rewraps: [rewrap]))
      #expect(try await test.opened.readers.secrets(purpose: "device-key").contains(changed))
      let gone = Rewrap(
        SealedSecret(owner: old.owner, purpose: old.purpose, version: 99, bytes: changed.bytes), insteadOf: old.bytes)
      _ = try await test.opened.store.commit(UnitOfWork(events: [], rewraps: [gone]))
      #expect(try await !test.opened.readers.secrets(purpose: "device-key").contains { $0.version == 99 })
    }
  }

  @Test func `nothing is written under an older key any more`() async throws {
    try await with(0) { test, administrator in
      let owner = RecordID(.key, UUIDv7(at: test.clock.now()))
      let late = try test.instance.vault.seal(.random(count: 32), owner: owner, purpose: "any", version: 1)
      let answer = IdempotentAnswer(
        operator: RecordID(.operator, UUIDv7(at: test.clock.now())), key: "k", request: .sha256([]), status: 200,
        body: late.bytes, isSealed: true)
      _ = try await test.opened.vault.rotateKEK(by: administrator).get()
      for unit in [
        UnitOfWork(events: [], secrets: [late]), UnitOfWork(events: [], answer: answer),
        UnitOfWork(events: [], rewraps: [Rewrap(late, insteadOf: [])]),
      ] {
        #expect(try await test.opened.store.commit(unit) == .stale(.vault))
      }
    }
  }

  @Test func `an answer that is kept sealed is given again after a rotation`() async throws {
    try await with(1) { test, _ in
      let first = try await test.caller(.administrator, name: "anna", key: "once")
      let keys = try await test.administration.rekey("pump-0", by: first).get()
      _ = try await test.opened.vault.rotateKEK(by: try await test.caller(.administrator, name: "bert")).get()
      try await finish(test.opened.vault)
      #expect(try await test.opened.vault.status(by: .folder()).get().keks == [2])
      test.clock.advance(.seconds(60))
      _ = try await test.opened.vault.rewrapSome()
      #expect(try await test.administration.rekey("pump-0", by: first).get().primary.key == keys.primary.key)
    }
  }

  @Test func `what does not open keeps the older key, and is counted`() async throws {
    try await with(1) { test, administrator in
      let owner = RecordID(.key, UUIDv7(at: test.clock.now()))
      let sound = try test.instance.vault.seal(.random(count: 32), owner: owner, purpose: "any", version: 1)
      let broken = SealedSecret(owner: owner, purpose: "other", version: 1, bytes: sound.bytes)
      _ = try await test.opened.store.commit(UnitOfWork(events: [], secrets: [broken]))
      _ = try await test.opened.vault.rotateKEK(by: administrator).get()
      try await finish(test.opened.vault)
      let status = try await test.opened.vault.status(by: administrator).get()
      #expect(status.keks == [1, 2] && status.rewrapping?.unreadable == 1)
      _ = try await test.opened.store.commit(UnitOfWork(events: [], forgets: [owner]))
      // A pass that is under way, one that finds nothing, and the look after it.
      for _ in 0..<3 { try await finish(test.opened.vault) }
      #expect(try await test.opened.vault.status(by: administrator).get().keks == [2])
    }
  }

  @Test func `a restart goes on where it stood`() async throws {
    try await with(2) { test, administrator in
      _ = try await test.opened.vault.rotateKEK(by: administrator).get()
      try await test.reopened { again in
        #expect(try await again.opened.vault.status(by: .folder()).get().keks == [1, 2])
        try await finish(again.opened.vault)
        #expect(try await again.opened.vault.status(by: .folder()).get().keks == [2])
        try again.expectWholeLedger()
      }
    }
  }

  @Test(arguments: [Role.auditor, .fieldEngineer, .factoryLine])
  func `who may not rotates nothing, and nobody does while it is sealed`(role: Role) async throws {
    try await with(0) { test, administrator in
      #expect(try await test.opened.vault.rotateKEK(by: try await test.caller(role)).refusalCode != nil)
      _ = try await test.opened.vault.seal(by: administrator).get()
      #expect(try await test.opened.vault.rotateKEK(by: administrator).refusalCode == "vault-sealed")
      #expect(try await test.opened.vault.rewrapSome() == false)
      #expect(try await test.opened.vault.status(by: administrator).get().keks == [1])
    }
  }

  /// Else who seals under the older one decides again from a vault that does not know, until there is no attempt left.
  @Test func `a new key seals before anyone is answered whose commit came behind it`() async throws {
    try await with(0) { test, administrator in
      let opened = test.opened
      let store = WatchingStore(opened.store) { try? opened.instance.vault.currentKEK }
      let rotated = try await vault(of: opened, committingTo: store).rotateKEK(by: administrator).get()
      // Its answer comes after the look at the one before.
      _ = try await store.commit(UnitOfWork(events: []))
      #expect(rotated.keks == [1, 2] && store.found.first == 2)
    }
  }

  @Test func `who unseals while the key changes seals under the new one`() async throws {
    try await with(0) { test, administrator in
      let opened = test.opened
      let protector = LatchedProtector(RecoveryCodeProtector(test.code))
      let store = InterruptedStore(opened.store) {
        // Sealed, and not on record yet.
        opened.instance.vault.seal()
        let unsealed = Task { try await opened.vault.unseal(.protector(protector), by: administrator) }
        await protector.isAsked()
        return unsealed
      }
      let rotated = try? await vault(of: opened, committingTo: store).rotateKEK(by: administrator).get()
      protector.goOn()
      _ = try await store.interruption?.value.get()
      let current = try opened.instance.vault.currentKEK
      #expect(rotated?.isSealed == true && current == 2)
    }
  }

  /// Of requests that seal while the key changes none is refused, and what they were answered opens.
  @Test func `keys are made while it rotates, and each that was answered is there`() async throws {
    try await with(8) { test, administrator in
      async let rotated: Void = {
        _ = try await test.opened.vault.rotateKEK(by: administrator).get()
        while try await test.opened.vault.rewrapSome() {}
      }()
      let answered = try await withThrowingTaskGroup(of: IssuedKeys.self) { group in
        for number in 0..<8 {
          group.addTask {
            var last = try await test.administration.rekey("pump-\(number)", by: administrator).get()
            for _ in 0..<12 { last = try await test.administration.rekey("pump-\(number)", by: administrator).get() }
            return last
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      try await rotated
      try await finish(test.opened.vault)
      let kept = try await test.opened.readers.secrets(purpose: "device-key").map {
        try test.instance.vault.open($0).withUnsafeBytes { Data($0).base64EncodedString() }
      }
      for keys in answered { #expect(kept.contains(keys.primary.key)) }
      #expect(try await test.opened.vault.status(by: administrator).get().keks == [2])
      try test.expectWholeLedger()
    }
  }
}

/// Looks at something on the store's thread, where those behind a commit have no answer yet.
private final class WatchingStore: Store {
  private let store: any Store
  private let look: @Sendable () -> UInt32?
  private let looks = Mutex<[UInt32?]>([])

  init(_ store: any Store, look: @escaping @Sendable () -> UInt32?) {
    self.store = store
    self.look = look
  }

  var found: [UInt32?] { looks.withLock(\.self) }

  func submit(
    _ units: [UnitOfWork], answer: @escaping @Sendable ([Result<CommitOutcome, any Error>]) -> Void
  ) {
    store.submit(units) { [self] outcomes in
      answer(outcomes)
      looks.withLock { $0.append(look()) }
    }
  }

  func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    try await withCheckedThrowingContinuation { continuation in
      submit([unit]) { continuation.resume(with: $0[0]) }
    }
  }
}

/// Opens once it may.
private final class LatchedProtector: KeyProtector {
  private let protector: any KeyProtector
  private let asked = AsyncStream.makeStream(of: Void.self)
  private let latch = DispatchSemaphore(value: 0)

  init(_ protector: any KeyProtector) { self.protector = protector }

  var kind: SlotKind { protector.kind }

  func isAsked() async { for await _ in asked.stream { return } }

  func goOn() { latch.signal() }

  func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    try protector.wrap(root, slot: number)
  }

  func unwrap(_ slot: Slot) throws(VaultError) -> RootKey {
    asked.continuation.yield()
    latch.wait()
    return try protector.unwrap(slot)
  }
}

/// Has something done before the first key-encryption key that passes is committed, and keeps what came of it.
private final class InterruptedStore<Interruption: Sendable>: StoreDouble {
  private let store: any Store
  private let interrupt: @Sendable () async throws -> Interruption
  private let kept = Mutex<Interruption?>(nil)

  init(_ store: any Store, interrupt: @escaping @Sendable () async throws -> Interruption) {
    self.store = store
    self.interrupt = interrupt
  }

  var interruption: Interruption? { kept.withLock(\.self) }

  func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    if unit.events.contains(where: { $0.body is KEKCreated }) {
      let interruption = try await interrupt()
      kept.withLock { $0 = interruption }
    }
    return try await store.commit(unit)
  }
}
