public import MusterModel

/// An order as it stood when it was read.
public struct OrderSnapshot: Sendable, Hashable {
  public let record: RecordID
  public let version: UInt64
  public let name: RecordName
  public let station: RecordID
  public let group: RecordID
  public let count: UInt64
  /// How many devices were made by it. That is no part of its version: the store counts anew at the commit.
  public let made: UInt64
  public let until: Timestamp?
  public let isClosed: Bool

  public init(
    record: RecordID, version: UInt64, name: RecordName, station: RecordID, group: RecordID, count: UInt64,
    made: UInt64, until: Timestamp?, isClosed: Bool
  ) {
    self.record = record
    self.version = version
    self.name = name
    self.station = station
    self.group = group
    self.count = count
    self.made = made
    self.until = until
    self.isClosed = isClosed
  }
}

/// How the hardware of an active binding came to be the device.
public struct BindingOrigin: Sendable, Hashable {
  public let order: RecordID?
  /// The name of who made it, or the actor where that has none.
  public let by: String
  public let at: Timestamp

  public init(order: RecordID?, by: String, at: Timestamp) {
    self.order = order
    self.by = by
    self.at = at
  }
}

/// The order that a station's run belongs to.
public struct BatchHolder: Sendable, Hashable, CustomStringConvertible {
  public let order: RecordID
  public let group: RecordID
  /// nil once it is erased.
  public let name: RecordName?
  public let station: RecordName?

  public init(order: RecordID, group: RecordID, name: RecordName?, station: RecordName?) {
    self.order = order
    self.group = group
    self.name = name
    self.station = station
  }

  public var description: String {
    "order \(name?.text ?? "\(order)")" + (station.map { " at station \($0)" } ?? "")
  }
}

/// A run of a station, and whose it is; nil while nothing was made or allowed in it.
public struct BatchSnapshot: Sendable, Hashable {
  public let record: RecordID
  public let holder: BatchHolder?

  public init(record: RecordID, holder: BatchHolder?) {
    self.record = record
    self.holder = holder
  }

  /// What has to be free still, for what is the first of the run.
  func claims(for order: OrderSnapshot) -> [UniqueName] {
    holder == nil ? [.batch(record, of: order.record)] : []
  }
}

extension Registry {
  public static let orderLimit: UInt64 = 100_000_000

  /// Adds an order. That the station is an operator with the right role is the caller's to see.
  public static func addOrder(
    _ name: RecordName, station: RecordID, group: GroupSnapshot, count: UInt64, until: Timestamp?, at time: Timestamp
  ) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      guard (1...orderLimit).contains(count) else { throw .orderCount(count) }
      if let until, until <= time { throw .orderOver }
      guard !group.isRemoved else { throw .groupRemoved(group.name) }
      let record = RecordID(.order, UUIDv7(at: time))
      var reads = ReadSet()
      reads.saw(group)
      let event = PlannedEvent(
        on: [.record(record)],
        OrderAdded(order: record, station: station, group: group.record, count: count, until: until),
        details: .init(name: name))
      return RegistryPlan(record: record, reads: reads, claims: [.orderName(name)], events: [event])
    }
  }

  /// Closes an order for good. What was made by it stays.
  public static func closeOrder(_ order: OrderSnapshot) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      guard !order.isClosed else { return nil }
      var reads = ReadSet()
      reads.saw(order)
      let event = PlannedEvent(on: [.record(order.record)], OrderClosed(order: order.record))
      return RegistryPlan(record: order.record, reads: reads, claims: [], events: [event])
    }
  }

  /// A station makes hardware a device by an order. The same hardware, device ID and key of the same order get the same
  /// answer again, whatever became of the order since; another is told who made it and when. `origin` is that of the
  /// active binding of `enrollment.device`.
  public static func provision(
    _ order: OrderSnapshot, batch: BatchSnapshot, _ enrollment: EnrollmentCase, origin: BindingOrigin?
  ) -> EnrollmentOutcome {
    EnrollmentOutcome { () throws(RegistryRefusal) in
      let hardware = enrollment.hardware.map(\.hardware)
      if let blocked = hardware.first(where: { Registry.standing(of: $0, patterns: enrollment.patterns) == .blocked }) {
        throw .hardwareBlocked(blocked.id)
      }
      if let device = enrollment.device, let bound = hardware.first(where: { $0.snapshot?.boundTo == device.record }) {
        return try again(bound.id, as: device, order, enrollment, origin)
      }
      let standing = try checkHardware(hardware, for: nil, patterns: enrollment.patterns)
      if case .allowed(let listed?) = standing, listed != order.group { throw .groupMismatch }
      for known in hardware {
        try checkAllowance(of: known, as: enrollment.deviceID, by: order, enrollment.allowingOrder, at: enrollment.at)
      }
      if enrollment.device != nil { throw .deviceIDTaken(enrollment.deviceID) }
      try checkOpen(order, at: enrollment.at)
      try check(batch, isOf: order)
      var plan = try plan(
        enrollment, group: order.group, ticket: nil,
        provisioning: Provisioning(order: order.record, batch: batch.record)
      ).reading(order)
      plan.claims += batch.claims(for: order)
      return .enroll(plan)
    }
  }

  private static func again(
    _ hardware: HardwareID, as device: DeviceSnapshot, _ order: OrderSnapshot, _ enrollment: EnrollmentCase,
    _ origin: BindingOrigin?
  ) throws(RegistryRefusal) -> EnrollmentOutcome {
    guard let binding = device.binding, let origin else { throw .hardwareBound(hardware) }
    guard origin.order == order.record, binding.publicKey == enrollment.publicKey, device.id == enrollment.deviceID
    else {
      // What stands in other groups is not for a station to know.
      guard device.group == order.group else { throw .hardwareBound(hardware) }
      throw .hardwareProvisioned(hardware, as: device.id, by: origin.by, at: origin.at)
    }
    try checkEnabled(device)
    return .again(certificate: binding.certificate, device: device.record)
  }

  /// What stands in other groups is not for a station to know.
  static func check(_ batch: BatchSnapshot, isOf order: OrderSnapshot) throws(RegistryRefusal) {
    guard let holder = batch.holder, holder.order != order.record else { return }
    throw .batchTaken(batch.record, by: holder.group == order.group ? holder : nil)
  }

  static func checkOpen(_ order: OrderSnapshot, at time: Timestamp) throws(RegistryRefusal) {
    if let refusal = order.refusal(at: time) { throw refusal }
  }
}

extension OrderSnapshot {
  /// Whether a device can be made by it.
  func isOpen(at time: Timestamp) -> Bool { refusal(at: time) == nil }

  fileprivate func refusal(at time: Timestamp) -> RegistryRefusal? {
    if isClosed { return .orderClosed(name) }
    if let until, until <= time { return .orderExpired(name, at: until) }
    return made < count ? nil : .orderExhausted(name, count: count)
  }
}

extension EnrollmentPlan {
  func reading(_ order: OrderSnapshot) -> EnrollmentPlan {
    var plan = self
    plan.reads.saw(order)
    return plan
  }
}
