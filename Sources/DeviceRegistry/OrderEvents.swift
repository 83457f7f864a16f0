public import MusterModel

/// A station may make so many devices in a group, until then or until the order is closed. How many it made is told by
/// the `DeviceEnrolled` that name the order.
public struct OrderAdded: EventBody {
  public static let kind = "order-added"
  public let order: RecordID
  /// The operator who may provision by it.
  public let station: RecordID
  public let group: RecordID
  public let count: UInt64
  /// nil for no end.
  public let until: Timestamp?

  public struct Details: Codable, Hashable, Sendable {
    public let name: RecordName
    public init(name: RecordName) { self.name = name }
  }

  public init(order: RecordID, station: RecordID, group: RecordID, count: UInt64, until: Timestamp?) {
    self.order = order
    self.station = station
    self.group = group
    self.count = count
    self.until = until
  }
}

/// Nothing is made by the order any more.
public struct OrderClosed: EventBody {
  public static let kind = "order-closed"
  public let order: RecordID
  public init(order: RecordID) { self.order = order }
}
