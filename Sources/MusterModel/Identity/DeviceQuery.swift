/// Which devices are meant: those that have all that is named. Of each of these a device has one at most.
public struct DeviceQuery: Hashable, Sendable {
  public let group: RecordID?
  /// The hub that the device talks to.
  public let hub: RecordID?
  /// The run of a station in which the device was given the hardware that it has.
  public let batch: RecordID?

  public init(group: RecordID? = nil, hub: RecordID? = nil, batch: RecordID? = nil) {
    self.group = group
    self.hub = hub
    self.batch = batch
  }

  /// Whether nothing is named.
  public var isAll: Bool { group == nil && hub == nil && batch == nil }
}
