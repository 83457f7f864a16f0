import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import Ledger

@Suite struct ExportTests {
  static let checkpoint = TestLedger.whole.checkpoints[700]

  static func export(withTiles: Bool = true) throws -> [UInt8] {
    var events = TestLedger.whole.events.makeIterator()
    let leaves = TestLedger.whole.events.map { MerkleHash.leaf($0.bytes) }
    var bytes: [UInt8] = []
    try LedgerExport.write(#require(checkpoint), verifier: Fixture.verifier) {
      events.next()?.bytes
    } tile: { coordinate in
      let start = Int(coordinate.index) * 256
      return withTiles ? Tile(coordinate, hashes: Array(leaves[start..<start + coordinate.width])) : nil
    } to: {
      bytes += $0
    }
    return bytes
  }

  static func verify(_ bytes: [UInt8], pieces size: Int = 1000) throws -> LedgerReport {
    var rest = bytes[...]
    let reader = try LedgerExportReader {
      defer { rest = rest.dropFirst(size) }
      return Array(rest.prefix(size))
    }
    return try LedgerVerification(verifier: Fixture.verifier).verify(reader.records)
  }

  @Test(arguments: [7, 1000, 1_000_000])
  func `an export verifies, in pieces of any size`(size: Int) throws {
    let bytes = try Self.export()
    let report = try Self.verify(bytes, pieces: size)
    #expect(report.isSound && report.events == 700 && report.checkpoint == Self.checkpoint)
    #expect(try Self.verify(Self.export(withTiles: false)).isSound)
  }

  /// What is done to the lines (header, tile, 256 events, tile, …) → what the check calls it.
  static let tamperings: [(String, [String], @Sendable (inout [[UInt8]]) -> Void)] = [
    ("an event edited", ["event-edited"], { $0[50] = TestLedger.line(1, "edited") }),
    ("an event made no event", ["event-edited"], { $0[50] = Array("x".utf8) }),
    ("an event deleted", ["event-deleted"], { $0.remove(at: 50) }),
    ("one of the last deleted", ["event-deleted"], { $0.remove(at: 650) }),
    ("an event inserted", ["event-inserted"], { $0.insert(TestLedger.line(1, "inserted"), at: 300) }),
    ("an empty line inserted", ["event-inserted"], { $0.insert([], at: 300) }),
    ("one appended", ["event-inserted"], { $0.append(TestLedger.line(1, "appended")) }),
    ("two swapped", ["events-reordered"], { $0.swapAt(50, 600) }),
    ("the end cut off", ["ledger-truncated"], { $0.removeLast(100) }),
    ("the last line cut through", ["ledger-truncated"], { $0[$0.count - 1].removeLast(5) }),
    ("all but the header cut off", ["ledger-truncated"], { $0.removeLast($0.count - 1) }),
    ("a tile edited", ["tile-edited"], { $0[1][60] ^= 1 }),
    ("a tile made no tile", ["content-changed"], { $0[1] = Array(#"{"hashes":"#.utf8) }),
  ]

  @Test(arguments: tamperings.indices)
  func `tampering with an export is told apart and named`(index: Int) throws {
    let (what, codes, tamper) = Self.tamperings[index]
    var lines = try Self.export().split(separator: UInt8(ascii: "\n")).map { Array($0) }
    tamper(&lines)
    let isCutThrough = what.contains("cut through")
    let bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")])) + (isCutThrough ? [] : [UInt8(ascii: "\n")])
    let report = try Self.verify(bytes)
    #expect(report.findings.map(\.code) == codes, "\(what): \(report.findings)")
  }

  @Test func `an export whose line ends were changed on the way is told from a forged one`() throws {
    let bytes = try Self.export().flatMap { $0 == UInt8(ascii: "\n") ? [UInt8(ascii: "\r"), $0] : [$0] }
    let error = #expect(throws: LedgerError.self) { try Self.verify(bytes) }
    #expect(error?.description.contains("CR LF") == true, "\(String(describing: error))")
  }

  @Test(arguments: [
    "", "\n", "{}\n", "x\n", "{\"checkpoint\":\"\",\"format\":\"muster-ledger-export/2\",\"key\":\"\"}\n",
    "{\"checkpoint\":\"\",\"format\":\"muster-ledger-export/1\",\"key\":\"\"}\n", String(repeating: "x", count: 20_000),
  ])
  func `what is no export is refused`(text: String) {
    #expect(throws: LedgerError.self) { try Self.verify(Array(text.utf8)) }
  }

  @Test func `a line without end is refused before it is read to its end`() throws {
    let header = try Self.export().prefix { $0 != UInt8(ascii: "\n") } + [UInt8(ascii: "\n")]
    var pieces = 0
    let reader = try LedgerExportReader {
      pieces += 1
      return pieces == 1 ? Array(header) : [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
    }
    #expect(throws: LedgerError.self) { try LedgerVerification(verifier: Fixture.verifier).verify(reader.records) }
    #expect(pieces < 20)
  }

  @Test func `an export signed by another key than the known one does not verify`() throws {
    let bytes = try Self.export()
    let reader = try LedgerExportReader(read: { [bytes].first })
    #expect(reader.claimedVerifier.key == Fixture.verifier.key)
    let stranger = CheckpointSigner(origin: Fixture.origin, key: Fixture.key(2)).verifier
    var pieces = [bytes]
    let again = try LedgerExportReader { pieces.popLast() }
    let report = try LedgerVerification(verifier: stranger).verify(again.records)
    #expect(report.findings.map(\.code) == ["checkpoint-forged", "no-checkpoint"])
  }

  @Test func `a stranger's script verifies an export, and finds an edited one`() throws {
    let folder = try TemporaryFolder()
    var bytes = try Self.export()
    try folder.write(bytes, "whole")
    bytes[bytes.count - 20] ^= 1
    try folder.write(bytes, "edited")
    let script = vectors.appending(path: "verify-export.py").path
    let whole = try runBlocking("python3", [script, "whole", Fixture.verifier.key], in: folder.url)
    #expect(whole.status == 0 && whole.output == "verified: 700 events of \(Fixture.origin)\n", "\(whole.output)")
    #expect(try runBlocking("python3", [script, "edited", Fixture.verifier.key], in: folder.url).status == 1)
  }
}

/// `Tests/Vectors`.
let vectors = Project.root.appending(path: "Tests/Vectors")
