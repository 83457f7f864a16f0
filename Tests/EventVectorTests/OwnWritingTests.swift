import CertificateAuthority
import DeviceRegistry
import Foundation
import Ledger
import MusterModel
import SQLiteStore
import Testing

/// What writes its own JSON writes the encoder's bytes: the encoder is the oracle.
@Suite struct OwnWritingTests {
  @Test(arguments: Vectors.kinds)
  func `a body's own writing is the encoder's`(name: String) throws {
    let body = try EventCatalog.muster[name].body(try Vectors.line(of: name))
    guard let own = body as? any CanonicalJSON else { return }
    #expect(JSONWriter.bytes(of: own) == [UInt8](try EventCoding.encoder().encode(body)))
  }

  @Test(arguments: try Vectors.names(in: "details"))
  func `its details' own writing is the encoder's`(name: String) throws {
    let details = try #require(try EventCatalog.muster[name].details(try Vectors.attachment(of: name)))
    guard let own = details as? any CanonicalJSON else { return }
    #expect(JSONWriter.bytes(of: own) == [UInt8](try EventCoding.encoder().encode(details)))
  }

  @Test func `the kinds that every enrollment writes do it themselves`() {
    let kinds: [Any.Type] = [
      DeviceEnrolled.self, DeviceEnrolled.Details.self, CertificateIssued.self, CertificateIssued.Details.self,
    ]
    for kind in kinds { #expect(kind is any CanonicalJSON.Type, "\(kind)") }
  }

  @Test(arguments: [
    "", "plain", "a/b", "\"quoted\"", "back\\slash", "line\nfeed\r\ttab", "\u{0}\u{1}\u{1f}\u{7f}\u{8}\u{c}", "é ü 漢",
    "\u{2028}\u{2029}", "👩‍🚀", "\u{fffd}", "</script>",
  ])
  func `each text is written as the encoder writes it`(text: String) throws {
    let details = CertificateIssued.Details(source: text, decision: text + "x")
    #expect(JSONWriter.bytes(of: details) == [UInt8](try EventCoding.encoder().encode(details)))
  }

  @Test func `what is absent is left out, in any combination`() throws {
    let time = Timestamp(milliseconds: 1_800_000_000_000)
    let record = RecordID(.certificate, UUIDv7(at: time))
    for absent in 0..<8 {
      let facts = CertificateFacts(
        certificate: record, subject: absent & 1 == 0 ? nil : record, issuerKeyID: "00", serial: "01",
        profile: "device",
        notBefore: time, notAfter: time, shard: UInt32(absent), publicKey: .sha256([1]), der: .sha256([2]),
        request: absent & 2 == 0 ? nil : .sha256([3]))
      let body = CertificateIssued(
        issued: facts, replaces: absent & 4 == 0 ? nil : record, overlapUntil: absent & 4 == 0 ? nil : time)
      #expect(JSONWriter.bytes(of: body) == [UInt8](try EventCoding.encoder().encode(body)))
      let enrolled = DeviceEnrolled(
        device: record, isNew: absent & 1 == 0, group: absent & 2 == 0 ? nil : record,
        hub: absent & 4 == 0 ? nil : record,
        generation: UInt64(absent), hardware: [], evidence: "ticket", ticket: nil, publicKey: .sha256([1]),
        certificate: record)
      #expect(JSONWriter.bytes(of: enrolled) == [UInt8](try EventCoding.encoder().encode(enrolled)))
    }
  }
}
