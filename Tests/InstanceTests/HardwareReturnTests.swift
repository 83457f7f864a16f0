import Crypto
import DeviceRegistry
import Enrollment
import Foundation
import KeyVault
import MusterModel
import SwiftASN1
import Testing
import X509

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"
private let address = "mac:0a1b2c3d4e5f"

/// Hardware that comes back, and hardware that another board claims to be.
@Suite struct HardwareReturnTests {
  @Test func `a claim takes no name: the board that has it enrolls`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let code = try await test.ticket(board, "squatter", by: engineer)
      let claimed = try await test.enroll("squatter", code, PeerKey(), claiming: [address, "imei:490154203237518"])
        .get()
      let shown = try #require(try await test.instance.listings.device(claimed.deviceID))
      #expect(shown.hardware.map(\.hardware.description) == [board])
      let listed = try await test.instance.listings.hardware(try #require(PageRequest())).rows
      #expect(listed.compactMap(\.hardware?.description) == [board], "a claim makes no record")
      let rightful = try await test.ticket(address, "pump-7", by: engineer)
      let enrolled = try await test.enroll("pump-7", rightful, PeerKey()).get()
      #expect(try await test.instance.listings.device(enrolled.deviceID)?.hardware.count == 1)
      try test.expectWholeLedger()
    }
  }

  @Test func `a claim to a bound board's name hurts neither`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let first = try await test.enroll("pump-7", try await test.ticket(address, "pump-7", by: engineer), PeerKey())
        .get()
      let code = try await test.ticket(board, "squatter", by: engineer)
      _ = try await test.enroll("squatter", code, PeerKey(), claiming: [address]).get()
      #expect(try await test.enroll("squatter", code, PeerKey(), claiming: [address]).refusalCode == "ticket-spent")
      let shown = try #require(try await test.instance.listings.device(first.deviceID))
      #expect(shown.lastRefusal == nil && shown.hardware.map(\.hardware.description) == [address])
      #expect(try await test.renew(first, PeerKey()).refusalCode == nil)
    }
  }

  @Test func `a claim to a blocked board's name is refused`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      _ = try await test.administration.list(
        HardwareInput(hardware: address, group: nil, reason: "stolen"), .block, by: administrator
      ).get()
      let code = try await test.ticket(board, "pump-7", by: administrator)
      #expect(
        try await test.enroll("pump-7", code, PeerKey(), claiming: [address]).refusalCode == "hardware-blocked")
    }
  }

  @Test func `a claim to the allowlist lends no standing`() async throws {
    try await TestInstance.with { test in
      let maker = try Maker()
      let administrator = try await test.caller(.administrator, name: "root")
      try await test.trust(maker, by: administrator)
      let allow = HardwareInput(hardware: address, group: "valves", reason: nil)
      _ = try await test.administration.addGroup(
        GroupInput(name: "valves", profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: administrator
      ).get()
      _ = try await test.administration.list(allow, .allow, by: administrator).get()
      // Were the claim's standing the board's, it would be allowed for valves, and refused in meters.
      #expect(try await test.enroll(maker, "meter-1", PeerKey(), claiming: [address]).refusalCode == nil)
    }
  }

  @Test func `a retired device's hardware does not come back by itself`() async throws {
    try await TestInstance.with { test in
      let (maker, administrator) = (try Maker(), try await test.caller(.administrator, name: "root"))
      try await test.trust(maker, by: administrator)
      _ = try await test.enroll(maker, "meter-1", PeerKey()).get()
      _ = try await test.administration.change("meter-1", .retire, reason: "scrapped", by: administrator).get()
      let refused = try #require(try await test.enroll(maker, "meter-1", PeerKey()).refusal)
      #expect(refused.code == "hardware-out-of-use" && refused.isRecorded)
      let id = try await test.firstHardware()
      let allowed = HardwareInput(hardware: id.description, group: "meters", reason: "repaired")
      _ = try await test.administration.list(allowed, .allow, by: administrator).get()
      _ = try await test.enroll(maker, "meter-1", PeerKey()).get()
      _ = try await test.administration.change("meter-1", .retire, reason: "scrapped again", by: administrator).get()
      #expect(try await test.enroll(maker, "meter-1", PeerKey()).refusalCode == "hardware-out-of-use")
      _ = try await test.administration.list(allowed, .allow, by: administrator).get()
      #expect(
        try await test.enroll(maker, "meter-1", PeerKey()).refusalCode == nil, "allowed anew, though it was listed")
      try test.expectWholeLedger()
    }
  }

  @Test func `a ticket brings a retired device's hardware back`() async throws {
    try await TestInstance.with { test in
      let (maker, administrator) = (try Maker(), try await test.caller(.administrator, name: "root"))
      try await test.trust(maker, by: administrator)
      _ = try await test.enroll(maker, "meter-1", PeerKey()).get()
      _ = try await test.administration.change("meter-1", .retire, reason: nil, by: administrator).get()
      let id = try await test.firstHardware()
      let code = try await test.ticket(id.description, "meter-2", group: "meters", by: administrator)
      #expect(try await test.enroll("meter-2", code, PeerKey()).refusalCode == nil)
      try test.expectWholeLedger()
    }
  }
}

