public import MusterModel

/// Appraises a station's word: it is the station that the order names, or one who may stand at any. The hardware is
/// asserted by the order's operator, as it is by a ticket's; whether the order lets more be made is the registry's.
public struct StationVerifier: Sendable {
  /// The order as it is on record.
  public struct Reference: Sendable, Hashable {
    public let order: RecordID
    public let stations: Set<RecordID>

    public init(order: RecordID, stations: Set<RecordID>) {
      self.order = order
      self.stations = stations
    }
  }

  public init() {}

  public func appraise(
    _ evidence: StationEvidence, against reference: Reference
  ) -> Result<AttestationResult, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in
      guard reference.stations.contains(evidence.station) else { throw .otherStation }
      return try AttestationResult(
        [.init(evidence.hardware, .asserted)], claimed: [],
        .station(order: reference.order, deviceID: evidence.deviceID))
    }
  }
}
