import Attestation
import MusterModel
import Testing

private let time = Timestamp(milliseconds: 1_760_000_000_000)

@Suite struct TicketVerifierTests {
  let board: HardwareID
  let reference: TicketVerifier.Reference

  init() throws {
    board = try HardwareID.parse("mac:aabbcc001122").get()
    reference = TicketVerifier.Reference(
      ticket: RecordID(.ticket, UUIDv7(at: time)), deviceID: try #require(DeviceID("meter-7")), hardware: board,
      code: .sha256([1]))
  }

  @Test func `the code of the ticket that names the device asserts its hardware`() throws {
    let evidence = TicketEvidence(deviceID: try #require(DeviceID("meter-7")), code: .sha256([1]))
    let result = try TicketVerifier().appraise(evidence, against: reference, claimed: [board]).get()
    #expect(result.hardware.map(\.id) == [board] && result.hardware.map(\.assurance) == [.asserted])
    #expect(result.evidence == .ticket && result.claims == .ticket(reference.ticket, deviceID: evidence.deviceID))
  }

  @Test func `what the device claims never stands before what the ticket names`() throws {
    let evidence = TicketEvidence(deviceID: try #require(DeviceID("meter-7")), code: .sha256([1]))
    let claimed = try HardwareID.parse("cpu-serial:00000000e4b1c9d2").get()
    let result = try TicketVerifier().appraise(evidence, against: reference, claimed: [claimed]).get()
    #expect(result.hardware.map(\.id) == [board, claimed])
  }

  @Test(arguments: [
    "idevid:\(String(repeating: "ab", count: 32)).SN-1", "tpm-ek:\(String(repeating: "0c", count: 32))",
  ])
  func `what only evidence can show is not taken on the device's word`(claim: String) throws {
    let evidence = TicketEvidence(deviceID: try #require(DeviceID("meter-7")), code: .sha256([1]))
    let appraisal = TicketVerifier().appraise(
      evidence, against: reference, claimed: [try HardwareID.parse(claim).get()])
    #expect(appraisal.refusal?.code == "hardware-unproved")
  }

  @Test(arguments: [("meter-7", 2), ("meter-8", 1), ("METER-7", 1)] as [(String, UInt8)])
  func `another code, device or spelling is refused alike`(name: String, code: UInt8) throws {
    let evidence = TicketEvidence(deviceID: try #require(DeviceID(name)), code: .sha256([code]))
    #expect(TicketVerifier().appraise(evidence, against: reference) == .failure(.ticketWrong))
  }
}

@Suite struct LDevIDVerifierTests {
  let leaf: [UInt8]
  let device = RecordID(.device, UUIDv7(at: time))
  let certificate = RecordID(.certificate, UUIDv7(at: time))

  init() throws { leaf = try MakerPKI().leaf() }

  private func reference(_ status: LDevIDVerifier.Status = .good, der: Digest? = nil) throws -> LDevIDVerifier.Reference
  {
    LDevIDVerifier.Reference(
      certificate: certificate, device: device, deviceID: try #require(DeviceID("meter-7")),
      der: der ?? .sha256(leaf), notBefore: time, notAfter: time + .seconds(60), status: status,
      hardware: [try HardwareID.parse("mac:aabbcc001122").get()])
  }

  @Test func `the certificate on record is the device's`() throws {
    let result = try LDevIDVerifier().appraise(chain: [leaf], against: reference(), at: time).get()
    #expect(result.evidence == .ldevid)
    #expect(
      result.claims == .ldevid(certificate: certificate, device: device, deviceID: try #require(DeviceID("meter-7"))))
  }

  @Test(
    arguments: [(.held, "certificate-held"), (.revoked, "certificate-revoked")] as [(LDevIDVerifier.Status, String)])
  func `one that is not in force is refused`(status: LDevIDVerifier.Status, code: String) throws {
    let result = LDevIDVerifier().appraise(chain: [leaf], against: try reference(status), at: time)
    #expect(result.refusal?.code == code)
  }

  @Test func `one that is not on record, or whose time is not now, is refused`() throws {
    let verifier = LDevIDVerifier()
    let (before, after) = (time - .seconds(1), time + .seconds(61))
    #expect(verifier.appraise(chain: [leaf], against: nil, at: time).refusal == .certificateUnknown)
    let other = try reference(der: .sha256([1]))
    #expect(verifier.appraise(chain: [leaf], against: other, at: time).refusal == .certificateUnknown)
    #expect(verifier.appraise(chain: [leaf], against: try reference(), at: before).refusal == .notYetValid)
    #expect(verifier.appraise(chain: [leaf], against: try reference(), at: after).refusal == .expired)
    #expect(verifier.appraise(chain: [], against: try reference(), at: time).refusal == .chainEmpty)
  }
}

extension Result<AttestationResult, AttestationRefusal> {
  fileprivate var refusal: AttestationRefusal? {
    guard case .failure(let refusal) = self else { return nil }
    return refusal
  }
}
