import Foundation
import MusterModel

@testable import Ledger

/// A ledger as a store keeps it, to be tampered with.
struct TestLedger: Sendable {
  var events: [StoredEvent] = []
  var tiles: [TileCoordinate: [UInt8]] = [:]
  var openLeaves: [UInt64: Digest] = [:]
  var notes: [String] = []
  /// Verified ones, by size.
  var checkpoints: [UInt64: VerifiedCheckpoint] = [:]

  static let time = Timestamp(milliseconds: 1_700_000_000_000)

  static func line(_ number: Int, _ word: String = "event") -> [UInt8] {
    let body = ServiceStarted(version: "\(word) \(number)")
    return (try? Event(at: time, by: .service, on: [.instance], body).bytes) ?? []
  }

  /// 700 events: two full tiles and an open one; signed at seven sizes.
  static let whole = TestLedger((0..<700).map { line($0) })

  static let signedSizes: Set<UInt64> = [1, 100, 256, 300, 512, 600, 700]

  init(_ lines: [[UInt8]], signer: CheckpointSigner = Fixture.signer, signedSizes: Set<UInt64> = signedSizes) {
    var tree = MerkleTree()
    for line in lines {
      events.append(StoredEvent(position: tree.size, bytes: line))
      for tile in tree.append(MerkleHash.leaf(line)) { tiles[tile.coordinate] = tile.bytes }
      if signedSizes.contains(tree.size), let checkpoint = try? signer.sign(tree) {
        notes.append(checkpoint.note)
        checkpoints[tree.size] = checkpoint
      }
    }
    storeOpenLeaves(of: tree)
  }

  private mutating func storeOpenLeaves(of tree: MerkleTree) {
    openLeaves = [:]
    for (offset, leaf) in tree.openHashes(0).enumerated() {
      openLeaves[tree.size & ~0xff + UInt64(offset)] = leaf
    }
  }

  /// The stored hashes as if these had always been the events: what someone does who knows the format and has no key.
  mutating func recomputeHashes() {
    let forged = TestLedger(events.map(\.bytes), signedSizes: [])
    (tiles, openLeaves) = (forged.tiles, forged.openLeaves)
  }

  mutating func edit(_ position: Int, _ word: String = "edited") {
    events[position] = StoredEvent(position: events[position].position, bytes: TestLedger.line(position, word))
  }

  mutating func renumber() {
    events = events.enumerated().map { StoredEvent(position: UInt64($0.offset), bytes: $0.element.bytes) }
  }

  mutating func delete(_ positions: Range<Int>, renumber isRenumbered: Bool = true) {
    events.removeSubrange(positions)
    if isRenumbered { renumber() }
  }

  mutating func insert(at position: Int, count: Int = 1) {
    let lines = (0..<count).map { StoredEvent(position: 0, bytes: TestLedger.line($0, "inserted")) }
    events.insert(contentsOf: lines, at: position)
    renumber()
  }

  mutating func swap(_ left: Int, _ right: Int) {
    events.swapAt(left, right)
    renumber()
  }

  mutating func cut(to size: Int) { events.removeSubrange(size...) }

  /// Removes what a store without the events of the end would not have either.
  mutating func cutHashes(to size: UInt64) {
    openLeaves = openLeaves.filter { $0.key < size }
    tiles = tiles.filter { ($0.key.index + 1) * 256 <= size }
  }

  func records(tilesAreRequired: Bool = true) -> LedgerRecords {
    var events = events.makeIterator()
    var notes = notes.makeIterator()
    return LedgerRecords(
      event: { events.next() }, checkpoint: { notes.next() }, fullTile: { tiles[$0] }, openLeaf: { openLeaves[$0] },
      tilesAreRequired: tilesAreRequired)
  }

  func verify(kept: VerifiedCheckpoint? = nil) throws -> LedgerReport {
    try LedgerVerification(verifier: Fixture.verifier, kept: kept).verify(records())
  }
}
