import MusterModel

/// One check on its way: events and stored leaf hashes in step.
struct LedgerWalk {
  /// How far ahead is looked for where events and stored hashes meet again.
  static let lookahead = 8192

  let records: LedgerRecords
  let kept: VerifiedCheckpoint?
  let origin: LedgerOrigin
  let events: EventStream
  let leaves: LeafStream
  let checkpoints: CheckpointStream
  /// Over the events as they are found.
  private(set) var found = WatchedTree()
  /// Over the stored hashes, and the events' own where none is stored; begun where the two part. Set to nil again where a
  /// hash is neither stored nor found.
  private(set) var stored: WatchedTree?
  private(set) var haveParted = false
  /// Whether the tree over the stored hashes had missed a signed root before it was given up.
  private(set) var haveHashesFailed = false
  private(set) var differences = Differences()
  private(set) var nextPosition: UInt64 = 0
  /// Where the stored hashes stood when the events ended.
  private(set) var tailStart: UInt64 = 0
  private(set) var findings: [LedgerFinding] = []

  init(_ records: LedgerRecords, _ verifier: CheckpointVerifier, _ kept: VerifiedCheckpoint?) {
    self.records = records
    self.kept = kept
    origin = verifier.origin
    events = EventStream(records)
    leaves = LeafStream(records)
    checkpoints = CheckpointStream(records, verifier)
  }

  mutating func run() throws {
    try found.compare(checkpoints, kept: kept)
    while let event = try events.peek() {
      if differences.isOverflown {
        try takeEvent(event)
      } else if let leaf = try leaves.peek() {
        try compare(event, leaf)
      } else {
        try takeWithoutLeaf(event)
      }
      checkpoints.drop(before: min(found.next, haveParted ? stored?.next ?? .max : .max))
    }
    try takeTail()
    try checkpoints.drain(from: max(found.next, stored?.next ?? 0))
  }

  // MARK: In step

  private mutating func compare(_ event: EventStream.Found, _ leaf: Digest) throws {
    if event.hash == leaf {
      try takeEvent(event)
      try takeLeaf(leaf)
    } else if event.position > nextPosition {
      // A position was skipped: what was stored there is gone.
      try skipLeaves(to: event.position)
    } else {
      try meetAgain(event, leaf)
    }
  }

  private mutating func meetAgain(_ event: EventStream.Found, _ leaf: Digest) throws {
    part()
    if let next = try events.peek(1), try leaves.peek(1) == next.hash { return try takeEdit(event, leaf) }
    let missing = try distance(to: event.hash) { try leaves.peek($0) }
    let extra = try distance(to: leaf) { try events.peek($0)?.hash }
    if let missing, missing <= extra ?? .max {
      for _ in 0..<missing { try takeMissing() }
    } else if let extra {
      for _ in 0..<extra { try takeExtra() }
    } else {
      try takeEdit(event, leaf)
    }
  }

  /// How far ahead a hash is; nil where it is not before the end or the limit.
  private func distance(to hash: Digest, in window: (Int) throws -> Digest?) rethrows -> Int? {
    for offset in 1...LedgerWalk.lookahead {
      guard let candidate = try window(offset) else { return nil }
      if candidate == hash { return offset }
    }
    return nil
  }

  private mutating func takeEdit(_ event: EventStream.Found, _ leaf: Digest) throws {
    differences.isEdited(from: leaf, to: event.hash, at: leaves.position)
    try takeEvent(event)
    try takeLeaf(leaf)
  }

  private mutating func takeMissing() throws {
    guard let leaf = try leaves.peek() else { return }
    differences.isMissing(leaf, at: leaves.position)
    try takeLeaf(leaf)
  }

  private mutating func takeExtra() throws {
    guard let event = try events.peek() else { return }
    differences.isExtra(event.hash, at: events.count)
    try takeEvent(event)
  }

  // MARK: Where one of the two has nothing

  private mutating func takeWithoutLeaf(_ event: EventStream.Found) throws {
    if event.position > nextPosition {
      part()
      // Neither found nor stored: no tree over it can be made any more.
      haveHashesFailed = haveHashesFailed || stored?.failed != nil
      stored = nil
      differences.isGone(nextPosition..<event.position)
      leaves.skip(to: event.position)
      nextPosition = event.position
    }
    // One that was passed over as missing stood earlier; any other is taken to be as it was recorded.
    if differences.hasMissing(event.hash) { return try takeExtra() }
    try takeEvent(event)
    try takeLeaf(event.hash)
  }

  private mutating func skipLeaves(to position: UInt64) throws {
    part()
    let first = nextPosition
    let isShort = position - first <= UInt64(LedgerWalk.lookahead)
    while nextPosition < position, let leaf = try leaves.peek() {
      if isShort { differences.isMissing(leaf, at: leaves.position) }
      try takeLeaf(leaf)
      nextPosition += 1
    }
    if !isShort { differences.isGone(first..<nextPosition) }
  }

  private mutating func takeTail() throws {
    tailStart = leaves.position
    while !differences.isOverflown, let leaf = try leaves.peek() {
      part()
      if leaves.position < events.count + UInt64(LedgerWalk.lookahead) {
        differences.isMissing(leaf, at: leaves.position)
      }
      try takeLeaf(leaf)
    }
  }

  // MARK: Steps

  private mutating func part() {
    if !haveParted { stored = found }
    haveParted = true
  }

  private mutating func takeEvent(_ event: EventStream.Found) throws {
    if event.position != nextPosition { report(.positionGap(expected: nextPosition, found: event.position)) }
    nextPosition = event.position &+ 1
    let tiles = try found.append(event.hash, checkpoints, kept: kept)
    if records.tilesAreRequired, !haveParted { for tile in tiles { try check(tile) } }
    events.advance()
  }

  private mutating func takeLeaf(_ leaf: Digest) throws {
    try stored?.append(leaf, checkpoints, kept: kept)
    leaves.advance()
  }

  /// The level-0 tiles' hashes are compared one by one on the way.
  private mutating func check(_ tile: Tile) throws {
    let coordinate = tile.coordinate
    if coordinate.level == 0 {
      if !leaves.hasTile(coordinate.index), !leaves.broken.contains(coordinate) { report(.tileMissing(coordinate)) }
    } else if let bytes = try records.fullTile(coordinate) {
      if bytes != tile.bytes { report(.tileEdited(coordinate)) }
    } else {
      report(.tileMissing(coordinate))
    }
  }

  private mutating func report(_ finding: LedgerFinding) {
    if findings.count < LedgerVerification.findingLimit { findings.append(finding) }
  }
}
