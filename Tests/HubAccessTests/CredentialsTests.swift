import Crypto
import KeyVault
import MusterModel
import Testing

@testable import HubAccess

/// What a hub reads, and what is on record before it does.
@Suite struct CredentialsTests {
  private let world: HubWorld
  private let key = P256.KeyAgreement.PrivateKey()
  private let ledger = "test.example/muster/k7"

  init() throws {
    world = try HubWorld()
    let (world, key) = (world, SealKey(of: key))
    world.change { $0.sealKeys[world.hub] = (key, 1) }
  }

  private var credentials: Credentials {
    Credentials(world, store: world, vault: world.vault, clock: world.clock, ledger: ledger)
  }

  private func texts(_ pair: DeviceKeyPair) -> [String] {
    [pair.primary, pair.secondary].map { text($0.key) }
  }

  private func text(_ key: DeviceKey) -> String {
    key.text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  private func read(_ name: String, _ keys: KeyReading) async throws -> HubDevice {
    let id = try #require(DeviceID(name))
    return try #require(try await credentials.device(id, for: world.credential(), keys).get().device)
  }

  private func opened(_ device: HubDevice, by key: P256.KeyAgreement.PrivateKey? = nil) throws -> [String] {
    let sealed = try #require(device.sealedKeys)
    return try sealed.open(with: key ?? self.key, device.context(hub: world.hub, ledger: ledger)).map(text)
  }

  @Test func `keys are shown to who asks for them and may, and it is on record`() async throws {
    let pair = try world.device("pump-1")
    let without = try await read("pump-1", .none)
    #expect(without.keys.map(\.key) == [nil, nil] && without.sealedKeys == nil && world.current.committed.isEmpty)
    let plain = try await read("pump-1", .plain)
    #expect(plain.keys.map(\.key) == texts(pair) && plain.sealedKeys == nil)
    let sealed = try await read("pump-1", .sealed)
    #expect(sealed.keys.map(\.key) == [nil, nil])
    #expect(try opened(sealed) == texts(pair))
    let reads = world.current.committed.compactMap { $0.body as? DeviceKeysRead }
    #expect(reads.map(\.sealKey) == [nil, SealKey(of: key).digest])
    #expect(reads.allSatisfy { $0.hub == world.hub && $0.devices == [plain.device] })
  }

  @Test func `no key is shown that could not be recorded`() async throws {
    _ = try world.device("pump-1")
    world.change { $0.refuses = true }
    let id = try #require(DeviceID("pump-1"))
    for keys in [KeyReading.sealed, .plain] {
      #expect(
        try await credentials.device(id, for: world.credential(), keys).refusal == .notInOffice, "\(keys)")
    }
  }

  @Test func `a hub without a key of its own is shown none that is sealed, one or all`() async throws {
    _ = try world.device("pump-1")
    world.change { $0.sealKeys = [:] }
    let id = try #require(DeviceID("pump-1"))
    #expect(try await credentials.device(id, for: world.credential(), .sealed).refusal == .withoutSealKey)
    #expect(try await credentials.fleet(for: world.credential(), .sealed).refusal == .withoutSealKey)
    #expect(world.current.committed.isEmpty)
  }

  @Test func `what was sealed to a key that was replaced meanwhile does not leave`() async throws {
    let pair = try world.device("pump-1")
    let next = P256.KeyAgreement.PrivateKey()
    let replacement = SealKey(of: next)
    world.change { $0.replacement = replacement }
    let sealed = try await read("pump-1", .sealed)
    #expect(try opened(sealed, by: next) == texts(pair))
    #expect(throws: VaultError.notAuthentic) { try opened(sealed) }
    let reads = world.current.committed.compactMap { $0.body as? DeviceKeysRead }
    #expect(reads.map(\.sealKey) == [replacement.digest])
  }

