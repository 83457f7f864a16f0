import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import Ledger

/// One way to tamper, and what the check must call it.
struct Tampering: Sendable, CustomTestStringConvertible {
  let what: String
  let findings: [LedgerFinding]
  let tamper: @Sendable (inout TestLedger) -> Void

  init(_ what: String, _ findings: [LedgerFinding], _ tamper: @escaping @Sendable (inout TestLedger) -> Void) {
    self.what = what
    self.findings = findings
    self.tamper = tamper
  }

  var testDescription: String { what }

  /// Whether all of it is below position 512, where the second of two full tiles ends.
  var isInFullTiles: Bool {
    findings.allSatisfy { finding in
      switch finding {
      case .eventEdited(let position), .reordered(_, let position): position < 512
      case .eventDeleted(let position, let count), .eventInserted(let position, let count): position + count < 512
      default: false
      }
    }
  }
}

@Suite struct TamperingTests {
  static let edits: [Tampering] = [
    Tampering("nothing", []) { _ in },
    Tampering("one edited", [.eventEdited(position: 100)]) { $0.edit(100) },
    Tampering("the first edited", [.eventEdited(position: 0)]) { $0.edit(0) },
    Tampering("the last edited", [.eventEdited(position: 699)]) { $0.edit(699) },
    Tampering("one of the open tile edited", [.eventEdited(position: 650)]) { $0.edit(650) },
    Tampering("neighbours edited", [.eventEdited(position: 255), .eventEdited(position: 256)]) {
      $0.edit(255)
      $0.edit(256)
    },
    Tampering("two far apart edited", [.eventEdited(position: 3), .eventEdited(position: 600)]) {
      $0.edit(3)
      $0.edit(600)
    },
    Tampering("a byte added to an event", [.eventEdited(position: 9)]) {
      $0.events[9] = StoredEvent(position: 9, bytes: $0.events[9].bytes + [0x20])
    },
    Tampering("an event emptied", [.eventEdited(position: 9)]) {
      $0.events[9] = StoredEvent(position: 9, bytes: [])
    },
  ]

  static let moves: [Tampering] = [
    Tampering("neighbours swapped", [.reordered(first: 100, last: 101)]) { $0.swap(100, 101) },
    Tampering("the last two swapped", [.reordered(first: 698, last: 699)]) { $0.swap(698, 699) },
    Tampering("the first two swapped", [.reordered(first: 0, last: 1)]) { $0.swap(0, 1) },
    Tampering("two far apart swapped", [.reordered(first: 3, last: 650)]) { $0.swap(3, 650) },
    Tampering("two of one tile swapped", [.reordered(first: 30, last: 130)]) { $0.swap(30, 130) },
    Tampering("the last moved to the front", [.reordered(first: 0, last: 699)]) {
      $0.events.insert($0.events.removeLast(), at: 0)
      $0.renumber()
    },
    Tampering("a block turned round", [.reordered(first: 200, last: 219)]) {
      $0.events[200..<220].reverse()
      $0.renumber()
    },
    Tampering("a swap and an edit", [.reordered(first: 40, last: 500), .eventEdited(position: 300)]) {
      $0.swap(40, 500)
      $0.edit(300)
    },
  ]

  static let deletions: [Tampering] = [
    Tampering("one deleted, a gap left", [.eventDeleted(position: 100, count: 1)]) {
      $0.delete(100..<101, renumber: false)
    },
    Tampering("one deleted, the others renumbered", [.eventDeleted(position: 100, count: 1)]) { $0.delete(100..<101) },
    Tampering("the first deleted", [.eventDeleted(position: 0, count: 1)]) { $0.delete(0..<1) },
    Tampering("the first deleted, a gap left", [.eventDeleted(position: 0, count: 1)]) {
      $0.delete(0..<1, renumber: false)
    },
    Tampering("a run deleted", [.eventDeleted(position: 250, count: 20)]) { $0.delete(250..<270) },
    Tampering("a long run deleted, a gap left", [.eventDeleted(position: 10, count: 500)]) {
      $0.delete(10..<510, renumber: false)
    },
    Tampering("one of the open tile deleted", [.eventDeleted(position: 650, count: 1)]) { $0.delete(650..<651) },
    Tampering("one of the open tile deleted with its hash, a gap left", [.eventDeleted(position: 650, count: 1)]) {
      $0.delete(650..<651, renumber: false)
      $0.openLeaves[650] = nil
    },
    Tampering(
      "two places deleted", [.eventDeleted(position: 100, count: 1), .eventDeleted(position: 400, count: 2)]
    ) {
      $0.delete(400..<402)
      $0.delete(100..<101)
    },
    Tampering("one deleted, another edited", [.eventEdited(position: 50), .eventDeleted(position: 100, count: 1)]) {
      $0.edit(50)
      $0.delete(100..<101)
    },
    Tampering(
      "one deleted, the next edited, a gap left", [.eventEdited(position: 101), .eventDeleted(position: 100, count: 1)]
    ) {
      $0.edit(101)
      $0.delete(100..<101, renumber: false)
    },
  ]

