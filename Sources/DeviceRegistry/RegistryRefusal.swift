public import MusterModel

/// Why the registry says no. A value with a stable code.
public enum RegistryRefusal: Error, Sendable, Hashable {
  case hardwareBlocked(HardwareID)
  case patternBlocked(HardwarePattern)
  /// Bound to another device.
  case hardwareBound(HardwareID)
  /// It was a device, and was not allowed since.
  case hardwareOutOfUse(HardwareID)
  case noHardware
  case deviceBound(DeviceID)
  case deviceDisabled(DeviceID)
  case deviceRetired(DeviceID)
  case deviceUnknown(DeviceID)
  case deviceIDTaken(DeviceID)
  /// The binding that a credential came from has ended.
  case bindingEnded(DeviceID)
  case ticketUnknown
  /// By which time another key had used it.
  case ticketSpent(at: Timestamp)
  case ticketExpired(at: Timestamp)
  case ticketCancelled
  case ticketLifetime
  case ticketMismatch
  case groupUnknown
  case groupRemoved(RecordName)
  case groupMismatch
  case groupInUse(RecordName)
  case groupNameTaken(RecordName)
  case tooManyTrustAnchors(Int)
  case tooManyPatterns
  case generationsExhausted(DeviceID)
  case reasonTooLong
  /// Made already: as which device, by whom and when.
  case hardwareProvisioned(HardwareID, as: DeviceID, by: String, at: Timestamp)
  /// Allowed already by an order that is open: as which device, by whom and when.
  case hardwareAllowed(HardwareID, as: DeviceID?, by: String, at: Timestamp)
  /// No evidence shows it, and it was given no secret.
  case hardwareUnprovable(HardwareID)
  case secretLifetime
  case orderUnknown
  case orderClosed(RecordName)
  case orderExpired(RecordName, at: Timestamp)
  /// All that the order lets be made is made.
  case orderExhausted(RecordName, count: UInt64)
  case orderNameTaken(RecordName)
  case orderCount(UInt64)
  case orderOver
  /// The run is another order's; which, and whose, where that is the asker's to know.
  case batchTaken(RecordID, by: BatchHolder?)
  case stationUnknown

  /// Stable, in kebab-case.
  public var code: String {
    switch self {
    case .hardwareBlocked: "hardware-blocked"
    case .patternBlocked: "hardware-blocked"
    case .hardwareBound: "hardware-bound"
    case .hardwareAllowed: "hardware-allowed"
    case .hardwareUnprovable: "hardware-unprovable"
    case .secretLifetime: "secret-lifetime"
    case .hardwareOutOfUse: "hardware-out-of-use"
    case .noHardware: "hardware-missing"
    case .deviceBound: "device-bound"
    case .deviceDisabled: "device-disabled"
    case .deviceRetired: "device-retired"
    case .deviceUnknown: "device-unknown"
    case .deviceIDTaken: "device-id-taken"
    case .bindingEnded: "binding-ended"
    case .ticketUnknown: "ticket-unknown"
    case .ticketSpent: "ticket-spent"
    case .ticketExpired: "ticket-expired"
    case .ticketCancelled: "ticket-cancelled"
    case .ticketLifetime: "ticket-lifetime"
    case .ticketMismatch: "ticket-mismatch"
    case .groupUnknown: "group-unknown"
    case .groupRemoved: "group-removed"
    case .groupMismatch: "group-mismatch"
    case .groupInUse: "group-in-use"
    case .groupNameTaken: "group-name-taken"
    case .tooManyTrustAnchors: "too-many-trust-anchors"
    case .tooManyPatterns: "too-many-patterns"
    case .generationsExhausted: "generations-exhausted"
    case .reasonTooLong: "reason-too-long"
    case .hardwareProvisioned: "hardware-provisioned"
    case .orderUnknown: "order-unknown"
    case .orderClosed: "order-closed"
    case .orderExpired: "order-expired"
    case .orderExhausted: "order-exhausted"
    case .orderNameTaken: "order-name-taken"
    case .orderCount: "order-count"
    case .orderOver: "order-until"
    case .batchTaken: "batch-taken"
    case .stationUnknown: "station-unknown"
    }
  }
}

