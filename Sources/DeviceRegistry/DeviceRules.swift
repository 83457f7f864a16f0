import MusterModel

// What operators do to a device.

extension Registry {
  public static func enable(_ device: DeviceSnapshot, reason: String?) -> RegistryDecision {
    change(device, to: .enabled, reason: reason)
  }

  /// The device's certificates are put on hold by the same unit of work: that is the caller's to add.
  public static func disable(_ device: DeviceSnapshot, reason: String?) -> RegistryDecision {
    change(device, to: .disabled, reason: reason)
  }

  /// Ends the binding and frees the device ID; for ever. Retiring again is refused, as the name may be another's.
  public static func retire(_ device: DeviceSnapshot, reason: String?) -> RegistryDecision {
    change(device, to: .retired, reason: reason)
  }

  private static func change(_ device: DeviceSnapshot, to state: DeviceState, reason: String?) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      try checkReason(reason)
      guard device.state != .retired else { throw .deviceRetired(device.id) }
      guard device.state != state else { return nil }
      var reads = ReadSet()
      reads.saw(device)
      let changed = PlannedEvent(
        on: [.record(device.record)], DeviceStateChanged(device: device.record, state: state),
        details: .init(reason: reason))
      let ended = state == .retired ? end(device, because: .retired) : nil
      return RegistryPlan(
        record: device.record, reads: reads, claims: [], events: [ended, changed].compactMap(\.self))
    }
  }

  /// nil where no binding is active.
  static func end(_ device: DeviceSnapshot, because reason: BindingEnded.Reason) -> PlannedEvent? {
    device.binding.map { binding in
      let hardware = binding.hardware.map(\.hardware)
      return PlannedEvent(
        on: ([device.record] + hardware).map(Aggregate.record),
        BindingEnded(
          device: device.record, generation: binding.generation, hardware: hardware, reason: reason))
    }
  }
}