  static let insertions: [Tampering] = [
    Tampering("one inserted", [.eventInserted(position: 100, count: 1)]) { $0.insert(at: 100) },
    Tampering("one inserted in front", [.eventInserted(position: 0, count: 1)]) { $0.insert(at: 0) },
    Tampering("a run inserted", [.eventInserted(position: 255, count: 30)]) { $0.insert(at: 255, count: 30) },
    Tampering("one inserted in the open tile", [.eventInserted(position: 650, count: 1)]) { $0.insert(at: 650) },
    Tampering("one appended without a signature", [.eventInserted(position: 700, count: 1)]) { $0.insert(at: 700) },
    Tampering("one appended without a signature, with its hash", [.eventInserted(position: 700, count: 1)]) {
      $0.insert(at: 700)
      $0.recomputeHashes()
    },
    Tampering("a copy of an event inserted", [.eventInserted(position: 101, count: 1)]) {
      $0.events.insert($0.events[100], at: 100)
      $0.renumber()
    },
    Tampering("one far away", [.eventInserted(position: 700, count: 1)]) {
      $0.events.append(StoredEvent(position: 1 << 60, bytes: TestLedger.line(1, "far")))
    },
  ]

  static let ends: [Tampering] = [
    Tampering("the last cut off", [.truncated(expected: 700, found: 699)]) { $0.cut(to: 699) },
    Tampering("the end cut off", [.truncated(expected: 700, found: 600)]) { $0.cut(to: 600) },
    Tampering("the end cut off with its hashes", [.truncated(expected: 700, found: 605)]) {
      $0.cut(to: 605)
      $0.cutHashes(to: 605)
    },
    Tampering("more than a tile cut off", [.truncated(expected: 700, found: 300)]) { $0.cut(to: 300) },
    Tampering("more than a tile cut off with its hashes", [.truncated(expected: 700, found: 300)]) {
      $0.cut(to: 300)
      $0.cutHashes(to: 300)
    },
    Tampering("all cut off", [.truncated(expected: 700, found: 0)]) { $0.cut(to: 0) },
    Tampering("all cut off with its hashes", [.truncated(expected: 700, found: 0)]) {
      $0.cut(to: 0)
      $0.cutHashes(to: 0)
    },
    Tampering("an edit, and the end cut off", [.eventEdited(position: 20), .truncated(expected: 700, found: 650)]) {
      $0.edit(20)
      $0.cut(to: 650)
    },
    Tampering(
      "a deletion, and the end cut off", [.eventDeleted(position: 20, count: 1), .truncated(expected: 700, found: 649)]
    ) {
      $0.cut(to: 650)
      $0.delete(20..<21)
    },
  ]

  static let hashes: [Tampering] = [
    Tampering("a tile's hash edited", [.tileEdited(tile(0))]) { $0.tiles[tile(0)]?[77] ^= 1 },
    Tampering("an open leaf's hash edited", [.tileEdited(tile(2))]) { $0.openLeaves[600] = NaiveTree.leaf(0) },
    Tampering("a tile cut short", [.tileEdited(tile(1))]) { $0.tiles[tile(1)]?.removeLast() },
    Tampering("a tile deleted", [.tileMissing(tile(1))]) { $0.tiles[tile(1)] = nil },
    Tampering("an edit with its hashes", [.contentChanged(after: 100, upTo: 256, surplus: 0)]) {
      $0.edit(150)
      $0.recomputeHashes()
    },
    Tampering("a deletion with its hashes", [.contentChanged(after: 300, upTo: 512, surplus: -1)]) {
      $0.delete(310..<311)
      $0.recomputeHashes()
    },
    Tampering("an insertion with its hashes", [.contentChanged(after: 600, upTo: 700, surplus: 2)]) {
      $0.insert(at: 650, count: 2)
      $0.recomputeHashes()
    },
    Tampering("every event replaced, its hashes too", [.contentChanged(after: 0, upTo: 1, surplus: 0)]) {
      $0 = TestLedger($0.events.indices.map { TestLedger.line($0, "other") }).with(notes: $0.notes)
    },
    Tampering("every event replaced, not its hashes", (0..<256).map { .eventEdited(position: $0) }) {
      for position in 0..<256 { $0.edit(position) }
    },
    Tampering("one position skipped, nothing deleted", [.positionGap(expected: 650, found: 651)]) {
      $0.events = $0.events.map {
        StoredEvent(position: $0.position < 650 ? $0.position : $0.position + 1, bytes: $0.bytes)
      }
    },
    Tampering("one position twice", [.positionGap(expected: 10, found: 9), .positionGap(expected: 10, found: 11)]) {
      $0.events[10] = StoredEvent(position: 9, bytes: $0.events[10].bytes)
    },
  ]

  static func tile(_ index: UInt64) -> TileCoordinate { TileCoordinate(0, index, 256) }

