import CertificateAuthority
import DeviceRegistry
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// What the units of one disk sync have in common is counted once, and is what each by itself would have come to.
@Suite struct GroupMemoryTests {
  private let group = Units.id(.group)
  private let order = Units.id(.order)
  private let batch = Units.id(.batch)

  private func board(_ number: Int, hardware: Int? = nil) throws -> UnitOfWork {
    var enrollment = TestEnrollment()
    enrollment.deviceID = Units.deviceID("D\(number)")
    enrollment.hardwareID = Units.hardwareID(hardware ?? number)
    enrollment.group = group
    enrollment.provisioning = Provisioning(order: order, batch: batch)
    var unit = try enrollment.unit()
    unit.spends = [CounterSpend(.order(order))]
    return unit
  }

  private func begin(_ test: TestFolder, count: UInt64) async throws -> FolderStore {
    let store = try test.create()
    for unit in [
      try Units.instance(), try Units.group(Units.name("pumps"), group),
      try Units.order(order, Units.name("june"), count: count),
    ] { _ = try await store.commit(unit) }
    return store
  }

  private func counts(_ store: FolderStore) async throws -> [Int64] {
    try await store.read { snapshot in
      [
        try snapshot.db.number("SELECT devices FROM device_group"),
        try snapshot.db.number("SELECT made FROM factory_order"),
        try snapshot.db.number("SELECT issued FROM issuer"),
        try snapshot.db.number("SELECT count(*) FROM factory_batch"),
      ]
    }
  }

  @Test func `of a group that an order is not enough for, as many are made as are left, and each is counted once`()
    async throws
  {
    let test = try TestFolder()
    let store = try await begin(test, count: 3)
    let outcomes = await store.commit(try (0..<6).map { try board($0, hardware: $0 == 1 ? 0 : $0) })
    #expect(outcomes.map { (try? $0.get()).map(\.isCommitted) } == [true, false, true, true, false, false])
    #expect(try outcomes[1].get() == .taken(.hardware(Units.hardwareID(0))))
    #expect(try outcomes[5].get() == .exhausted(.order(order)))
    #expect(try await counts(store) == [3, 3, 3, 1])
    await store.close()
    #expect(try LedgerReplay.check(test.folder).agrees)
  }

  @Test func `an event that reads what was counted before it in the same group finds it`() async throws {
    let test = try TestFolder()
    let store = try await begin(test, count: 9)
    let removal = UnitOfWork(events: [try Units.event(GroupRemoved(group: group), on: [group])])
    let outcomes = await store.commit([try board(0), removal, try board(1)])
    #expect(throws: StoreError.self) { try outcomes[1].get() }
    #expect(outcomes.map { (try? $0.get()).map(\.isCommitted) } == [true, nil, true])
    #expect(try await counts(store) == [2, 2, 2, 1])
    await store.close()
    #expect(try LedgerReplay.check(test.folder).agrees)
  }

  @Test func `an enrollment beyond the order that claims nothing of it is a contradiction, and the rest is made`()
    async throws
  {
    let test = try TestFolder()
    let store = try await begin(test, count: 1)
    var unclaimed = try board(1)
    unclaimed.spends = []
    let outcomes = await store.commit([try board(0), unclaimed])
    #expect(try outcomes[0].get().isCommitted)
    #expect(throws: StoreError.self) { try outcomes[1].get() }
    #expect(try await counts(store) == [1, 1, 1, 1])
    await store.close()
    #expect(try LedgerReplay.check(test.folder).agrees)
  }

  /// A device that is enrolled and, in the same disk sync, what follows from it: its rows wait for each other.
  @Test func `what reads a record that came before it in the same group finds it`() async throws {
    let test = try TestFolder()
    let store = try await begin(test, count: 9)
    var enrollment = TestEnrollment()
    enrollment.group = group
    // The enrollment's two events come next.
    let events = try await store.read { try $0.db.number("SELECT count(*) FROM event") }
    var reads = ReadSet()
    reads.saw(.record(enrollment.device), version: UInt64(events) + 2)
    var renewed = enrollment
    renewed.certificate = Units.id(.certificate)
    renewed.serial = UUIDv7(at: Units.time).bytes
    let renewal = try Units.event(
      CertificateIssued(
        issued: renewed.facts, replaces: enrollment.certificate, overlapUntil: Units.time + .seconds(3_600)),
      on: [enrollment.device], .init(source: nil, decision: nil), by: Actor(enrollment.device, by: .certificate))
    var stale = ReadSet()
    stale.saw(.record(enrollment.device), version: 0)
    let outcomes = await store.commit([
      try enrollment.unit(), UnitOfWork(reads: stale, events: [renewal]), UnitOfWork(reads: reads, events: [renewal]),
    ])
    #expect(try outcomes[1].get() == .stale(.record(enrollment.device)))
    #expect(outcomes.map { (try? $0.get()).map(\.isCommitted) } == [true, false, true])
    let replaced = try await store.read {
      try $0.db.number("SELECT count(*) FROM certificate WHERE replaced_by IS NOT NULL")
    }
    #expect(replaced == 1)
    await store.close()
    #expect(try LedgerReplay.check(test.folder).agrees)
  }

  @Test func `a key that two devices of one group show is the first one's`() async throws {
    let test = try TestFolder()
    let store = try await begin(test, count: 9)
    let units = try (0..<40).map { number in
      var enrollment = TestEnrollment()
      enrollment.deviceID = Units.deviceID("D\(number)")
      enrollment.hardwareID = Units.hardwareID(number)
      if number >= 38 { enrollment.publicKey = Units.digest("shared") }
      if number == 3 { enrollment.publicKey = Units.digest("shared") }
      return try enrollment.unit()
    }
    let outcomes = await store.commit(units)
    #expect(outcomes.map { (try? $0.get()).map(\.isCommitted) == true } == (0..<40).map { $0 < 38 })
    #expect(try await store.read { try $0.db.number("SELECT count(*) FROM certificate") } == 38)
    await store.close()
    #expect(try LedgerReplay.check(test.folder).agrees)
  }
}

extension CommitOutcome {
  fileprivate var isCommitted: Bool { if case .committed = self { true } else { false } }
}
