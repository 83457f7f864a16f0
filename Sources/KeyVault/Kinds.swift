public import MusterModel

/// The kinds of events that this room owns.
public enum VaultEvents {
  public static let kinds: [EventKind] = [
    EventKind(KEKCreated.self), EventKind(SlotAdded.self), EventKind(SlotRemoved.self),
    EventKind(VaultUnsealed.self), EventKind(VaultSealed.self), EventKind(DeviceKeysMade.self),
    EventKind(DeviceKeysRead.self),
    EventKind(DeviceTokenMade.self), EventKind(DeviceKeysProved.self), EventKind(TokensVerified.self),
    EventKind(DeviceKeysDelivered.self), EventKind(DeviceKeysConfirmed.self), EventKind(GroupKeyAdded.self),
    EventKind(GroupKeyRemoved.self), EventKind(VaultShareGiven.self), EventKind(KEKRetired.self),
    EventKind(VaultRekeyed.self), EventKind(DeviceKeysDestroyed.self),
  ]
}
