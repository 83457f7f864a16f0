import Attestation
import MusterModel
import Testing

@Suite struct StationTests {
  private static let time = Timestamp(milliseconds: 1_760_000_000_000)

  @Test func `the order's station asserts its board, another operator nothing`() throws {
    let (station, other) = (
      RecordID(.operator, UUIDv7(at: Self.time)), RecordID(.operator, UUIDv7(at: Self.time))
    )
    let reference = StationVerifier.Reference(order: RecordID(.order, UUIDv7(at: Self.time)), stations: [station])
    let hardware = try HardwareID.parse("cpu-serial:e4b1c9d2").get()
    let deviceID = try #require(DeviceID("pump-1"))
    func evidence(_ operator: RecordID) -> StationEvidence {
      StationEvidence(station: `operator`, hardware: hardware, deviceID: deviceID)
    }
    let result = try StationVerifier().appraise(evidence(station), against: reference).get()
    #expect(result.hardware.map(\.id) == [hardware] && result.hardware.map(\.assurance) == [.asserted])
    #expect(result.claims == .station(order: reference.order, deviceID: deviceID) && result.evidence == .station)
    #expect(throws: AttestationRefusal.otherStation) {
      try StationVerifier().appraise(evidence(other), against: reference).get()
    }
  }
}
