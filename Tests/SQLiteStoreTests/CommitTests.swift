import CertificateAuthority
import DeviceRegistry
import Ledger
import MusterModel
import SQLiteStore
import Testing

@Suite struct CommitTests {
  /// What is there before, and what must then not be had again.
  struct Claim: CustomTestStringConvertible, Sendable {
    let name: UniqueName
    let first: @Sendable () throws -> UnitOfWork
    /// The unit that asks for the name again; each with all else its own.
    let second: @Sendable () throws -> UnitOfWork
    var testDescription: String { "\(name)" }
  }

  static let claims: [Claim] = {
    let (device, hardware) = (Units.id(.device), Units.id(.hardware))
    let key = Units.digest("a key")
    let serial = UUIDv7(at: Units.time).bytes
    let id = Units.id(.operator)
    func other(_ change: (inout TestEnrollment) -> Void) -> TestEnrollment {
      var enrollment = TestEnrollment(deviceID: Units.deviceID("other"), hardwareID: Units.hardwareID(2))
      change(&enrollment)
      return enrollment
    }
    let first = TestEnrollment(
      device: device, deviceID: Units.deviceID("Pump-7"), hardware: hardware, hardwareID: Units.hardwareID(1),
      serial: serial, publicKey: key)
    let secondName = other { $0.deviceID = Units.deviceID("pUMP-7") }
    let secondHardware = other { $0.hardwareID = Units.hardwareID(1) }
    let secondBoard = other { $0.hardware = hardware }
    let secondBinding = other { ($0.device, $0.isNew, $0.generation) = (device, false, 2) }
    let secondSerial = other { $0.serial = serial }
    let secondKey = other { $0.publicKey = key }
    let enroll: @Sendable () throws -> UnitOfWork = { try first.unit() }
    let answer = IdempotentAnswer(
      operator: id, key: "k", request: Units.digest("r"), status: 200, body: [1], isSealed: false)
    let answering: @Sendable () throws -> UnitOfWork = {
      var unit = UnitOfWork(claims: [.idempotencyKey(operator: id, "k")], events: [])
      unit.answer = answer
      return unit
    }
    return [
      Claim(name: .deviceID(secondName.deviceID), first: enroll, second: { try secondName.unit() }),
      Claim(name: .hardware(Units.hardwareID(1)), first: enroll, second: { try secondHardware.unit() }),
      Claim(name: .activeBinding(hardware), first: enroll, second: { try secondBoard.unit() }),
      Claim(name: .activeBinding(device), first: enroll, second: { try secondBinding.unit() }),
      Claim(name: .serial(issuer: Units.issuer, serial), first: enroll, second: { try secondSerial.unit() }),
      Claim(name: .publicKey(key, of: secondKey.device), first: enroll, second: { try secondKey.unit() }),
      Claim(
        name: .ticketCode(key), first: { try Units.ticket(code: key) }, second: { try Units.ticket(code: key) }),
      Claim(
        name: .groupName(Units.name("ALPHA")), first: { try Units.group(Units.name("alpha")) },
        second: { try Units.group(Units.name("ALPHA")) }),
      Claim(
        name: .operatorName(Units.name("ALPHA")), first: { try Units.operator(Units.name("alpha")) },
        second: { try Units.operator(Units.name("ALPHA")) }),
      Claim(
        name: .hubName(Units.name("ALPHA")), first: { try Units.hub(Units.name("alpha")) },
        second: { try Units.hub(Units.name("ALPHA")) }),
      Claim(name: .idempotencyKey(operator: id, "k"), first: answering, second: answering),
    ]
  }()

