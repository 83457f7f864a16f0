import DeviceRegistry
import Foundation
import KeyVault
import MusterModel
import Policy
import Testing

/// `Tests/Vectors/events/<kind>.json` holds one line of each kind ever shipped, exactly as it is hashed; beside it
/// `Tests/Vectors/details/<kind>.json` the JSON of its private attachment, whose salt is the bytes 0 to 15.
private let kinds = DeviceEvents.kinds + PolicyEvents.kinds + VaultEvents.kinds

@Suite struct EventVectorTests {
  @Test(arguments: kinds.map(\.name))
  func `a recorded event reads and is written again as it was`(name: String) throws {
    let kind = try #require(kinds.first { $0.name == name })
    let bytes = try vector("events", name)
    let envelope = try EventEnvelope(bytes)
    #expect(envelope.kind == name)
    #expect(
      String(decoding: try line(envelope, try kind.body(bytes)), as: UTF8.self)
        == String(decoding: bytes, as: UTF8.self))
  }

  @Test(arguments: kinds.map(\.name))
  func `its details read and are written again as they were`(name: String) throws {
    let kind = try #require(kinds.first { $0.name == name })
    guard let digest = try EventEnvelope(try vector("events", name)).privateDigest else {
      #expect(try kind.details(Array(0..<16) + Array("{}".utf8)) is NoDetails)
      return
    }
    let attachment = Array(0..<16) + (try vector("details", name))
    #expect(Digest.sha256(attachment) == digest)
    let details = try #require(try kind.details(attachment))
    #expect([UInt8](try EventCoding.encoder().encode(details)) == Array(attachment.dropFirst(16)))
  }

  @Test func `no two kinds share a name`() {
    #expect(Set(kinds.map(\.name)).count == kinds.count)
  }

  private func vector(_ folder: String, _ name: String) throws -> [UInt8] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return [UInt8](try Data(contentsOf: tests.appending(path: "Vectors/\(folder)/\(name).json")))
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
