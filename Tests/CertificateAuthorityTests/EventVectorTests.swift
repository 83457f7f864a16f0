import Foundation
import Testing

@testable import CertificateAuthority
@testable import MusterModel

/// One file per kind ever shipped: what is on disk must read for ever, and mean the same.
@Suite struct CertificateEventVectorTests {
  static let folder = Instance.root.appending(path: "Tests/Vectors/events")

  /// The line as it is stored; the file ends with one newline more.
  private func line(_ name: String) throws -> [UInt8] {
    let data = try Data(contentsOf: Self.folder.appending(path: name))
    #expect(data.last == UInt8(ascii: "\n"))
    return Array(data.dropLast())
  }

  private func encodeAgain<Body: EventBody>(_ body: Body, _ envelope: EventEnvelope) throws -> [UInt8] {
    Array(
      try EventCoding.encoder().encode(
        EventLine(
          at: envelope.at, body: body, by: envelope.by, kind: envelope.kind, on: envelope.on, policy: envelope.policy,
          private: envelope.privateDigest, v: Event.version)))
  }

  @Test(arguments: CertificateEvents.kinds.map(\.name))
  func `each kind reads its vector and writes the same bytes`(name: String) throws {
    let kind = try #require(CertificateEvents.kinds.first { $0.name == name })
    let bytes = try line(name + ".json")
    let body = try kind.body(bytes)
    let envelope = try EventEnvelope(bytes)
    #expect(envelope.kind == name)
    #expect(try encodeAgain(body, envelope) == bytes)
  }

  @Test func `details read their vector and write the same bytes`() throws {
    let attachment = try line("certificate-issued.details.json")
    let details = try EventCoding.decoder().decode(CertificateIssued.Details.self, from: Data(attachment))
    #expect(Array(try EventCoding.encoder().encode(details)) == attachment)
    #expect(details.source == "192.0.2.7" && details.decision != nil)
  }

  @Test func `reasons keep their names and codes`() {
    let codes = Dictionary(uniqueKeysWithValues: RevocationReason.allCases.map { ($0.rawValue, $0.code) })
    #expect(
      codes == [
        "unspecified": 0, "key-compromise": 1, "affiliation-changed": 3, "superseded": 4,
        "cessation-of-operation": 5, "certificate-hold": 6, "privilege-withdrawn": 9,
      ])
  }
}
