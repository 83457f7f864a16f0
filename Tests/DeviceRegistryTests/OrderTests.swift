import DeviceRegistry
import MusterModel
import Testing

@Suite struct OrderTests {
  private static let time = Timestamp(milliseconds: 1_760_000_000_000)
  private let group = GroupSnapshot(
    record: RecordID(.group, UUIDv7(at: time)), version: 3, name: RecordName("pumps")!, profile: nil, hub: nil,
    trustAnchors: [], isRemoved: false)
  private let batch = BatchSnapshot(record: RecordID(.batch, UUIDv7(at: time)), holder: nil)
  private let key = Digest.sha256("key".utf8)

  private func order(
    made: UInt64 = 0, until: Timestamp? = nil, isClosed: Bool = false
  ) -> OrderSnapshot {
    OrderSnapshot(
      record: RecordID(.order, UUIDv7(at: Self.time)), version: 5, name: RecordName("june")!,
      station: RecordID(.operator, UUIDv7(at: Self.time)), group: group.record, count: 2, made: made, until: until,
      isClosed: isClosed)
  }

  private func board(
    listing: HardwareListed.Listing = .none, listedFor: RecordID? = nil, device: DeviceSnapshot? = nil,
    isBound: Bool = false, id: String = "pump-1", group: GroupSnapshot? = nil
  ) throws -> EnrollmentCase {
    let hardware = try HardwareID.parse("cpu-serial:e4b1c9d2").get()
    let known = HardwareSnapshot(
      record: RecordID(.hardware, UUIDv7(at: Self.time)), version: 4, id: hardware, listing: listing,
      group: listedFor, boundTo: isBound ? device?.record : nil)
    return EnrollmentCase(
      hardware: [.init(KnownHardware(hardware, known), .asserted)], patterns: PatternsSnapshot(),
      deviceID: try #require(DeviceID(id)), device: device, group: group ?? self.group, publicKey: key,
      at: Self.time, epoch: 0)
  }

  private func device(
    _ state: DeviceState = .enabled, key: Digest? = nil, isBound: Bool = true
  ) throws -> DeviceSnapshot {
    DeviceSnapshot(
      record: RecordID(.device, UUIDv7(at: Self.time)), version: 4, id: try #require(DeviceID("pump-1")), state: state,
      group: group.record, hub: nil, lastGeneration: 1,
      binding: BindingSnapshot(
        generation: 1, hardware: [], publicKey: key ?? self.key,
        certificate: RecordID(.certificate, UUIDv7(at: Self.time))))
  }

  private func code(_ outcome: EnrollmentOutcome) -> String {
    switch outcome {
    case .enroll: "enroll"
    case .again: "again"
    case .refused(let refusal): refusal.code
    }
  }

  @Test func `a board is made a device of the order's group, and spends one of it`() throws {
    let order = order(made: 1)
    guard case .enroll(let plan) = Registry.provision(order, batch: batch, try board(), origin: nil) else {
      Issue.record("expected a plan")
      return
    }
    #expect(plan.group == group.record && plan.isNew)
    #expect(plan.spends == [CounterSpend(.order(order.record), 1)])
    #expect(plan.reads.versions[.record(order.record)] == order.version)
    #expect(plan.claims.contains(.deviceID(plan.deviceID)))
    #expect(plan.claims.contains(.batch(batch.record, of: order.record)))
    let events = plan.events(
      certificate: RecordID(.certificate, UUIDv7(at: Self.time)), evidence: "station", source: nil, decision: nil)
    let body = try #require(events.last?.body as? DeviceEnrolled)
    #expect(body.order == order.record && body.batch == batch.record)
    #expect(!events.contains { $0.on.contains(.record(order.record)) }, "one device would make the next stale")
  }

  @Test(arguments: [
    (2 as UInt64, nil as Int64?, false, "order-exhausted"), (0, 0, false, "order-expired"),
    (0, -1, false, "order-expired"), (0, 1, false, "enroll"), (0, nil, true, "order-closed"),
  ]) func `an order is held to its count, its end and its closing`(
    made: UInt64, end: Int64?, isClosed: Bool, expected: String
  ) throws {
    let order = order(made: made, until: end.map { Self.time + .seconds($0) }, isClosed: isClosed)
    #expect(code(Registry.provision(order, batch: batch, try board(), origin: nil)) == expected)
  }

