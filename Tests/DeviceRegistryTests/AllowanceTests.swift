import DeviceRegistry
import MusterModel
import Testing

/// Boards that an order allows to enroll by themselves.
@Suite struct AllowanceTests {
  private static let time = Timestamp(milliseconds: 1_760_000_000_000)
  private let group = GroupSnapshot(
    record: RecordID(.group, UUIDv7(at: time)), version: 3, name: RecordName("pumps")!, profile: nil, hub: nil,
    trustAnchors: [], isRemoved: false)
  private let batch = RecordID(.batch, UUIDv7(at: time))
  private let ticket = RecordID(.ticket, UUIDv7(at: time))
  private let code = Digest.sha256("code".utf8)
  private let provable = "idevid:\(String(repeating: "ab", count: 32)).SN-1"

  private func order(
    made: UInt64 = 0, until: Timestamp? = nil, isClosed: Bool = false
  ) -> OrderSnapshot {
    OrderSnapshot(
      record: RecordID(.order, UUIDv7(at: Self.time)), version: 5, name: RecordName("june")!,
      station: RecordID(.operator, UUIDv7(at: Self.time)), group: group.record, count: 2, made: made, until: until,
      isClosed: isClosed)
  }

  private func allowance(_ order: OrderSnapshot, _ id: String = "pump-1") -> Allowance {
    Allowance(
      deviceID: DeviceID(id), provisioning: Provisioning(order: order.record, batch: batch), by: "line-1", at: Self.time
    )
  }

  private func hardware(
    _ text: String, _ listing: HardwareListed.Listing = .none, for group: RecordID? = nil, _ allowance: Allowance? = nil
  ) throws -> KnownHardware {
    let id = try HardwareID.parse(text).get()
    return KnownHardware(
      id,
      HardwareSnapshot(
        record: RecordID(.hardware, UUIDv7(at: Self.time)), version: 4, id: id, listing: listing, group: group,
        boundTo: nil, allowance: allowance))
  }

  private func board(
    _ hardware: KnownHardware, by order: OrderSnapshot, allowing: OrderSnapshot? = nil, secret: OpenSecret? = nil,
    device: DeviceSnapshot? = nil, id: String = "pump-1", holder: BatchHolder? = nil
  ) throws -> AllowanceCase {
    AllowanceCase(
      hardware: hardware, deviceID: try #require(DeviceID(id)), device: device, origin: nil, allowingOrder: allowing,
      secret: secret, patterns: PatternsSnapshot(), order: order,
      batch: BatchSnapshot(record: batch, holder: holder), at: Self.time)
  }

  private func secret(_ order: OrderSnapshot, code: Digest, id: String = "pump-1") throws -> OpenSecret {
    OpenSecret(
      ticket: TicketSnapshot(
        record: ticket, version: 9, deviceID: try #require(DeviceID(id)),
        hardware: try HardwareID.parse("mac:aabbcc001122").get(), isSwap: false, device: nil, group: group.record,
        expires: Self.time + .seconds(60), provisioning: Provisioning(order: order.record, batch: batch), state: .open),
      code: code, by: "line-1", at: Self.time)
  }

  private func code(_ outcome: AllowanceOutcome) -> String {
    switch outcome {
    case .plan: "plan"
    case .again: "again"
    case .standing: "standing"
    case .made: "made"
    case .refused(let refusal): refusal.code
    }
  }

  @Test func `a listing names its order, its batch and the device, and spends nothing yet`() throws {
    let order = order(made: 1)
    guard case .plan(let plan, nil) = Registry.allow(try board(try hardware(provable), by: order)) else {
      Issue.record("expected a plan")
      return
    }
    let body = try #require(plan.events.first?.body as? HardwareListed)
    #expect(body.order == order.record && body.batch == batch && body.group == group.record && body.listing == .allowed)
    #expect(plan.reads.versions[.record(order.record)] == order.version)
    #expect(!plan.events.contains { $0.on.contains(.record(order.record)) }, "one listing would make the next stale")
  }

  @Test func `a secret is good as long as was asked for, and no longer than the order`() throws {
    for (until, expected) in [(nil, 600), (Self.time + .seconds(60), 60)] as [(Timestamp?, Int64)] {
      let order = order(until: until)
      let asked = try board(try hardware("mac:aabbcc001122"), by: order)
      guard
        case .plan(let plan, let expires) = Registry.issueSecret(for: asked, code: code, lifetime: .seconds(600))
      else {
        Issue.record("expected a plan")
        return
      }
      let body = try #require(plan.events.first?.body as? TicketIssued)
      #expect(body.expires == Self.time + .seconds(expected) && expires == body.expires)
      #expect(body.order == order.record && body.batch == batch && !body.isSwap && body.device == nil)
      #expect(plan.claims == [.ticketCode(code), .batch(batch, of: order.record)])
    }
  }

  @Test(arguments: [
    (2 as UInt64, nil as Int64?, false, "order-exhausted"), (0, 0, false, "order-expired"), (0, 1, false, "plan"),
    (0, nil, true, "order-closed"),
  ]) func `an order that makes nothing allows nothing`(
    made: UInt64, end: Int64?, isClosed: Bool, expected: String
  ) throws {
    let order = order(made: made, until: end.map { Self.time + .seconds($0) }, isClosed: isClosed)
    #expect(code(Registry.allow(try board(try hardware(provable), by: order))) == expected)
    let unprovable = try board(try hardware("mac:aabbcc001122"), by: order)
    #expect(code(Registry.issueSecret(for: unprovable, code: code, lifetime: .seconds(60))) == expected)
  }