  @Test(arguments: claims) func `a name that is held is refused, and what asked for it leaves no trace`(
    _ claim: Claim
  ) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    let first = try await store.commit(try claim.first())
    #expect(first == .committed(LedgerPosition(first: 2, count: try claim.first().events.count)))
    #expect(try await store.commit(try claim.second()) == .taken(claim.name))
    let next = try await store.commit(Units.group(Units.name("next")))
    #expect(next == .committed(LedgerPosition(first: 2 + UInt64(try claim.first().events.count), count: 1)))
    await test.close(store)
    #expect(try LedgerReplay.check(test.folder).differences == [])
  }

  /// The same names asked for without a claim: the database's indexes stand behind.
  @Test(arguments: claims) func `a unit that forgot its claims is refused alone by the database`(
    _ claim: Claim
  ) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    var first = try claim.first()
    var second = try claim.second()
    first.claims = []
    second.claims = []
    let neighbour = try Units.group(Units.name("neighbour"))
    let outcomes = await store.commit([first, second, neighbour])
    let count = UInt64(first.events.count)
    #expect(try outcomes[0].get() == .committed(LedgerPosition(first: 2, count: first.events.count)))
    guard case .failure(.conflict) = outcomes[1] else {
      Issue.record("expected a conflict, found \(outcomes[1])")
      return
    }
    #expect(try outcomes[2].get() == .committed(LedgerPosition(first: 2 + count, count: 1)))
    await test.close(store)
    #expect(try LedgerReplay.check(test.folder).differences == [])
    let reopened = try test.open()
    await reopened.close()
  }

  @Test func `what was read and has changed since is stale, and a refusal makes nothing stale`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    let group = Units.id(.group)
    let added = try await store.commit(Units.group(Units.name("alpha"), group))
    #expect(added == .committed(LedgerPosition(first: 0, count: 1)))
    let refused = UnitOfWork(events: [
      try Units.event(
        RequestRefused(operation: "group-remove", code: "no"), on: [group], .init(reason: "no", source: nil))
    ])
    _ = try await store.commit(refused)
    var remove = UnitOfWork(
      reads: ReadSet([.record(group): 1]), events: [try Units.event(GroupRemoved(group: group), on: [group])])
    #expect(try await store.commit(remove) == .committed(LedgerPosition(first: 2, count: 1)))
    remove.events = [try Units.event(ServiceStarted(version: "1"))]
    #expect(try await store.commit(remove) == .stale(.record(group)))
    remove.reads = ReadSet([.record(group): 3, .policies: 0])
    #expect(try await store.commit(remove) == .committed(LedgerPosition(first: 3, count: 1)))
    remove.reads = ReadSet([.record(Units.id(.hub)): 1])
    guard case .stale = try await store.commit(remove) else {
      Issue.record("expected stale for an absent aggregate")
      return
    }
    await test.close(store)
  }

  @Test func `a name is free again once its holder is gone, and a key never is`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    let first = TestEnrollment()
    _ = try await store.commit(first.unit())
    let retire = UnitOfWork(events: [
      try Units.event(
        BindingEnded(device: first.device, generation: 1, hardware: [first.hardware], reason: .retired),
        on: [first.device, first.hardware]),
      try Units.event(
        DeviceStateChanged(device: first.device, state: .retired), on: [first.device], .init(reason: nil)),
    ])
    _ = try await store.commit(retire)
    var again = TestEnrollment(hardware: first.hardware, publicKey: first.publicKey)
    let claims = again.claims.filter { $0 != .hardware(again.hardwareID) }
    #expect(
      try await store.commit(again.unit(claims: claims)) == .taken(.publicKey(first.publicKey, of: again.device)))
    again.publicKey = Units.digest("another key")
    guard
      case .committed = try await store.commit(
        again.unit(claims: again.claims.filter { $0 != .hardware(again.hardwareID) }))
    else {
      Issue.record("expected the retired device's name and hardware to be free")
      return
    }
    await test.close(store)
  }

  @Test func `a swap ends one binding and makes the next in the same unit`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    let first = TestEnrollment()
    _ = try await store.commit(first.unit())
    let swap = TestEnrollment(
      device: first.device, isNew: false, generation: 2, hardwareID: Units.hardwareID(1),
      ends: (1, first.hardware))
    guard case .committed = try await store.commit(swap.unit()) else {
      Issue.record("expected the swap to be committed")
      return
    }
    let (device, old) = try await store.read { (try $0.device(first.device), try $0.hardware(first.hardware)) }
    #expect(device?.binding?.generation == 2)
    #expect(device?.binding?.hardware == [BoundHardware(hardware: swap.hardware, assurance: .claimed)])
    #expect(old?.boundTo == nil)
    await test.close(store)
  }

  /// What each of the racers has in common.
  static let prizes: [@Sendable (inout TestEnrollment, TestEnrollment) -> Void] = [
    { $0.deviceID = $1.deviceID }, { $0.serial = $1.serial }, { $0.publicKey = $1.publicKey },
    { $0.hardwareID = $1.hardwareID },
    { ($0.device, $0.isNew, $0.generation) = ($1.device, false, .random(in: 2...1 << 40)) },
    { $0.hardware = $1.hardware },
  ]

  @Test(arguments: prizes.indices) func `of 64 that race for one name exactly one has it`(
    _ prize: Int
  ) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    let there = TestEnrollment(deviceID: Units.deviceID("there"))
    _ = try await store.commit(there.unit())
    _ = try await store.commit(Units.unbound(there))
    let shared = TestEnrollment(device: there.device, deviceID: Units.deviceID("one"), hardwareID: .random())
    let committed = try await withThrowingTaskGroup(of: Bool.self) { group in
      for racer in 0..<64 {
        group.addTask {
          var enrollment = TestEnrollment(deviceID: Units.deviceID("d-\(racer)"), hardwareID: .random())
          Self.prizes[prize](&enrollment, shared)
          if case .committed = try await store.commit(enrollment.unit()) { return true }
          return false
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(committed == 1)
    await test.close(store)
    #expect(try LedgerReplay.check(test.folder).agrees)
  }
}

extension HardwareID {
  static func random() -> HardwareID { Units.hardwareID(.random(in: 1000..<Int.max)) }
}