extension RegistryRefusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .hardwareBlocked(let id): "expected hardware that may enroll, found \(id) on the blocklist"
    case .patternBlocked(let pattern): "expected a pattern that may be allowed, found \(pattern) on the blocklist"
    case .hardwareBound(let id): "expected hardware that is no device yet, found \(id) bound to another device or key"
    case .hardwareOutOfUse(let id):
      "expected hardware that may enroll by itself, found \(id), which left its device: a ticket or hardware allow brings it back"
    case .noHardware: "expected at least one hardware ID, found none"
    case .deviceBound(let id): "expected a device without hardware, found \(id) bound; a ticket with --swap takes over"
    case .deviceDisabled(let id): "expected an enabled device, found \(id) disabled"
    case .deviceRetired(let id): "expected a device in use, found \(id) retired"
    case .deviceUnknown(let id): "expected a device that exists, found none of the name \(id)"
    case .deviceIDTaken(let id): "expected a device ID that is free, found \(id) in use"
    case .bindingEnded(let id): "expected the hardware that is \(id) now, found hardware whose binding has ended"
    case .ticketUnknown: "expected a ticket of this instance, found none"
    case .ticketSpent(let time): "expected an unused ticket, found it used by another key at \(time)"
    case .ticketExpired(let time): "expected a ticket in its time, found it over since \(time)"
    case .ticketCancelled: "expected a ticket in force, found it cancelled"
    case .ticketLifetime: "expected a ticket's lifetime of 1 minute to 30 days, found another"
    case .ticketMismatch: "expected the device and hardware that the ticket names, found others"
    case .groupUnknown: "expected a group that exists, found none"
    case .groupRemoved(let name): "expected a group in use, found \(name) removed"
    case .groupMismatch: "expected the group of the device or of the allowlist, found another"
    case .groupInUse(let name): "expected a group without devices, found devices in \(name)"
    case .groupNameTaken(let name): "expected a group name that is free, found \(name) in use"
    case .tooManyTrustAnchors(let count):
      "expected at most \(Registry.trustAnchorLimit) trust anchors, found \(count)"
    case .tooManyPatterns: "expected at most \(Registry.patternLimit) patterns, found one more"
    case .generationsExhausted(let id): "expected a free generation in this epoch, found none for \(id)"
    case .hardwareProvisioned(let id, let device, let by, let time):
      "expected hardware that is no device yet, found \(id) made \(device) by \(by) at \(time)"
    case .hardwareAllowed(let id, let device, let by, let time):
      "expected hardware that no other order or row allows, found \(id) allowed as \(device?.text ?? "a device") by \(by) "
        + "at \(time)"
    case .hardwareUnprovable(let id):
      "expected hardware that proves itself (idevid, tpm-ek, registration) or a one-time secret for it, found \(id)"
    case .secretLifetime: "expected a secret's lifetime of 1 minute to 366 days, found another"
    case .orderUnknown: "expected an order that exists, found none of that name"
    case .orderClosed(let name): "expected an order that is open, found \(name) closed"
    case .orderExpired(let name, let time): "expected an order in its time, found \(name) over since \(time)"
    case .orderExhausted(let name, let count):
      "expected an order with devices left to make, found all \(count) of \(name) made"
    case .orderNameTaken(let name): "expected an order's name that is free, found \(name) open"
    case .orderCount(let count): "expected a count of 1 to \(Registry.orderLimit), found \(count)"
    case .orderOver: "expected an order's end in the future, found it past"
    case .batchTaken(let batch, let holder):
      "expected a batch of this order, found \(batch) of \(holder?.description ?? "another")"
    case .stationUnknown:
      "expected an operator with the role factory-line who is not limited to other groups, found none of that name"
    case .reasonTooLong: "expected a reason of at most \(Registry.reasonLimit) bytes, found a longer one"
    }
  }
}
