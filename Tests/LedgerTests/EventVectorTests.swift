import Foundation
import MusterModel
import Testing

@testable import Ledger

/// One file per kind ever shipped: a kind never changes its meaning or loses a field, so every build reads all of them.
/// A file holds the event's line as it is stored and, where the kind has details, the private attachment's JSON.
struct EventVector: Decodable {
  /// The line's exact bytes, as text.
  let event: String
  /// The details' exact bytes, as text, without the 16 random ones before them.
  let details: String?

  static let folder = vectors.appending(path: "events")

  static func read(_ kind: String) throws -> EventVector {
    try JSONDecoder().decode(EventVector.self, from: Data(contentsOf: folder.appending(path: "\(kind).json")))
  }

  static var names: [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
  }

  /// Reads the line and the details by their kind and writes them again: the same bytes.
  func check(_ kind: EventKind) throws {
    let bytes = Array(event.utf8)
    let envelope = try EventEnvelope(bytes)
    #expect(envelope.kind == kind.name)
    let body = try kind.body(bytes)
    #expect(try json(body) == field("body"), "the body of \(kind.name)")
    guard let details else { return }
    let salted = [UInt8](repeating: 0, count: 16) + Array(details.utf8)
    let read = try #require(try kind.details(salted))
    #expect(try json(read) == details, "the details of \(kind.name)")
    #expect(envelope.privateDigest == Digest.sha256(salted))
  }

  private func json(_ value: any Encodable) throws -> String {
    String(decoding: try EventCoding.encoder().encode(value), as: UTF8.self)
  }

  /// A field of the line, cut out as text: from its name to the matching end.
  private func field(_ name: String) -> String? {
    guard let start = event.range(of: "\"\(name)\":")?.upperBound,
      let end = event.range(of: ",\"by\":", range: start..<event.endIndex)?.lowerBound
    else { return nil }
    return String(event[start..<end])
  }
}

@Suite struct EventVectorTests {
  static let catalog = EventCatalog(EventCatalog.ledger)

  @Test(arguments: EventVector.names.filter { catalog.names.contains($0) })
  func `each event ever shipped reads, and writes the same bytes`(name: String) throws {
    try EventVector.read(name).check(Self.catalog[name])
  }

  @Test func `each kind of the ledger's room has its file`() {
    #expect(Self.catalog.names.isSubset(of: EventVector.names))
    #expect(Self.catalog.names.count == LedgerEvents.kinds.count)
  }

  @Test func `a kind that is not known is an error, and its envelope reads`() throws {
    #expect(throws: LedgerError.unknownKind("devices-merged")) { try Self.catalog["devices-merged"] }
    let line =
      #"{"at":"2026-01-02T03:04:05.678Z","body":{"new":[1]},"by":"service","kind":"devices-merged","on":["instance"],"v":1}"#
    #expect(try EventEnvelope(Array(line.utf8)).kind == "devices-merged")
  }
}
