import Foundation
import MusterModel
import Testing

private struct Knocked: EventBody {
  static let kind = "knocked"
  let count: UInt64
  struct Details: Codable, Hashable, Sendable { let name: String }
}

@Suite struct EventTests {
  let time = Timestamp(milliseconds: 1_700_000_000_123)

  @Test func `an event is one line of JSON with sorted keys, and its envelope reads back`() throws {
    let id = RecordID(.device, UUIDv7(at: time))
    let event = try Event(
      at: time, by: .service, on: [.record(id)], Knocked(count: 3), details: .init(name: "Anna/\n"))
    let text = String(decoding: event.bytes, as: UTF8.self)
    #expect(
      text.hasPrefix(#"{"at":"2023-11-14T22:13:20.123Z","body":{"count":3},"by":"service","kind":"knocked","on":[""#))
    #expect(!text.contains("\n") && !text.contains("Anna"))
    let envelope = try EventEnvelope(event.bytes)
    #expect(envelope.kind == "knocked" && envelope.on == [.record(id)] && envelope.at == time)
    #expect(envelope.privateDigest == event.privateAttachment.map(Digest.sha256))
    let kind = EventKind(Knocked.self)
    #expect(try kind.body(event.bytes) as? Knocked == Knocked(count: 3))
    #expect(try kind.details(event.privateAttachment ?? []) as? Knocked.Details == .init(name: "Anna/\n"))
  }

  @Test func `two events with the same details do not show that they are the same`() throws {
    let events = try (0..<2).map { _ in
      try Event(at: time, by: .service, on: [], Knocked(count: 1), details: .init(name: "Anna"))
    }
    #expect(events[0].bytes != events[1].bytes)
  }
}
