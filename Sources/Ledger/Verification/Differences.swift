import MusterModel

/// How the events that were found differ from the leaf hashes that were stored.
struct Differences {
  /// More than this are not told apart: what is remembered stays bounded.
  static let limit = 16_384
  /// So many in a row that meet nowhere are no edits: something that reaches further than is looked ahead.
  static let editRunLimit = 512

  private struct Edit {
    let position: UInt64
    let stored: Digest
    let found: Digest
  }

  /// Stored and not found, by their stored position.
  private var missing: [(position: UInt64, hash: Digest)] = []
  private var missingHashes: Set<Digest> = []
  /// Found and not stored, by their position among the events found.
  private var extra: [(position: UInt64, hash: Digest)] = []
  private var edits: [Edit] = []
  private var editRun = 0
  /// Runs of positions that are known to be gone without looking for their events elsewhere.
  private var gone: [Range<UInt64>] = []
  private(set) var isOverflown = false

  var isEmpty: Bool { missing.isEmpty && extra.isEmpty && edits.isEmpty && gone.isEmpty && !isOverflown }

  mutating func isMissing(_ hash: Digest, at position: UInt64) {
    record {
      $0.missing.append((position, hash))
      $0.missingHashes.insert(hash)
    }
  }
  mutating func isExtra(_ hash: Digest, at position: UInt64) { record { $0.extra.append((position, hash)) } }
  func hasMissing(_ hash: Digest) -> Bool { missingHashes.contains(hash) }
  mutating func isGone(_ positions: Range<UInt64>) { record { $0.gone.append(positions) } }

  mutating func isEdited(from stored: Digest, to found: Digest, at position: UInt64) {
    editRun = edits.last.map { $0.position + 1 == position } ?? false ? editRun + 1 : 1
    isOverflown = isOverflown || editRun > Differences.editRunLimit
    record { $0.edits.append(Edit(position: position, stored: stored, found: found)) }
  }

  private mutating func record(_ change: (inout Differences) -> Void) {
    isOverflown = isOverflown || missing.count + extra.count + edits.count + gone.count >= Differences.limit
    if !isOverflown { change(&self) }
  }

  /// The tiles of level 0 that hold what differs.
  var tiles: [TileCoordinate] {
    let positions = missing.map(\.position) + edits.map(\.position) + extra.map(\.position)
    return Set(positions.map { $0 >> UInt64(TileCoordinate.height) }).sorted()
      .compactMap { TileCoordinate(level: 0, index: $0) }
  }

  /// What is stored in one place and found in another.
  private var moved: Set<Digest> {
    Set(missing.map(\.hash) + edits.map(\.stored)).intersection(extra.map(\.hash) + edits.map(\.found))
  }

  /// Whether events are missing from `position` on that are found nowhere else.
  func hasMissing(from position: UInt64) -> Bool {
    let moved = moved
    return missing.contains { $0.position >= position && !moved.contains($0.hash) }
  }

  /// The runs that are gone, as what they are where no event is missing.
  var positionGaps: [LedgerFinding] { gone.map { .positionGap(expected: $0.lowerBound, found: $0.upperBound) } }

  /// How many events are gone, of `size` that there were.
  func goneCount(of size: UInt64) -> UInt64 {
    gone.reduce(0) { $0 + ($1.clamped(to: 0..<size).width) }
  }

  /// Names each difference; what is missing from `end` on is the end cut off, and not named here.
  func findings(before end: UInt64, of size: UInt64) -> [LedgerFinding] {
    let moved = moved
    var findings: [LedgerFinding] = []
    if let reordered = span(of: moved) { findings.append(reordered) }
    var deleted = missing.filter { !moved.contains($0.hash) && $0.position < end }.map(\.position)
    var inserted = extra.filter { !moved.contains($0.hash) }.map(\.position)
    for edit in edits {
      switch (moved.contains(edit.stored), moved.contains(edit.found)) {
      case (false, false): findings.append(.eventEdited(position: edit.position))
      case (false, true): deleted.append(edit.position)
      case (true, false): inserted.append(edit.position)
      case (true, true): break
      }
    }
    let gone = gone.map { $0.clamped(to: 0..<size) }.filter { !$0.isEmpty }
    findings += (gone + runs(deleted.sorted())).map { .eventDeleted(position: $0.lowerBound, count: $0.width) }
    findings += runs(inserted.sorted()).map { .eventInserted(position: $0.lowerBound, count: $0.width) }
    return findings
  }

  private func span(of moved: Set<Digest>) -> LedgerFinding? {
    let positions =
      (missing + extra).filter { moved.contains($0.hash) }.map(\.position)
      + edits.filter { moved.contains($0.stored) || moved.contains($0.found) }.map(\.position)
    guard let first = positions.min(), let last = positions.max() else { return nil }
    return .reordered(first: first, last: last)
  }

  private func runs(_ positions: [UInt64]) -> [Range<UInt64>] {
    var runs: [Range<UInt64>] = []
    for position in positions {
      if let last = runs.last, last.upperBound == position {
        runs[runs.count - 1] = last.lowerBound..<position + 1
      } else {
        runs.append(position..<position + 1)
      }
    }
    return runs
  }
}

extension Range<UInt64> {
  /// How many positions; `count` would not hold a hostile range's.
  fileprivate var width: UInt64 { upperBound - lowerBound }
}
