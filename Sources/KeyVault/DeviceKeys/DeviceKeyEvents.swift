public import MusterModel

/// A device has these two keys in use from here on, and no other. Their bytes are sealed and no part of the ledger.
public struct DeviceKeysMade: EventBody {
  public static let kind = "device-keys-made"

  public struct Key: Codable, Hashable, Sendable {
    /// From 1, counted for the device.
    public let version: UInt32
    /// The key check with the device's record ID as key ID, in hex.
    public let check: String
    public init(version: UInt32, check: String) {
      self.version = version
      self.check = check
    }
  }

  public let device: RecordID
  /// The binding that they are for.
  public let generation: UInt64
  public let primary: Key
  public let secondary: Key
  /// Until when the enrollment that made them may ask for them again; nil where an operator made them.
  public let deliverUntil: Timestamp?

  public init(device: RecordID, generation: UInt64, primary: Key, secondary: Key, deliverUntil: Timestamp? = nil) {
    self.device = device
    self.generation = generation
    self.primary = primary
    self.secondary = secondary
    self.deliverUntil = deliverUntil
  }
}

/// The keys were about to be handed to the enrollment that made them once more: its first answer may be lost.
public struct DeviceKeysDelivered: EventBody {
  public static let kind = "device-keys-delivered"
  public static let changesRecords = false
  public let device: RecordID
  /// Their versions.
  public let primary: UInt32
  public let secondary: UInt32

  public init(device: RecordID, primary: UInt32, secondary: UInt32) {
    self.device = device
    self.primary = primary
    self.secondary = secondary
  }
}

/// Devices have their keys, says the station that made them: they are delivered to nobody any more.
public struct DeviceKeysConfirmed: EventBody {
  public static let kind = "device-keys-confirmed"
  /// The most devices that one such event names.
  public static let limit = 64
  public let devices: [RecordID]

  public init(devices: [RecordID]) { self.devices = devices }
}

/// Of a device that is retired: it has no key any more, and the bytes of all that it had are gone.
public struct DeviceKeysDestroyed: EventBody {
  public static let kind = "device-keys-destroyed"
  public let device: RecordID

  public init(device: RecordID) { self.device = device }
}

/// Key bytes were about to be handed to a hub: recorded before the answer leaves, once for a page.
public struct DeviceKeysRead: EventBody {
  public static let kind = "device-keys-read"
  public static let changesRecords = false
  /// The most devices that one such event names.
  public static let limit = 64
  public let hub: RecordID
  public let devices: [RecordID]
  /// The hub's key that they were sealed to; nil where they were in plain.
  public let sealKey: Digest?

  public init(hub: RecordID, devices: [RecordID], sealKey: Digest? = nil) {
    self.hub = hub
    self.devices = devices
    self.sealKey = sealKey
  }
}

/// A token was made with a device's key, for whoever asked.
public struct DeviceTokenMade: EventBody {
  public static let kind = "device-token-made"
  public static let changesRecords = false
  public let device: RecordID
  public let keyVersion: UInt32
  public let expires: Timestamp

  public init(device: RecordID, keyVersion: UInt32, expires: Timestamp) {
    self.device = device
    self.keyVersion = keyVersion
    self.expires = expires
  }
}

/// Devices proved another version of their key than the last time.
public struct DeviceKeysProved: EventBody {
  public static let kind = "device-keys-proved"
  public static let changesRecords = false
  /// The most devices that one such event names.
  public static let limit = 48

  public struct Proof: Codable, Hashable, Sendable {
    public let device: RecordID
    public let version: UInt32
    public init(device: RecordID, version: UInt32) {
      self.device = device
      self.version = version
    }
  }

  public let proved: [Proof]
  public init(proved: [Proof]) { self.proved = proved }
}

/// How many tokens a hub had verified in one minute.
public struct TokensVerified: EventBody {
  public static let kind = "tokens-verified"
  public static let changesRecords = false
  public let hub: RecordID
  public let from: Timestamp
  public let to: Timestamp
  public let valid: UInt64
  public let refused: UInt64

  public init(hub: RecordID, from: Timestamp, to: Timestamp, valid: UInt64, refused: UInt64) {
    self.hub = hub
    self.from = from
    self.to = to
    self.valid = valid
    self.refused = refused
  }
}