  static let checkpoints: [Tampering] = [
    Tampering("no checkpoint", [.noCheckpoint]) { $0.notes = [] },
    Tampering("checkpoints in another order", [.checkpointMisplaced(ordinal: 2, size: 100)]) { $0.notes.swapAt(1, 2) },
    Tampering(
      "a checkpoint's size edited",
      [.checkpointForged(ordinal: 6, .forged(by: "\(Fixture.origin)")), .eventInserted(position: 600, count: 100)]
    ) {
      $0.notes[6] = $0.notes[6].replacing("\n700\n", with: "\n701\n")
    },
    Tampering(
      "a checkpoint that is none",
      [
        .checkpointForged(
          ordinal: 0,
          .malformed("expected text, an empty line and signature lines as a signed note, found 0 bytes of another kind")
        )
      ]
    ) {
      $0.notes[0] = ""
    },
  ]

  @Test(arguments: [edits, moves, deletions, insertions, ends, hashes, checkpoints].flatMap { $0 })
  func `each kind of tampering is told apart and named`(tampering: Tampering) throws {
    var ledger = TestLedger.whole
    tampering.tamper(&ledger)
    let report = try ledger.verify(kept: TestLedger.whole.checkpoints[300])
    let expected = tampering.findings
    if expected.first == .truncated(expected: 700, found: 0) { #expect(report.events == 0) }
    #expect(Set(report.findings) == Set(expected), "\(report.findings.map(\.description))")
    #expect(report.findings.count == expected.count)
    #expect(report.events == UInt64(ledger.events.count))
    #expect(report.isSound == expected.isEmpty)
  }

  @Test(arguments: [edits, moves, deletions, insertions].flatMap { $0 }.filter(\.isInFullTiles))
  func `what happens in full tiles is named without the open leaves' hashes too`(tampering: Tampering) throws {
    var ledger = TestLedger.whole
    tampering.tamper(&ledger)
    ledger.openLeaves = [:]
    let findings = try ledger.verify().findings
    #expect(Set(findings) == Set(tampering.findings), "\(findings.map(\.description))")
  }

  @Test(arguments: 0..<120)
  func `one change anywhere is named with its place`(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var ledger = TestLedger.whole
    let position = Int.random(in: 0..<700, using: &generator)
    let other = Int.random(in: 0..<700, using: &generator)
    let count = Int.random(in: 1...(700 - position), using: &generator)
    let place = UInt64(position)
    let expected: LedgerFinding?
    switch seed % 6 {
    case 0:
      ledger.edit(position)
      expected = .eventEdited(position: place)
    case 1:
      ledger.delete(position..<position + count)
      expected =
        position + count == 700
        ? .truncated(expected: 700, found: place) : .eventDeleted(position: place, count: UInt64(count))
    case 2:
      ledger.delete(position..<position + count, renumber: false)
      expected =
        position + count == 700
        ? .truncated(expected: 700, found: place) : .eventDeleted(position: place, count: UInt64(count))
    case 3:
      ledger.insert(at: position, count: count)
      expected = .eventInserted(position: place, count: UInt64(count))
    case 4:
      ledger.swap(position, other)
      expected = position == other ? nil : .reordered(first: min(place, UInt64(other)), last: max(place, UInt64(other)))
    default:
      ledger.cut(to: position)
      ledger.cutHashes(to: place)
      expected = .truncated(expected: 700, found: place)
    }
    #expect(try ledger.verify().findings == (expected.map { [$0] } ?? []))
  }

  @Test(arguments: 0..<60)
  func `many changes at once are never taken for a sound ledger, whatever is done to the hashes`(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var ledger = TestLedger.whole
    for number in 0...Int.random(in: 0..<12, using: &generator) {
      let position = Int.random(in: 0..<ledger.events.count, using: &generator)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: ledger.events[position] = StoredEvent(position: 0, bytes: TestLedger.line(number, "mutated \(seed)"))
      case 1: ledger.delete(position..<min(position + 3, ledger.events.count - 1))
      default: ledger.insert(at: position)
      }
      ledger.renumber()
    }
    let isWhole = ledger.events.map(\.bytes) == TestLedger.whole.events.map(\.bytes)
    #expect(try ledger.verify().isSound == isWhole)
    ledger.recomputeHashes()
    #expect(try ledger.verify().isSound == isWhole)
  }

  @Test func `more than can be told apart gets the weaker answer`() throws {
    var ledger = TestLedger.whole
    for position in 0..<700 { ledger.edit(position) }
    #expect(try ledger.verify().findings == [.contentChanged(after: 0, upTo: 1, surplus: 0)])
  }

  @Test func `a ledger without stored hashes gets the weaker answer, and never a wrong one`() throws {
    var ledger = TestLedger.whole
    ledger.delete(310..<311)
    ledger.tiles = [:]
    ledger.openLeaves = [:]
    func verify() throws -> [LedgerFinding] {
      try LedgerVerification(verifier: Fixture.verifier).verify(ledger.records(tilesAreRequired: false)).findings
    }
    #expect(try verify() == [.contentChanged(after: 300, upTo: 512, surplus: -1)])
    ledger.notes = Array(ledger.notes.suffix(1))
    #expect(try verify() == [.contentChanged(after: 0, upTo: 700, surplus: -1)])
  }
}

extension TestLedger {
  func with(notes: [String]) -> TestLedger {
    var ledger = self
    ledger.notes = notes
    return ledger
  }
}
