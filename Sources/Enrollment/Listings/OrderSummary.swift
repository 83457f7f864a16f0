public import MusterModel

/// An order as its station and its people see it.
public struct OrderSummary: Codable, Sendable, Hashable {
  public enum State: String, Codable, Sendable { case open, full, expired, closed }
  public let record: RecordID
  public let name: RecordName
  public let station: RecordName?
  public let group: RecordName?
  /// The hub that the group's devices talk to, and its host.
  public let hub: RecordName?
  public let hubHost: String?
  public let count: UInt64
  public let made: UInt64
  public let until: Timestamp?
  public let added: Timestamp
  public let state: State
  public let lastRefusal: RefusalSummary?

  public init(
    record: RecordID, name: RecordName, station: RecordName?, group: RecordName?, hub: RecordName?, hubHost: String?,
    count: UInt64, made: UInt64, until: Timestamp?, added: Timestamp, state: State, lastRefusal: RefusalSummary?
  ) {
    self.record = record
    self.name = name
    self.station = station
    self.group = group
    self.hub = hub
    self.hubHost = hubHost
    self.count = count
    self.made = made
    self.until = until
    self.added = added
    self.state = state
    self.lastRefusal = lastRefusal
  }
}

/// By which order, in which run and on which station a device was made. A name that was erased is nil.
public struct ProvisioningSummary: Codable, Sendable, Hashable {
  public let order: RecordName?
  public let batch: RecordID
  public let station: RecordName?

  public init(order: RecordName?, batch: RecordID, station: RecordName?) {
    self.order = order
    self.batch = batch
    self.station = station
  }
}