  @Test func `hardware that is blocked, or allowed for another group, is not made`() throws {
    let other = RecordID(.group, UUIDv7(at: Self.time))
    let order = order()
    #expect(
      code(Registry.provision(order, batch: batch, try board(listing: .blocked), origin: nil)) == "hardware-blocked")
    #expect(
      code(Registry.provision(order, batch: batch, try board(listing: .allowed, listedFor: other), origin: nil))
        == "group-mismatch")
    #expect(
      code(Registry.provision(order, batch: batch, try board(listing: .allowed, listedFor: group.record), origin: nil))
        == "enroll")
  }

  private func batch(of order: RecordID, in group: RecordID) -> BatchSnapshot {
    BatchSnapshot(
      record: batch.record,
      holder: BatchHolder(order: order, group: group, name: RecordName("may")!, station: RecordName("line-2")!))
  }

  @Test func `a batch is one order's, and who may know is told whose`() throws {
    let order = order()
    let (other, otherGroup) = (RecordID(.order, UUIDv7(at: Self.time)), RecordID(.group, UUIDv7(at: Self.time)))
    let own = batch(of: order.record, in: group.record)
    guard case .enroll(let plan) = Registry.provision(order, batch: own, try board(), origin: nil) else {
      Issue.record("expected a plan")
      return
    }
    #expect(!plan.claims.contains(.batch(own.record, of: order.record)), "it is the order's for ever")
    let cases = [(group.record, "order may at station line-2"), (otherGroup, "another")]
    for (group, whose) in cases {
      guard
        case .refused(let refusal) = Registry.provision(
          order, batch: batch(of: other, in: group), try board(), origin: nil)
      else {
        Issue.record("expected a refusal")
        continue
      }
      #expect(refusal.code == "batch-taken")
      #expect(refusal.description.hasSuffix("found \(batch.record) of \(whose)"))
    }
  }

  @Test func `a device ID that is in use is not given again`() throws {
    #expect(
      code(Registry.provision(order(), batch: batch, try board(device: try device()), origin: nil))
        == "device-id-taken")
  }

  @Test func `the same board, key and order get the same again, whatever became of the order`() throws {
    for order in [order(), order(made: 2), order(isClosed: true), order(until: Self.time - .seconds(1))] {
      let origin = BindingOrigin(order: order.record, by: "line-1", at: Self.time)
      let outcome = Registry.provision(order, batch: batch, try board(device: device(), isBound: true), origin: origin)
      #expect(code(outcome) == "again")
    }
  }

  @Test func `who comes second is told by whom and when`() throws {
    let order = order()
    let mine = BindingOrigin(order: order.record, by: "line-1", at: Self.time)
    let other = BindingOrigin(order: RecordID(.order, UUIDv7(at: Self.time)), by: "line-2", at: Self.time)
    let ticket = BindingOrigin(order: nil, by: "engineer", at: Self.time)
    let bound = try board(device: device(), isBound: true)
    let cases = [
      (bound, other), (bound, ticket), (try board(device: device(key: .sha256("x".utf8)), isBound: true), mine),
      (try board(device: device(), isBound: true, id: "pump-2"), mine),
    ]
    for (board, origin) in cases {
      guard case .refused(let refusal) = Registry.provision(order, batch: batch, board, origin: origin) else {
        Issue.record("expected a refusal")
        continue
      }
      #expect(refusal.code == "hardware-provisioned")
      #expect(refusal.description.contains("pump-1 by \(origin.by) at \(Self.time)"))
    }
  }

  @Test func `a disabled device's station gets nothing again`() throws {
    let order = order()
    let origin = BindingOrigin(order: order.record, by: "line-1", at: Self.time)
    let board = try board(device: device(.disabled), isBound: true)
    #expect(code(Registry.provision(order, batch: batch, board, origin: origin)) == "device-disabled")
  }

  @Test(arguments: [
    (0 as UInt64, nil as Int64?, "order-count" as String?), (Registry.orderLimit + 1, nil, "order-count"),
    (1, 0, "order-until"),
    (1, 60, nil),
  ]) func `an order is for some devices and for the future`(count: UInt64, end: Int64?, code: String?) {
    let decision = Registry.addOrder(
      RecordName("june")!, station: RecordID(.operator, UUIDv7(at: Self.time)), group: group, count: count,
      until: end.map { Self.time + .seconds($0) }, at: Self.time)
    switch decision {
    case .refused(let refusal): #expect(refusal.code == code)
    case .plan(let plan):
      #expect(code == nil && plan.claims == [.orderName(RecordName("june")!)])
      #expect(plan.reads.versions[.record(group.record)] == group.version)
    case .unchanged: Issue.record("expected a plan")
    }
  }

  @Test func `closing twice changes nothing`() {
    guard case .plan(let plan) = Registry.closeOrder(order()),
      case .unchanged = Registry.closeOrder(order(isClosed: true))
    else {
      Issue.record("expected a plan, then nothing")
      return
    }
    #expect(plan.events.count == 1)
  }
}
