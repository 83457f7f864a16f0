public import MusterModel

/// An event that is decided and not yet made: it lacks its time, its actor and the policy that allowed it.
public struct PlannedEvent: Sendable {
  public let on: [Aggregate]
  public let body: any EventBody
  private let make: @Sendable (Timestamp, Actor, PolicyReference?, [Attachment]) throws -> Event

  init<Body: EventBody>(on records: [Aggregate], _ body: Body, details: Body.Details) {
    on = records
    self.body = body
    make = { time, actor, policy, attachments in
      try Event(
        at: time, by: actor, on: records, policy: policy, body, details: details, attachments: attachments)
    }
  }

  init<Body: EventBody>(on records: [Aggregate], _ body: Body) where Body.Details == NoDetails {
    self.init(on: records, body, details: NoDetails())
  }

  /// Throws `EventError.tooLong` past 8 KiB.
  public func event(
    at time: Timestamp, by actor: Actor, policy: PolicyReference?, attachments: [Attachment] = []
  ) throws -> Event {
    try make(time, actor, policy, attachments)
  }
}

/// What is to be done, as data: what was read, which names must be free, what happens.
public struct RegistryPlan: Sendable {
  /// The record that comes to be or changes; nil for a pattern, which has none.
  public let record: RecordID?
  public let reads: ReadSet
  public let claims: [UniqueName]
  public let events: [PlannedEvent]

  /// The plan as a unit of work, with attachments for its first event.
  public func unit(
    at time: Timestamp, by actor: Actor, policy: PolicyReference?, attachments: [Attachment] = []
  ) throws -> UnitOfWork {
    let events = try self.events.enumerated().map { index, planned in
      try planned.event(at: time, by: actor, policy: policy, attachments: index == 0 ? attachments : [])
    }
    return UnitOfWork(reads: reads, claims: claims, events: events)
  }
}

/// The registry's answer to an operator.
public enum RegistryDecision: Sendable {
  case plan(RegistryPlan)
  /// It is so already.
  case unchanged
  case refused(RegistryRefusal)
}
