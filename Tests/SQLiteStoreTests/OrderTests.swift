import DeviceRegistry
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

@Suite struct OrderTests {
  private func order(_ record: RecordID, count: UInt64) throws -> UnitOfWork {
    try Units.order(record, Units.name("june"), count: count)
  }

  private func made(_ number: Int, by order: RecordID, batch: RecordID) throws -> UnitOfWork {
    var enrollment = TestEnrollment()
    enrollment.deviceID = Units.deviceID("D\(number)")
    enrollment.hardwareID = Units.hardwareID(number)
    enrollment.provisioning = Provisioning(order: order, batch: batch)
    var unit = try enrollment.unit()
    unit.spends = [CounterSpend(.order(order))]
    return unit
  }

  @Test func `of many connections that come for the last ones, as many get one as there are`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    let (order, batch) = (Units.id(.order), Units.id(.batch))
    _ = try await store.commit(try Units.instance())
    _ = try await store.commit(try self.order(order, count: 20))
    let units = try (0..<64).map { try made($0, by: order, batch: batch) }
    let outcomes = try await withThrowingTaskGroup(of: CommitOutcome.self) { group in
      for unit in units { group.addTask { try await store.commit(unit) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { $0 == .exhausted(.order(order)) } == 44)
    #expect(outcomes.count { if case .committed = $0 { true } else { false } } == 20)
    let snapshot = try await store.read { try $0.order(order) }
    #expect(snapshot?.made == 20 && snapshot?.count == 20)
    await store.close()
    #expect(try LedgerReplay.check(test.folder).agrees)
  }

  @Test func `a spend without an order, or beyond it by more than one, is refused`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    let order = Units.id(.order)
    _ = try await store.commit(try Units.instance())
    _ = try await store.commit(try self.order(order, count: 3))
    var unit = try Units.group(Units.name("pumps"))
    unit.spends = [CounterSpend(.order(order), 4)]
    #expect(try await store.commit(unit) == .exhausted(.order(order)))
    let unknown = Units.id(.order)
    unit.spends = [CounterSpend(.order(unknown))]
    #expect(try await store.commit(unit) == .exhausted(.order(unknown)))
    await store.close()
  }

  @Test func `an order's name is free again once it is closed`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    let (first, second) = (Units.id(.order), Units.id(.order))
    _ = try await store.commit(try Units.instance())
    _ = try await store.commit(try order(first, count: 3))
    #expect(try await store.commit(try order(second, count: 3)) == .taken(.orderName(Units.name("june"))))
    _ = try await store.commit(UnitOfWork(events: [try Units.event(OrderClosed(order: first), on: [first])]))
    #expect(try await store.read { try $0.order(Units.name("June")) }?.record == first)
    _ = try await store.commit(try order(second, count: 3))
    #expect(try await store.read { try $0.order(Units.name("June")) }?.record == second)
    await store.close()
    #expect(try LedgerReplay.check(test.folder).agrees)
  }

  @Test func `what an order allows is in force as long as the order is open, and a plain listing takes its place`()
    async throws
  {
    let test = try TestFolder()
    let store = try test.create()
    let (order, hardware) = (Units.id(.order), Units.id(.hardware))
    _ = try await store.commit(try Units.instance())
    _ = try await store.commit(try self.order(order, count: 3))
    let listed = HardwareListed(
      hardware: hardware, listing: .allowed, group: nil,
      provisioning: Provisioning(order: order, batch: Units.id(.batch)))
    let details = HardwareListed.Details(
      hardware: Units.hardwareID(7), reason: nil, deviceID: Units.deviceID("pump-7"))
    let outcome = try await store.commit(
      UnitOfWork(events: [try Units.event(listed, on: [hardware], details)]))
    guard case .committed(let position) = outcome else {
      Issue.record("expected a commit, found \(outcome)")
      return
    }
    let allowance = try await store.read { try $0.hardware(Units.hardwareID(7)) }?.allowance
    #expect(allowance?.deviceID == Units.deviceID("pump-7") && allowance?.provisioning.order == order)
    #expect(try await store.isInForce(position.first))
    _ = try await store.commit(UnitOfWork(events: [try Units.event(OrderClosed(order: order), on: [order])]))
    #expect(try await !store.isInForce(position.first))
    _ = try await store.commit(try Units.listed(hardware, Units.hardwareID(7)))
    #expect(try await store.read { try $0.hardware(Units.hardwareID(7)) }?.allowance == nil)
    await store.close()
    #expect(try LedgerReplay.check(test.folder).agrees)
  }
}
