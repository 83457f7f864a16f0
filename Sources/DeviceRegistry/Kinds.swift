public import MusterModel

/// The kinds of events that this room owns.
public enum DeviceEvents {
  public static let kinds: [EventKind] = [
    EventKind(DeviceEnrolled.self), EventKind(DeviceEnrolledWithKeys.self), EventKind(BindingEnded.self),
    EventKind(DeviceStateChanged.self),
    EventKind(HardwareListed.self), EventKind(HardwarePatternListed.self), EventKind(GroupAdded.self),
    EventKind(GroupRemoved.self), EventKind(TicketIssued.self), EventKind(TicketCancelled.self),
    EventKind(OrderAdded.self), EventKind(OrderClosed.self),
  ]
}
