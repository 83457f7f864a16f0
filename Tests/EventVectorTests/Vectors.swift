import Foundation
import Ledger
import MusterModel

@testable import SQLiteStore

/// `Tests/Vectors`: `events/<kind>.json` holds one line of each kind ever shipped, exactly the bytes that are hashed;
/// `details/<kind>.json` the JSON of its private attachment, whose salt is the bytes 0 to 15. `ledger.jsonl` is a whole
/// ledger: the lines of all vectors and a few more, each with a newline, in an order in which they could have happened.
enum Vectors {
  static let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let folder = project.appending(path: "Tests/Vectors")
  static let kinds = EventCatalog.muster.names.sorted()
  static let salt = Array(0..<16 as Range<UInt8>)

  /// The kinds that a folder has files of.
  static func names(in name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: name).path)
      .map { $0.hasSuffix(".json") ? String($0.dropLast(5)) : $0 }.sorted()
  }

  static func line(of kind: String) throws -> [UInt8] { try bytes("events/\(kind).json") }

  /// A line of a kind that has details where it is recorded without them.
  static func lineWithoutDetails(of kind: String) throws -> [UInt8] { try bytes("without-details/\(kind).json") }

  /// Lines that say what the vector of their kind leaves out, each in a folder of its own.
  static let variants = [
    "by-order": ["hardware-listed", "ticket-issued"], "by-certificate": ["key-attested"],
    "with-quote": ["key-attested"], "with-issuers": ["key-attested"], "of-group": ["key-ring-created"],
  ]

  /// One of them, and its attachment.
  static func variant(_ folder: String, _ kind: String) throws -> (line: [UInt8], attachment: [UInt8]) {
    (try bytes("\(folder)/events/\(kind).json"), try salt + bytes("\(folder)/details/\(kind).json"))
  }

  static func attachment(of kind: String) throws -> [UInt8] { try salt + bytes("details/\(kind).json") }

  static func ledger() throws -> [[UInt8]] {
    try bytes("ledger.jsonl").split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
      .map { Array($0) }
  }

  private static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: path)))
  }
}
