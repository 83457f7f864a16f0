public import DeviceRegistry
public import MusterModel

/// A device as its tokens are judged: whether it is let in, and the sealed keys that they may be signed with.
public struct KeyHolder: Sendable {
  public let device: RecordID
  public let deviceID: DeviceID
  public let state: DeviceState
  /// Whether some of its hardware is on the blocklist.
  public let isBlocked: Bool
  /// Those of the present binding, the primary's first: the keys of a board that left the device prove nothing.
  public let sealed: [SealedSecret]
  /// The key version that it proved last, as far as the ledger knows.
  public let proved: UInt32?

  public init(
    device: RecordID, deviceID: DeviceID, state: DeviceState, isBlocked: Bool, sealed: [SealedSecret], proved: UInt32?
  ) {
    self.device = device
    self.deviceID = deviceID
    self.state = state
    self.isBlocked = isBlocked
    self.sealed = sealed
    self.proved = proved
  }
}