/// A maker's root, and leaves under it.
private struct Maker {
  let key = P256.Signing.PrivateKey()
  let root: Certificate
  private let time = Date(timeIntervalSince1970: 1_800_000_000)

  init() throws {
    let name = try DistinguishedName { CommonName("Maker") }
    root = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: time - 86_400,
      notValidAfter: time + 86_400 * 365, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try .init {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        Critical(KeyUsage(keyCertSign: true))
      }, issuerPrivateKey: .init(key))
  }

  func leaf(_ serialNumber: String) throws -> [UInt8] {
    let subject = DistinguishedName([
      RelativeDistinguishedName(
        try RelativeDistinguishedName.Attribute(type: [2, 5, 4, 5], printableString: serialNumber))
    ])
    return try Maker.der(
      Certificate(
        version: .v3, serialNumber: .init(), publicKey: .init(P256.Signing.PrivateKey().publicKey),
        notValidBefore: time - 86_400, notValidAfter: time + 86_400 * 30, issuer: root.subject, subject: subject,
        signatureAlgorithm: .ecdsaWithSHA256,
        extensions: try .init {
          Critical(BasicConstraints.notCertificateAuthority)
          Critical(KeyUsage(digitalSignature: true))
        }, issuerPrivateKey: .init(key)))
  }

  static func der(_ certificate: Certificate) throws -> [UInt8] {
    var serializer = DER.Serializer()
    try certificate.serialize(into: &serializer)
    return serializer.serializedBytes
  }
}

extension TestInstance {
  fileprivate func firstHardware() async throws -> HardwareID {
    let page = try #require(PageRequest())
    return try #require(try await instance.listings.hardware(page).rows.first?.hardware)
  }

  fileprivate func trust(_ maker: Maker, by caller: Caller) async throws {
    let group = GroupInput(name: "meters", profile: nil, hub: nil, trustAnchors: nil)
    _ = try await administration.addGroup(group, anchors: [try Maker.der(maker.root)], by: caller).get()
  }

  fileprivate func enroll(
    _ maker: Maker, _ serialNumber: String, _ key: PeerKey, claiming claimed: [String] = []
  ) async throws -> Outcome<Enrolled> {
    try await enrollment.enroll(
      EnrollmentRequest(
        evidence: .certificate([try maker.leaf(serialNumber)]), csr: try key.request(commonName: serialNumber),
        label: RecordName("meters"), claimed: try claimed.map { try HardwareID.parse($0).get() }, source: "192.0.2.7"))
  }

  fileprivate func enroll(
    _ device: String, _ code: TicketCode, _ key: PeerKey, claiming claimed: [String]
  ) async throws -> Outcome<Enrolled> {
    try await enrollment.enroll(
      EnrollmentRequest(
        evidence: .ticket(try #require(DeviceID(device)), code), csr: try key.request(commonName: device), label: nil,
        claimed: try claimed.map { try HardwareID.parse($0).get() }, source: "192.0.2.7"))
  }
}
