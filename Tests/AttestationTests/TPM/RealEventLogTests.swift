import Foundation
import MusterTesting
import Testing

@testable import Attestation

/// Real machines' logs: `Tests/Vectors/tcg-event-log`.
@Suite struct RealEventLogTests {
  @Test(arguments: LogVectors.names)
  func `a real log is read, and shows Secure Boot or nothing`(name: String) throws {
    let log = try EventLog(LogVectors.read(name))
    let expected = try #require(LogVectors.entries.first { $0.name == name })
    #expect(log.events.count == expected.events && log.banks.map(\.hash) == expected.banks)
    #expect(log.secureBoot(.sha256) == expected.secureBoot)
    #expect(log.replay(.sha256)?[7] != nil)
  }

  @Test(arguments: LogVectors.legacy)
  func `a real log of SHA-1 alone is not read`(name: String) throws {
    #expect(throws: MalformedTPM.self) { try EventLog(LogVectors.read(name)) }
  }
}

enum LogVectors {
  struct Entry {
    let name: String
    let banks: [UInt16]
    let events: Int
    let secureBoot: Bool?
  }

  static let folder = Project.root.appending(path: "Tests/Vectors/tcg-event-log")

  static func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }

  static let entries = [
    Entry(name: "crypto_agile_eventlog", banks: [0x0b], events: 26, secureBoot: false),
    Entry(name: "sb_cert_eventlog", banks: [4, 0x0b, 0x0c], events: 14, secureBoot: true),
  ]
  static let names = entries.map(\.name)
  static let legacy = ["ebs_event_missing_eventlog", "short_no_action_eventlog"]
}
