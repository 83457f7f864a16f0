public import DeviceRegistry
public import KeyVault
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
  /// nil where it is in none that is open.
  public let rollover: HeldRollover?

  /// Where the device stands in a rollover of its key.
  public struct HeldRollover: Sendable {
    public let device: DeviceRollover
    /// Whether a token of it was refused since it has a new version.
    public let isRefused: Bool
    /// The version of the device's record: a proof is decided from the keys that it had then.
    public let version: UInt64

    public init(device: DeviceRollover, isRefused: Bool, version: UInt64) {
      self.device = device
      self.isRefused = isRefused
      self.version = version
    }
  }

  public init(
    device: RecordID, deviceID: DeviceID, state: DeviceState, isBlocked: Bool, sealed: [SealedSecret], proved: UInt32?,
    rollover: HeldRollover? = nil
  ) {
    self.device = device
    self.deviceID = deviceID
    self.state = state
    self.isBlocked = isBlocked
    self.sealed = sealed
    self.proved = proved
    self.rollover = rollover
  }
}

extension KeyHolder {
  /// Why nothing that it shows is good.
  var refusal: String? {
    if state != .enabled { return "device-disabled" }
    if isBlocked { return "hardware-blocked" }
    return sealed.isEmpty ? "device-without-key" : nil
  }
}
