public import MusterModel

/// Which devices are meant, as people name it: those that have all that is named.
public struct DeviceFilter: Sendable, Hashable {
  public var group: RecordName?
  /// The hub that they talk to.
  public var hub: RecordName?
  /// The run of a station in which they were given the hardware that they have.
  public var batch: RecordID?

  public init(group: RecordName? = nil, hub: RecordName? = nil, batch: RecordID? = nil) {
    self.group = group
    self.hub = hub
    self.batch = batch
  }

  /// What may be asked for, by its name in queries.
  public static let parameters: Set = ["group", "hub", "batch"]

  /// Reads what callers wrote of each; nil is not asked. Throws `name-malformed` and `batch-malformed`.
  public init(group: String?, hub: String?, batch: String?) throws(Refusal) {
    func name(_ text: String?) throws(Refusal) -> RecordName? { if let text { try parse(name: text) } else { nil } }
    self.init(group: try name(group), hub: try name(hub))
    if let batch {
      guard let record = RecordID(batch), record.kind == .batch else {
        throw .malformed("batch", "bat_…, a batch's record ID")
      }
      self.batch = record
    }
  }
}