  @Test func `who has it already is not shown it again, until it is another`() async throws {
    _ = try world.device("pump-1")
    let id = try #require(DeviceID("pump-1"))
    for keys in KeyReading.allCases {
      let first = try await credentials.device(id, for: world.credential(), keys).get()
      let recorded = world.current.committed.count
      let again = try await credentials.device(id, for: world.credential(), keys, known: [first.tag]).get()
      #expect(first.device != nil && again.device == nil && again.tag == first.tag, "\(keys)")
      #expect(world.current.committed.count == recorded, "\(keys)")
      let other = try await credentials.device(id, for: world.credential(), keys, known: [.sha256([1])]).get()
      #expect(other.device != nil, "\(keys)")
    }
    let before = try await credentials.device(id, for: world.credential(), .sealed).get().tag
    world.change { contents in
      contents.devices[world.hub] = contents.devices[world.hub]?.map { found in
        let device = found.device
        return SealedDevice(
          device: HubDevice(
            device: device.device, deviceID: device.deviceID, state: .disabled, isBlocked: false, generation: 1,
            certificates: [], keys: device.keys), sealed: found.sealed)
      }
    }
    let changed = try await credentials.device(id, for: world.credential(), .sealed, known: [before]).get()
    #expect(changed.device?.state == .disabled && changed.tag != before)
    let key = SealKey(of: P256.KeyAgreement.PrivateKey())
    world.change { $0.sealKeys[world.hub] = (key, 2) }
    #expect(
      try await credentials.device(id, for: world.credential(), .sealed, known: [changed.tag]).get().device != nil)
  }

  @Test func `one event for a page of the snapshot`() async throws {
    for number in 0..<70 { _ = try world.device("pump-\(number)") }
    let (reading, devices) = try await credentials.snapshot(for: world.credential(), after: -1, limit: 1000, .sealed)
      .get()
    #expect(devices.count == 64 && reading.next == 63 && world.current.committed.count == 1)
    let (_, all) = try await credentials.snapshot(for: world.credential(), after: -1, limit: 1000, .none).get()
    #expect(all.count == 70 && world.current.committed.count == 1)
  }

  @Test func `a whole fleet comes part by part, each on record before it is given`() async throws {
    var pairs: [DeviceKeyPair] = []
    for number in 0..<150 { pairs.append(try world.device("pump-\(number)")) }
    let fleet = try await credentials.fleet(for: world.credential(), .sealed).get()
    var shown: [HubDevice] = []
    var parts = 0
    while let piece = try await fleet.next() {
      switch piece {
      case .first(let head, let devices):
        #expect(head.next == nil && parts == 0)
        shown += devices
        parts += 1
      case .more(let devices):
        shown += devices
        parts += 1
      case .end(let count): #expect(count == 150 && shown.count == 150)
      }
      #expect(world.current.committed.count == parts, "no part more is read than was given")
    }
    #expect(parts == 3)
    #expect(try shown.map { try opened($0) } == pairs.map(texts))
    let named = world.current.committed.compactMap { ($0.body as? DeviceKeysRead)?.devices }.joined()
    #expect(Array(named) == shown.map(\.device))
  }

  @Test(arguments: [KeyReading.sealed, .plain])
  func `a hub that is removed while it reads its fleet is shown no more`(keys: KeyReading) async throws {
    for number in 0..<130 { _ = try world.device("pump-\(number)") }
    let fleet = try await credentials.fleet(for: world.credential(), keys).get()
    _ = try await fleet.next()
    let hub = world.hub
    world.change { $0.removed = [hub] }
    await #expect(throws: HubRefusal.notInOffice) { try await fleet.next() }
    #expect(world.current.committed.count == 1)
  }

  @Test func `an empty fleet has its place and its end`() async throws {
    let fleet = try await credentials.fleet(for: world.credential(), .sealed).get()
    guard case .first(_, let devices) = try await fleet.next(), devices.isEmpty,
      case .end(devices: 0) = try await fleet.next()
    else {
      Issue.record("expected a head and an end")
      return
    }
    #expect(try await fleet.next() == nil)
  }

  @Test func `another hub's device is not there`() async throws {
    _ = try world.device("pump-1")
    let id = try #require(DeviceID("pump-1"))
    #expect(try await credentials.device(id, for: world.credential(world.other), .none).refusal == .deviceUnknown)
  }
}

extension Result where Failure == HubRefusal {
  /// nil for a success.
  fileprivate var refusal: HubRefusal? {
    if case .failure(let refusal) = self { refusal } else { nil }
  }
}