  @Test func `nothing is allowed in another order's batch`() throws {
    let order = order()
    for (holder, expected) in [(order.record, "plan"), (RecordID(.order, UUIDv7(at: Self.time)), "batch-taken")] {
      let holder = BatchHolder(order: holder, group: group.record, name: nil, station: nil)
      #expect(code(Registry.allow(try board(try hardware(provable), by: order, holder: holder))) == expected)
      let unprovable = try board(try hardware("mac:aabbcc001122"), by: order, holder: holder)
      #expect(code(Registry.issueSecret(for: unprovable, code: code, lifetime: .seconds(60))) == expected)
    }
  }

  @Test func `who is allowed already is told by whom, unless that order is over`() throws {
    let (mine, other, over) = (order(), order(), order(isClosed: true))
    let listed = { (order: OrderSnapshot, id: String) in
      try self.hardware(self.provable, .allowed, for: self.group.record, self.allowance(order, id))
    }
    let cases: [(AllowanceCase, String)] = [
      (try board(try listed(mine, "pump-1"), by: mine, allowing: mine), "again"),
      (try board(try listed(mine, "pump-2"), by: mine, allowing: mine), "hardware-allowed"),
      (try board(try listed(other, "pump-1"), by: mine, allowing: other), "hardware-allowed"),
      (try board(try listed(over, "pump-1"), by: mine, allowing: over), "plan"),
      (
        try board(try hardware(provable, .allowed, for: RecordID(.group, UUIDv7(at: Self.time))), by: mine),
        "group-mismatch"
      ),
      (try board(try hardware(provable, .blocked), by: mine), "hardware-blocked"),
      (try board(try hardware("mac:aabbcc001122"), by: mine), "hardware-unprovable"),
    ]
    for (board, expected) in cases { #expect(code(Registry.allow(board)) == expected) }
  }

  @Test func `a board has one secret of an order`() throws {
    let (mine, other) = (order(), order())
    let hardware = try hardware("mac:aabbcc001122")
    let cases: [(OpenSecret, String)] = [
      (try secret(mine, code: code), "again"), (try secret(mine, code: .sha256("x".utf8)), "standing"),
      (try secret(mine, code: code, id: "pump-2"), "hardware-allowed"),
      (try secret(other, code: .sha256("x".utf8)), "hardware-allowed"),
    ]
    for (secret, expected) in cases {
      let asked = try board(hardware, by: mine, secret: secret)
      #expect(code(Registry.issueSecret(for: asked, code: code, lifetime: .seconds(60))) == expected)
    }
    for lifetime in [59, 366 * 86_400 + 1] {
      let asked = try board(hardware, by: mine)
      #expect(
        code(Registry.issueSecret(for: asked, code: code, lifetime: .seconds(lifetime))) == "secret-lifetime")
    }
  }

  // MARK: - When the board comes

  private func comes(
    _ hardware: KnownHardware, _ order: OrderSnapshot?, id: String = "pump-1"
  ) throws -> EnrollmentCase {
    EnrollmentCase(
      hardware: [.init(hardware, .proved)], patterns: PatternsSnapshot(), deviceID: try #require(DeviceID(id)),
      device: nil, group: group, allowingOrder: order, publicKey: .sha256("key".utf8), at: Self.time, epoch: 0)
  }

  private func code(_ outcome: EnrollmentOutcome) -> String {
    switch outcome {
    case .enroll: "enroll"
    case .again: "again"
    case .refused(let refusal): refusal.code
    }
  }

  @Test func `a board that comes spends one of its order, and is of its batch`() throws {
    let order = order(made: 1)
    let listed = try hardware(provable, .allowed, for: group.record, allowance(order))
    let redeemed = try secret(order, code: code).ticket
    let asserted = try hardware("mac:aabbcc001122")
    for outcome in [
      Registry.enroll(try comes(listed, order)), Registry.redeem(redeemed, try comes(asserted, order)),
    ] {
      guard case .enroll(let plan) = outcome else {
        Issue.record("expected a plan, found \(outcome)")
        return
      }
      #expect(plan.spends == [CounterSpend(.order(order.record), 1)] && plan.isNew)
      #expect(plan.provisioning == Provisioning(order: order.record, batch: batch) && plan.group == group.record)
      #expect(plan.reads.versions[.record(order.record)] == order.version)
    }
  }

  @Test(arguments: [
    (2 as UInt64, nil as Int64?, false, "order-exhausted"), (0, 0, false, "order-expired"), (0, 1, false, "enroll"),
    (0, nil, true, "order-closed"),
  ]) func `the order is held to when the board comes, not when it was allowed`(
    made: UInt64, end: Int64?, isClosed: Bool, expected: String
  ) throws {
    let order = order(made: made, until: end.map { Self.time + .seconds($0) }, isClosed: isClosed)
    let listed = try hardware(provable, .allowed, for: group.record, allowance(order))
    #expect(code(Registry.enroll(try comes(listed, order))) == expected)
    let redeemed = try secret(order, code: code).ticket
    #expect(code(Registry.redeem(redeemed, try comes(try hardware("mac:aabbcc001122"), order))) == expected)
  }

  @Test func `an order that is not there, or is another, lets nobody in`() throws {
    let order = order()
    let listed = try hardware(provable, .allowed, for: group.record, allowance(order))
    let redeemed = try secret(order, code: code).ticket
    let asserted = try hardware("mac:aabbcc001122")
    for absent in [nil, self.order()] {
      #expect(code(Registry.enroll(try comes(listed, absent))) == "order-unknown")
      #expect(code(Registry.redeem(redeemed, try comes(asserted, absent))) == "order-unknown")
    }
    #expect(code(Registry.enroll(try comes(listed, order, id: "pump-2"))) == "order-unknown")
  }
}
