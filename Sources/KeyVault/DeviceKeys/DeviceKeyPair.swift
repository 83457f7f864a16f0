public import MusterModel

/// The two keys that a device has in use, made in the vault for one binding: a board that leaves the device has nothing
/// that still counts.
public struct DeviceKeyPair: Sendable {
  /// Under which purpose device keys are sealed; the owner is the device.
  public static let purpose = "device-key"

  public struct Version: Sendable {
    public let version: UInt32
    public let key: DeviceKey
    public let sealed: SealedSecret

    /// What is to be recorded of it.
    public func fact(of device: RecordID) -> DeviceKeysMade.Key {
      let check = KeyCheck(of: key.bytes, id: device.description, version: version)
      return DeviceKeysMade.Key(version: version, check: check.hex)
    }
  }

  public let generation: UInt64
  public let primary: Version
  public let secondary: Version

  /// How long an enrollment may ask for them again, if nothing ends that sooner.
  public static let delivery = Duration.seconds(7 * 86_400)

  /// What is to be recorded of them.
  public func made(for device: RecordID, deliverUntil: Timestamp? = nil) -> DeviceKeysMade {
    DeviceKeysMade(
      device: device, generation: generation, primary: primary.fact(of: device),
      secondary: secondary.fact(of: device), deliverUntil: deliverUntil)
  }

  /// Both, as they are to be kept in the place of all that the device had: the unit of work forgets the device's others.
  public var secrets: [SealedSecret] { [primary.sealed, secondary.sealed] }
}

extension Vault {
  /// Makes both keys of a binding. Versions count for the device: `last` is the last one it ever had, 0 before the first.
  public func makeDeviceKeys(
    of device: RecordID, generation: UInt64, after last: UInt32
  ) throws(VaultError) -> DeviceKeyPair {
    DeviceKeyPair(
      generation: generation, primary: try makeDeviceKey(of: device, version: last + 1),
      secondary: try makeDeviceKey(of: device, version: last + 2))
  }

  /// The next keys of the same binding: a new primary, and one that the device has as the secondary, so that a device that
  /// has not heard of it yet still proves itself.
  public func nextDeviceKeys(
    of device: RecordID, generation: UInt64, keeping kept: SealedSecret, after last: UInt32
  ) throws(VaultError) -> DeviceKeyPair {
    // Sealed anew: it is written again, and under an older KEK nothing is.
    let held = DeviceKeyPair.Version(
      version: kept.version, key: try openDeviceKey(kept), sealed: try rewrap(kept).sealed)
    return DeviceKeyPair(
      generation: generation, primary: try makeDeviceKey(of: device, version: last + 1), secondary: held)
  }

  /// The keys as they were made, to be handed over again.
  public func openDeviceKeys(
    generation: UInt64, primary: SealedSecret, secondary: SealedSecret
  ) throws(VaultError) -> DeviceKeyPair {
    DeviceKeyPair(
      generation: generation,
      primary: .init(version: primary.version, key: try openDeviceKey(primary), sealed: primary),
      secondary: .init(version: secondary.version, key: try openDeviceKey(secondary), sealed: secondary))
  }

  /// Throws `notAuthentic` for what is no device key of this vault.
  public func openDeviceKey(_ sealed: SealedSecret) throws(VaultError) -> DeviceKey {
    guard sealed.purpose == DeviceKeyPair.purpose, let key = DeviceKey(try open(sealed)) else { throw .notAuthentic }
    return key
  }

  /// The same, or the key as it was opened from these very bytes not long ago: for who verifies what devices sign.
  public func deviceKey(_ sealed: SealedSecret) throws(VaultError) -> DeviceKey {
    let opened = try withKeys { keys throws(VaultError) in keys.deviceKeys.key(sealed) }
    if let opened { return opened }
    let key = try openDeviceKey(sealed)
    try withKeys { keys throws(VaultError) in keys.deviceKeys.keep(key, sealed) }
    return key
  }

  /// One key of a device, sealed.
  public func makeDeviceKey(of device: RecordID, version: UInt32) throws(VaultError) -> DeviceKeyPair.Version {
    let key = DeviceKey.random()
    let sealed = try seal(key.bytes, owner: device, purpose: DeviceKeyPair.purpose, version: version)
    return DeviceKeyPair.Version(version: version, key: key, sealed: sealed)
  }
}
