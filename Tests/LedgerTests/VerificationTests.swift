import Foundation
import MusterModel
import Testing

@testable import Ledger

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

@Suite struct ContinuationTests {
  @Test func `a tree is held to the checkpoint that was noted outside`() throws {
    let stored = StoredTree(TestLedger.whole.events.prefix(600).map { MerkleHash.leaf($0.bytes) })
    let reader = stored.reader()
    func finding(_ size: UInt64) throws -> LedgerFinding? {
      try reader.finding(against: #require(TestLedger.whole.checkpoints[size]), of: Fixture.origin)
    }
    #expect(try finding(300) == nil)
    #expect(try finding(600) == nil)
    #expect(try finding(700) == .truncated(expected: 700, found: 600))
    let rewritten = StoredTree(KeptCheckpointTests.other.map(MerkleHash.leaf)).reader()
    let kept = try #require(TestLedger.whole.checkpoints[300])
    #expect(try rewritten.finding(against: kept, of: Fixture.origin) == .rewritten(kept: 300))
    let other = try #require(LedgerOrigin("other.example/muster/k7/1"))
    #expect(try reader.finding(against: kept, of: other)?.code == "other-ledger")
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

  @Test(arguments: [
    (#""by":"service","kind":"devices-merged","on":["instance"]"#, true),
    (#""by":"sta_01k742sg09f44rjft085146h25 quorum","kind":"service-started","on":["stations","sta_1"]"#, true),
    (#""by":7,"kind":"service-started","on":["instance"]"#, false),
    (#""by":"service","on":["instance"]"#, false), (#""by":"service","kind":"service-started","on":"instance""#, false),
  ])
  func `a line of a later build is whole, whatever its kind, actor and records are`(_ middle: String, _ reads: Bool)
    throws
  {
    let line = #"{"at":"2026-01-02T03:04:05.678Z","body":{"version":"9"},"#
    let ledger = TestLedger([TestLedger.line(0), Array((line + middle + #","v":1}"#).utf8)], signedSizes: [2])
    #expect(try ledger.verify().findings.isEmpty == reads)
  }
}

@Suite struct FailClosedTests {
  /// Events and their order are as signed; all the rest is wrong at once.
  @Test func `positions far apart and wrong hashes are no sound ledger, though the events are as signed`() throws {
    var ledger = TestLedger.whole
    ledger.events = ledger.events.map {
      StoredEvent(position: $0.position < 10 ? $0.position : $0.position + 100_000, bytes: $0.bytes)
    }
    for tile in ledger.tiles.keys { ledger.tiles[tile] = [UInt8](repeating: 7, count: 8192) }
    let report = try ledger.verify()
    #expect(Set(report.findings.map(\.code)) == ["tile-edited", "position-gap"], "\(report.findings)")
  }
}
