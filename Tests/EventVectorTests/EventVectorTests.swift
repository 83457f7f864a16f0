import Attestation
import CertificateAuthority
import DeviceRegistry
import Foundation
import KeyVault
import Ledger
import MusterModel
import Policy
import SQLiteStore
import Testing

/// What is on disk must read for ever, and mean the same.
@Suite struct EventVectorTests {
  @Test func `each kind has one vector, and each vector a kind`() throws {
    #expect(try Vectors.names(in: "events") == Vectors.kinds)
  }

  @Test func `each kind with details has a vector of them, and no other`() throws {
    let withDetails = try Vectors.kinds.filter {
      try !(read(details: $0, Vectors.salt + Array("{}".utf8)) is NoDetails)
    }
    #expect(try Vectors.names(in: "details") == withDetails)
    for kind in Vectors.kinds {
      let digest = try EventEnvelope(Vectors.line(of: kind)).privateDigest
      #expect((digest != nil) == withDetails.contains(kind), "\(kind)")
    }
  }

  @Test func `no two kinds share a name`() {
    let rooms = [
      LedgerEvents.kinds, DeviceEvents.kinds, PolicyEvents.kinds, CertificateEvents.kinds, VaultEvents.kinds,
      AttestationEvents.kinds, RingEvents.kinds, RolloverEvents.kinds,
    ]
    #expect(rooms.joined().map(\.name).sorted() == Vectors.kinds)
  }

  @Test(arguments: Vectors.kinds)
  func `a recorded event reads and is written again as it was`(name: String) throws {
    let bytes = try Vectors.line(of: name)
    let envelope = try EventEnvelope(bytes)
    #expect(envelope.kind == name)
    let again = try line(envelope, EventCatalog.muster[name].body(bytes))
    #expect(String(decoding: again, as: UTF8.self) == String(decoding: bytes, as: UTF8.self))
  }

  @Test(arguments: try Vectors.names(in: "details"))
  func `its details read and are written again as they were`(name: String) throws {
    let attachment = try Vectors.attachment(of: name)
    #expect(try EventEnvelope(Vectors.line(of: name)).privateDigest == Digest.sha256(attachment))
    let details = try #require(try EventCatalog.muster[name].details(attachment))
    #expect([UInt8](try EventCoding.encoder().encode(details)) == Array(attachment.dropFirst(16)))
  }

  @Test func `a certificate of an enrollment has no details of its own, and reads and is written again as it was`()
    throws
  {
    #expect(try Vectors.names(in: "without-details") == ["certificate-issued"])
    let bytes = try Vectors.lineWithoutDetails(of: "certificate-issued")
    let envelope = try EventEnvelope(bytes)
    #expect(envelope.kind == "certificate-issued" && envelope.privateDigest == nil)
    let body = try EventCatalog.muster[envelope.kind].body(bytes)
    #expect(try line(envelope, body) == bytes)
    let issued = try #require(body as? CertificateIssued)
    let record = try #require(envelope.by.record)
    let made = try Event(
      at: envelope.at, by: Actor(record, by: .ticket), on: [.record(issued.issued.certificate)],
      policy: envelope.policy, withoutDetails: issued)
    #expect(made.bytes == bytes)
  }

  @Test(arguments: Vectors.variants)
  func `what says more than its kind's vector reads and is written again as it was`(
    folder: String, kinds: [String]
  ) throws {
    #expect(try Vectors.names(in: "\(folder)/events") == kinds)
    for kind in kinds {
      let (bytes, attachment) = try Vectors.variant(folder, kind)
      let envelope = try EventEnvelope(bytes)
      #expect(envelope.kind == kind && envelope.privateDigest == Digest.sha256(attachment))
      let again = try line(envelope, EventCatalog.muster[kind].body(bytes))
      #expect(String(decoding: again, as: UTF8.self) == String(decoding: bytes, as: UTF8.self))
      let details = try #require(try EventCatalog.muster[kind].details(attachment))
      #expect([UInt8](try EventCoding.encoder().encode(details)) == Array(attachment.dropFirst(16)))
    }
  }

  @Test func `reasons of revocation keep their names and codes`() {
    let codes = Dictionary(uniqueKeysWithValues: RevocationReason.allCases.map { ($0.rawValue, $0.code) })
    #expect(
      codes == [
        "unspecified": 0, "key-compromise": 1, "affiliation-changed": 3, "superseded": 4,
        "cessation-of-operation": 5, "certificate-hold": 6, "privilege-withdrawn": 9,
      ])
  }

  @Test func `a kind that is not known is an error, and its envelope reads`() throws {
    #expect(throws: LedgerError.unknownKind("devices-merged")) { try EventCatalog.muster["devices-merged"] }
    let line =
      #"{"at":"2026-01-02T03:04:05.678Z","body":{"new":[1]},"by":"service","kind":"devices-merged","on":["instance"],"v":1}"#
    #expect(try EventEnvelope(Array(line.utf8)).kind == "devices-merged")
  }

  /// nil where the kind has details that cannot be empty.
  private func read(details kind: String, _ attachment: [UInt8]) throws -> Any? {
    let kind = try EventCatalog.muster[kind]
    return try? kind.details(attachment)
  }

  /// The line of formats.md, put together by hand: another hand than the one that writes events.
  private func line(_ envelope: EventEnvelope, _ body: some EventBody) throws -> [UInt8] {
    let encoder = EventCoding.encoder()
    var fields = [
      #""at":"# + text(try encoder.encode(envelope.at)), #""body":"# + text(try encoder.encode(body)),
      #""by":"# + text(try encoder.encode(envelope.by)), #""kind":"# + text(try encoder.encode(envelope.kind)),
      #""on":"# + text(try encoder.encode(envelope.on)),
    ]
    if let policy = envelope.policy { fields.append(#""policy":"# + text(try encoder.encode(policy))) }
    if let digest = envelope.privateDigest { fields.append(#""private":"# + text(try encoder.encode(digest))) }
    return Array("{\((fields + [#""v":1"#]).joined(separator: ","))}".utf8)
  }

  private func text(_ data: Data) -> String { String(decoding: data, as: UTF8.self) }
}
