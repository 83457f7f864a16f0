public import MusterModel

/// The kinds of events that this room owns.
public enum PolicyEvents {
  public static let kinds: [EventKind] = [
    EventKind(PoliciesActivated.self), EventKind(OperatorAdded.self), EventKind(OperatorRemoved.self),
    EventKind(HubAdded.self), EventKind(HubRemoved.self), EventKind(HubSealKeySet.self),
  ]
}
