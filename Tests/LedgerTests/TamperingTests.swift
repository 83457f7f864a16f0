import Foundation
import MusterModel
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
          ordinal: 0, .malformed("expected text, an empty line and signature lines as a signed note, found \"\""))
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

@Suite struct KeptCheckpointTests {
  static let other = (0..<700).map { TestLedger.line($0, "other") }

  @Test func `a ledger that continues the kept checkpoint is sound`() throws {
    for (size, kept) in TestLedger.whole.checkpoints {
      #expect(try TestLedger.whole.verify(kept: kept).isSound, "size \(size)")
    }
  }

  @Test func `a tree rewritten by who has the key is found by the kept checkpoint alone`() throws {
    let rewritten = TestLedger(Self.other)
    #expect(try rewritten.verify().isSound)
    #expect(try rewritten.verify(kept: TestLedger.whole.checkpoints[300]).findings == [.rewritten(kept: 300)])
  }

  @Test func `a tree rewritten and signed by another key is forged and rewritten`() throws {
    let stranger = CheckpointSigner(origin: Fixture.origin, key: Fixture.key(2))
    let rewritten = TestLedger(Self.other, signer: stranger, signedSizes: [700])
    let findings = try rewritten.verify(kept: TestLedger.whole.checkpoints[300]).findings
    #expect(findings.map(\.code) == ["ledger-rewritten", "checkpoint-forged", "no-checkpoint"])
  }

  @Test func `an end cut off with its hashes and checkpoints is found by the kept checkpoint`() throws {
    var ledger = TestLedger.whole
    ledger.cut(to: 512)
    ledger.cutHashes(to: 512)
    ledger.notes = Array(ledger.notes.prefix(5))
    #expect(try ledger.verify().isSound)
    let kept = try #require(TestLedger.whole.checkpoints[600])
    #expect(try ledger.verify(kept: kept).findings == [.truncated(expected: 600, found: 512)])
  }

  @Test func `a checkpoint of another ledger is no kept checkpoint`() throws {
    let origin = try #require(LedgerOrigin("other.example/muster/k7/1"))
    let kept = try CheckpointSigner(origin: origin, key: Fixture.key(1)).sign(size: 0, root: MerkleHash.empty)
    let findings = try TestLedger.whole.verify(kept: kept).findings
    #expect(findings.map(\.code) == ["other-ledger"])
  }

  @Test func `a checkpoint of an earlier epoch is honoured`() throws {
    let origin = try #require(LedgerOrigin("plant.example/muster/k7/0"))
    let signer = CheckpointSigner(origin: origin, key: Fixture.key(1))
    let root = try #require(TestLedger.whole.checkpoints[300]).root
    #expect(try TestLedger.whole.verify(kept: signer.sign(size: 300, root: root)).isSound)
    let findings = try TestLedger.whole.verify(kept: signer.sign(size: 300, root: NaiveTree.leaf(0))).findings
    #expect(findings == [.rewritten(kept: 300)])
  }
}

@Suite struct AttachmentCheckTests {
  static let details = RequestRefused.Details(reason: "late", source: "192.0.2.7")

  /// A ledger of a refusal with its private attachment, and of an erasure of it if asked for.
  static func ledger(erased: Bool, _ attachments: (Event) -> [StoredAttachment]) throws -> TestLedger {
    let refused = try Event(
      at: TestLedger.time, by: .service, on: [.instance], RequestRefused(operation: "enroll", code: "late"),
      details: details)
    let erasure = try Event(
      at: TestLedger.time, by: .folder, on: [.instance], EventErased(position: 0), details: .init(reason: "asked"))
    let lines = erased ? [refused.bytes, erasure.bytes] : [refused.bytes]
    var ledger = TestLedger(lines, signedSizes: [UInt64(lines.count)])
    ledger.events[0] = StoredEvent(position: 0, bytes: refused.bytes, attachments: attachments(refused))
    return ledger
  }

  static func whole(_ event: Event) -> [StoredAttachment] {
    let digest = Digest.sha256(event.privateAttachment ?? [])
    return [StoredAttachment(named: digest, content: digest)]
  }

  static let other = Digest.sha256([1])

  @Test func `attachments that are what they are named are sound, and unasked ones are not checked`() throws {
    #expect(try Self.ledger(erased: false, Self.whole).verify().isSound)
    var ledger = try Self.ledger(erased: false, Self.whole)
    ledger.events[0] = StoredEvent(position: 0, bytes: ledger.events[0].bytes)
    #expect(try ledger.verify().isSound)
  }

  @Test func `an attachment that was changed or lost is named`() throws {
    let edited = try Self.ledger(erased: false) {
      [StoredAttachment(named: Self.whole($0)[0].named, content: Self.other)]
    }
    #expect(try edited.verify().findings.map(\.code) == ["attachment-edited"])
    let lost = try Self.ledger(erased: false) { Self.whole($0) + [StoredAttachment(named: Self.other, content: nil)] }
    #expect(try lost.verify().findings == [.attachmentMissing(position: 0, Self.other)])
  }

  @Test func `a private attachment may be gone where an event says that it was erased, and nowhere else`() throws {
    let gone: [(Event) -> [StoredAttachment]] = [
      { _ in [] }, { [StoredAttachment(named: Self.whole($0)[0].named, content: nil)] },
    ]
    for attachments in gone {
      #expect(try Self.ledger(erased: true, attachments).verify().isSound)
      #expect(try Self.ledger(erased: false, attachments).verify().findings.map(\.code) == ["attachment-missing"])
    }
  }
}

@Suite struct StoredTileTests {
  /// 65,536 events of one line: a full tile of level 1.
  static let big = TestLedger(Array(repeating: TestLedger.line(0), count: 65_537), signedSizes: [65_537])

  @Test func `a tile of a higher level is held to the events too`() throws {
    let level1 = TileCoordinate(1, 0, 256)
    var ledger = Self.big
    ledger.tiles[level1]?[0] ^= 1
    #expect(try ledger.verify().findings == [.tileEdited(level1)])
  }
}

@Suite struct UnreadableEventTests {
  @Test func `what was recorded and is no event line is named`() throws {
    let ledger = TestLedger([TestLedger.line(0), Array("{}".utf8)], signedSizes: [2])
    #expect(try ledger.verify().findings.map(\.code) == ["event-unreadable"])
  }
}

extension TestLedger {
  func with(notes: [String]) -> TestLedger {
    var ledger = self
    ledger.notes = notes
    return ledger
  }
}
