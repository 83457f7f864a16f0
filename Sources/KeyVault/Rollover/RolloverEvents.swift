public import MusterModel

/// The kinds of rollovers.
public enum RolloverEvents {
  public static let kinds: [EventKind] =
    [
      EventKind(RolloverPlanned.self), EventKind(RolloverStateChanged.self), EventKind(RolloverWaveOpened.self),
      EventKind(RolloverDevicesEntered.self), EventKind(RolloverKeyMade.self), EventKind(RolloverKeysProved.self),
      EventKind(RolloverKeyEnded.self), EventKind(RolloverDevicesLeft.self), EventKind(RolloverTokensRefused.self),
      EventKind(DeviceKeyFetched.self),
    ] + certificateKinds
}

/// These devices are to have new keys, or certificates, by this plan.
public struct RolloverPlanned: EventBody {
  public static let kind = "rollover-planned"
  public let rollover: RecordID
  public let group: RecordID?
  public let hub: RecordID?
  public let batch: RecordID?
  public let plan: RolloverPlan
  /// nil for a rollover of keys.
  public let certificates: LeavingCertificates?

  public var of: RolloverKind { certificates == nil ? .keys : .certificates }

  public var devices: DeviceQuery { DeviceQuery(group: group, hub: hub, batch: batch) }

  public init(
    rollover: RecordID, devices: DeviceQuery, plan: RolloverPlan, certificates: LeavingCertificates? = nil
  ) {
    self.rollover = rollover
    group = devices.group
    hub = devices.hub
    batch = devices.batch
    self.plan = plan
    self.certificates = certificates
  }
}

public struct RolloverStateChanged: EventBody {
  public static let kind = "rollover-state-changed"

  public enum Cause: String, Codable, Sendable {
    case `operator`
    /// Too many devices were refused.
    case refusals
    /// There was nothing more to do.
    case done
  }

  public let rollover: RecordID
  public let state: RolloverState
  public let cause: Cause

  public init(rollover: RecordID, state: RolloverState, cause: Cause) {
    self.rollover = rollover
    self.state = state
    self.cause = cause
  }
}

/// Devices may enter until so many have in all.
public struct RolloverWaveOpened: EventBody {
  public static let kind = "rollover-wave-opened"
  public let rollover: RecordID
  /// From 1.
  public let wave: UInt32
  public let target: UInt64

  public init(rollover: RecordID, wave: UInt32, target: UInt64) {
    self.rollover = rollover
    self.wave = wave
    self.target = target
  }
}

/// From here on each device's change of key is on record before it is told that the key is good.
public struct RolloverDevicesEntered: EventBody {
  public static let kind = "rollover-devices-entered"
  /// The most devices that one such event names.
  public static let limit = 64
  public let rollover: RecordID
  public let wave: UInt32
  public let devices: [RecordID]

  public init(rollover: RecordID, wave: UInt32, devices: [RecordID]) {
    self.rollover = rollover
    self.wave = wave
    self.devices = devices
  }
}

/// A device has this version as its primary from here on, beside the one that it proved last, and no other. One device an
/// event, for a hub hears of it at one position.
public struct RolloverKeyMade: EventBody {
  public static let kind = "rollover-key-made"
  public let rollover: RecordID
  public let device: RecordID
  /// The binding that it is for.
  public let generation: UInt64
  public let key: DeviceKeysMade.Key
  /// The version beside it; nil where the old ones were taken at the deadline.
  public let keeps: UInt32?

  public init(
    rollover: RecordID, device: RecordID, generation: UInt64, key: DeviceKeysMade.Key, keeps: UInt32?
  ) {
    self.rollover = rollover
    self.device = device
    self.generation = generation
    self.key = key
    self.keeps = keeps
  }
}

/// Devices in a rollover proved another version than before: on record before they were told that it is good.
public struct RolloverKeysProved: EventBody {
  public static let kind = "rollover-keys-proved"
  /// The most devices that one such event names.
  public static let limit = 48
  public let proved: [DeviceKeysProved.Proof]

  public init(proved: [DeviceKeysProved.Proof]) { self.proved = proved }
}

/// A device has one version from here on; the other proves nothing any more, and its bytes are gone.
public struct RolloverKeyEnded: EventBody {
  public static let kind = "rollover-key-ended"

  public enum Cause: String, Codable, Sendable, CaseIterable {
    /// The new one was proved, and the overlap is over.
    case overlap
    /// The new one was not proved when the rollover was aborted.
    case aborted
    /// The new one was not proved by the deadline, and the plan lets the old one end.
    case deadline
  }

  public let rollover: RecordID
  public let device: RecordID
  public let generation: UInt64
  /// The version that stays.
  public let stays: UInt32
  public let cause: Cause

  public init(rollover: RecordID, device: RecordID, generation: UInt64, stays: UInt32, cause: Cause) {
    self.rollover = rollover
    self.device = device
    self.generation = generation
    self.stays = stays
    self.cause = cause
  }
}

/// Devices are out of a rollover, with the keys, or certificates, that they have.
public struct RolloverDevicesLeft: EventBody {
  public static let kind = "rollover-devices-left"
  /// The most devices that one such event names.
  public static let limit = 64

  public enum Cause: String, Codable, Sendable { case aborted }

  public let rollover: RecordID
  public let devices: [RecordID]
  public let cause: Cause

  public init(rollover: RecordID, devices: [RecordID], cause: Cause) {
    self.rollover = rollover
    self.devices = devices
    self.cause = cause
  }
}

/// A token of these devices, which have a new version, was signed by a key that they do not have: the first such of each.
public struct RolloverTokensRefused: EventBody {
  public static let kind = "rollover-tokens-refused"
  public static let changesRecords = false
  /// The most devices that one such event names.
  public static let limit = 64
  public let devices: [RecordID]

  public init(devices: [RecordID]) { self.devices = devices }
}

/// A device's new key was about to be handed to the device itself.
public struct DeviceKeyFetched: EventBody {
  public static let kind = "device-key-fetched"
  public static let changesRecords = false

  public enum Evidence: String, Codable, Sendable {
    case certificate
    /// A token by a key that the device has in use.
    case token
  }

  public let device: RecordID
  public let version: UInt32
  public let evidence: Evidence

  public init(device: RecordID, version: UInt32, evidence: Evidence) {
    self.device = device
    self.version = version
    self.evidence = evidence
  }
}
