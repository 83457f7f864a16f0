import DeviceRegistry
package import MusterModel

/// A name that at most one record may hold: one that holds it, and one that asks for it too, each with all else its own.
package struct HeldName: CustomStringConvertible, Sendable {
  package let name: UniqueName
  package let first: @Sendable () throws -> UnitOfWork
  package let second: @Sendable () throws -> UnitOfWork

  package var description: String { "\(name)" }

  /// Each kind of name.
  package static let all: [HeldName] = {
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
    let (batch, orders) = (Units.id(.batch), [Units.id(.order), Units.id(.order)])
    let firstOfBatch = made(by: orders[0], in: batch, "one", 1)
    let secondOfBatch = made(by: orders[1], in: batch, "two", 2)
    let answer = IdempotentAnswer(
      operator: id, key: "k", request: Units.digest("r"), status: 200, body: [1], isSealed: false)
    let answering: @Sendable () throws -> UnitOfWork = {
      var unit = UnitOfWork(claims: [.idempotencyKey(operator: id, "k")], events: [])
      unit.answer = answer
      return unit
    }
    return [
      HeldName(name: .deviceID(secondName.deviceID), first: enroll, second: { try secondName.unit() }),
      HeldName(name: .hardware(Units.hardwareID(1)), first: enroll, second: { try secondHardware.unit() }),
      HeldName(name: .activeBinding(hardware), first: enroll, second: { try secondBoard.unit() }),
      HeldName(name: .activeBinding(device), first: enroll, second: { try secondBinding.unit() }),
      HeldName(name: .serial(issuer: Units.issuer, serial), first: enroll, second: { try secondSerial.unit() }),
      HeldName(name: .publicKey(key, of: secondKey.device), first: enroll, second: { try secondKey.unit() }),
      HeldName(
        name: .ticketCode(key), first: { try Units.ticket(code: key) }, second: { try Units.ticket(code: key) }),
      HeldName(
        name: .groupName(Units.name("ALPHA")), first: { try Units.group(Units.name("alpha")) },
        second: { try Units.group(Units.name("ALPHA")) }),
      HeldName(
        name: .operatorName(Units.name("ALPHA")), first: { try Units.operator(Units.name("alpha")) },
        second: { try Units.operator(Units.name("ALPHA")) }),
      HeldName(
        name: .hubName(Units.name("ALPHA")), first: { try Units.hub(Units.name("alpha")) },
        second: { try Units.hub(Units.name("ALPHA")) }),
      HeldName(name: .batch(batch, of: orders[1]), first: firstOfBatch, second: secondOfBatch),
      HeldName(name: .idempotencyKey(operator: id, "k"), first: answering, second: answering),
    ]
  }()

  /// An order, and a device by it.
  private static func made(
    by order: RecordID, in batch: RecordID, _ name: String, _ number: Int
  ) -> @Sendable () throws -> UnitOfWork {
    {
      var unit = try Units.order(order, Units.name(name), count: 1)
      let enrollment = TestEnrollment(
        deviceID: Units.deviceID(name), hardwareID: Units.hardwareID(number),
        provisioning: Provisioning(order: order, batch: batch))
      let made = try enrollment.unit()
      unit.claims += made.claims
      unit.events += made.events
      return unit
    }
  }
}

extension StoreConformance {
  /// Unique names: for stores that keep registry and certificates. Subjects hold an instance.
  package static let names: [Requirement<Subject>] =
    HeldName.all.map { held in
      Requirement("\(held) is held by one, and what asked for it too leaves no trace") { store in
        let first = try await position(store.commit(held.first()))
        try require(try await store.commit(held.second()), is: .taken(held.name), "the second")
        let next = try await position(store.commit(Units.group(Units.name("next"))))
        try require(next.first, is: first.first + UInt64(first.count), "the next place")
      }
    } + [
      Requirement("a name is free again once its holder is gone, and a key never is", freeAgain),
      Requirement("a swap ends one binding and makes the next in the same unit", swap),
    ]
    + prizes.map { prize in
      Requirement("of 64 that race for one \(prize.name) exactly one has it") { try await race($0, prize) }
    }

  @Sendable private static func freeAgain(_ store: Subject) async throws {
    let first = TestEnrollment()
    _ = try await position(store.commit(first.unit()))
    let ended = try Units.unbound(first)
    let retired = try Units.event(
      DeviceStateChanged(device: first.device, state: .retired), on: [first.device], .init(reason: nil))
    _ = try await position(store.commit(UnitOfWork(events: ended.events + [retired])))
    // The hardware's record stays, so that it is no new name.
    var again = TestEnrollment(hardware: first.hardware, publicKey: first.publicKey)
    var claims: [UniqueName] { again.claims.filter { $0 != .hardware(again.hardwareID) } }
    try require(
      try await store.commit(again.unit(claims: claims)), is: .taken(.publicKey(first.publicKey, of: again.device)),
      "a key that another device held")
    again.publicKey = Units.digest("another key")
    _ = try await position(store.commit(again.unit(claims: claims)))
  }

  @Sendable private static func swap(_ store: Subject) async throws {
    let first = TestEnrollment()
    _ = try await position(store.commit(first.unit()))
    let swap = TestEnrollment(
      device: first.device, isNew: false, generation: 2, hardwareID: Units.hardwareID(1), ends: (1, first.hardware))
    _ = try await position(store.commit(swap.unit()))
    let rival = TestEnrollment(deviceID: Units.deviceID("rival"), hardware: swap.hardware, hardwareID: swap.hardwareID)
    try require(
      try await store.commit(rival.unit(claims: [.activeBinding(swap.hardware)])),
      is: .taken(.activeBinding(swap.hardware)), "the new board in another device")
  }

  private struct Prize: Sendable {
    let name: String
    let share: @Sendable (inout TestEnrollment, TestEnrollment) -> Void
  }

  private static let prizes = [
    Prize(name: "device ID") { $0.deviceID = $1.deviceID }, Prize(name: "serial number") { $0.serial = $1.serial },
    Prize(name: "key") { $0.publicKey = $1.publicKey }, Prize(name: "hardware ID") { $0.hardwareID = $1.hardwareID },
    Prize(name: "device") {
      ($0.device, $0.isNew, $0.generation) = ($1.device, false, .random(in: 2...1 << 40))
    },
    Prize(name: "board") { $0.hardware = $1.hardware },
  ]

  private static func race(_ store: Subject, _ prize: Prize) async throws {
    let there = TestEnrollment(deviceID: Units.deviceID("there"))
    _ = try await position(store.commit(there.unit()))
    _ = try await position(store.commit(Units.unbound(there)))
    let shared = TestEnrollment(device: there.device, deviceID: Units.deviceID("one"), hardwareID: .random())
    let committed = try await withThrowingTaskGroup(of: Bool.self) { group in
      for racer in 0..<64 {
        group.addTask {
          var enrollment = TestEnrollment(deviceID: Units.deviceID("d-\(racer)"), hardwareID: .random())
          prize.share(&enrollment, shared)
          if case .committed = try await store.commit(enrollment.unit()) { return true }
          return false
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    try require(committed, is: 1, "units that were committed")
  }
}
