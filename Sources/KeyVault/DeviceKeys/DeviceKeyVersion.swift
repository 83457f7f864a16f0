import MusterModel

/// One version of a device's key as it stands. Its states are those of a ring's versions; the events that move it are in
/// `Docs/key-rings.md`.
public struct DeviceKeyVersion: Codable, Sendable, Hashable {
  /// From 1, counted for the device.
  public let number: UInt32
  public let state: KeyState
  /// The key check, in hex; nil once it is destroyed.
  public let check: String?
  /// Which of the two that the device has; nil once it is destroyed.
  public let slot: DeviceKeySlot?
  /// Whether it is the one that the device proved last.
  public let isProved: Bool

  public init(number: UInt32, state: KeyState, check: String?, slot: DeviceKeySlot?, isProved: Bool) {
    self.number = number
    self.state = state
    self.check = check
    self.slot = slot
    self.isProved = isProved
  }
}

/// What is known of the two keys that a device has, and of the device.
public struct DeviceKeyStanding: Sendable, Hashable {
  /// nil once both are destroyed.
  public let primary: DeviceKeysMade.Key?
  /// nil once a rollover has ended the old one.
  public let secondary: DeviceKeysMade.Key?
  /// The last version that the device ever had.
  public let last: UInt32
  /// The version that it proved last.
  public let proved: UInt32?
  /// The version that a rollover made and handed to nobody yet.
  public let unheard: UInt32?
  /// Whether the device is on the hardware that they were made for.
  public let isBound: Bool
  public let isEnabled: Bool

  /// The most versions that are told.
  public static let limit: UInt32 = 32

  public init(
    primary: DeviceKeysMade.Key?, secondary: DeviceKeysMade.Key?, last: UInt32, proved: UInt32?, unheard: UInt32?,
    isBound: Bool, isEnabled: Bool
  ) {
    self.primary = primary
    self.secondary = secondary
    self.last = last
    self.proved = proved
    self.unheard = unheard
    self.isBound = isBound
    self.isEnabled = isEnabled
  }

  /// The newest first. What a device has no more is destroyed.
  public var versions: [DeviceKeyVersion] {
    (0..<min(last, DeviceKeyStanding.limit)).map { back in
      let number = last - back
      let slot: DeviceKeySlot? =
        number == primary?.version ? .primary : number == secondary?.version ? .secondary : nil
      return DeviceKeyVersion(
        number: number, state: state(number, slot),
        check: slot == .primary ? primary?.check : slot.flatMap { _ in secondary?.check },
        slot: slot, isProved: number == proved)
    }
  }

  private func state(_ number: UInt32, _ slot: DeviceKeySlot?) -> KeyState {
    guard slot != nil else { return .destroyed }
    if number == unheard { return .preActivation }
    guard isBound else { return .deactivated }
    return isEnabled ? .active : .suspended
  }
}
