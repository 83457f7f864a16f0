import MusterModel

/// The stored checkpoints, verified as they come, in ascending order of size.
final class CheckpointStream {
  private let next: () throws -> String?
  private let verifier: CheckpointVerifier
  private var window = Window<VerifiedCheckpoint>()
  /// The number of the window's head.
  private var first = 0
  private var isAtEnd = false
  private var ordinal = 0
  private(set) var largest: VerifiedCheckpoint?
  private(set) var findings: [LedgerFinding] = []

  init(_ records: LedgerRecords, _ verifier: CheckpointVerifier) {
    next = records.checkpoint
    self.verifier = verifier
  }

  /// The checkpoint with this number among those that verified, from 0; nil past the last.
  func checkpoint(_ number: Int) throws -> VerifiedCheckpoint? {
    while first + window.count <= number, !isAtEnd {
      guard let note = try next() else {
        isAtEnd = true
        break
      }
      take(note)
      ordinal += 1
    }
    return (first..<first + window.count).contains(number) ? window[number - first] : nil
  }

  /// Forgets those before `number`.
  func drop(before number: Int) {
    while first < number, window.count > 0 {
      window.removeFirst()
      first += 1
    }
  }

  /// Reads all that are left, so that `largest` is the last.
  func drain(from number: Int) throws {
    var number = number
    while try checkpoint(number) != nil {
      number += 1
      drop(before: number)
    }
  }

  private func take(_ note: String) {
    switch verifier.verify(note) {
    case .failure(let refusal): report(.checkpointForged(ordinal: ordinal, refusal))
    case .success(let checkpoint) where checkpoint.size < largest?.size ?? 0:
      report(.checkpointMisplaced(ordinal: ordinal, size: checkpoint.size))
    case .success(let checkpoint):
      largest = checkpoint
      window.append(checkpoint)
    }
  }

  private func report(_ finding: LedgerFinding) {
    if findings.count < LedgerVerification.findingLimit { findings.append(finding) }
  }
}

/// A tree that grows, held to the checkpoints as it passes their sizes.
struct WatchedTree {
  private(set) var tree = MerkleTree()
  /// The number of the first checkpoint that the tree has not passed.
  private(set) var next = 0
  /// The largest size whose checkpoint's root the tree had, before the first that it had not.
  private(set) var agreed: UInt64 = 0
  /// The size of the first checkpoint whose root the tree had not.
  private(set) var failed: UInt64?
  /// Whether the tree had the kept checkpoint's root at its size; nil while it is smaller.
  private(set) var keptAgreed: Bool?

  var size: UInt64 { tree.size }

  @discardableResult
  mutating func append(_ leaf: Digest, _ checkpoints: CheckpointStream, kept: VerifiedCheckpoint?) throws -> [Tile] {
    let tiles = tree.append(leaf)
    try compare(checkpoints, kept: kept)
    return tiles
  }

  mutating func compare(_ checkpoints: CheckpointStream, kept: VerifiedCheckpoint?) throws {
    if let kept, kept.size == tree.size { keptAgreed = kept.root == tree.root }
    while let checkpoint = try checkpoints.checkpoint(next), checkpoint.size <= tree.size {
      let agrees = checkpoint.size == tree.size && checkpoint.root == tree.root
      if !agrees { failed = failed ?? checkpoint.size }
      if failed == nil { agreed = checkpoint.size }
      next += 1
    }
  }
}
