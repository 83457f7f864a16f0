package import Enrollment
package import Ledger
package import MusterModel

/// The ledger as it is shown: what a `LedgerReader` says of what was committed to its store, checked as a stranger would.
package enum LedgerReaderConformance {
  /// With an instance at most.
  package struct Subject: Sendable {
    package let store: any Store & LedgerReader
    package let verifier: CheckpointVerifier

    package init(store: any Store & LedgerReader, verifier: CheckpointVerifier) {
      self.store = store
      self.verifier = verifier
    }
  }

  package static let all: [Requirement<Subject>] = [
    Requirement("an event's bytes are those that were committed, and past the end there are none", events),
    Requirement("the last checkpoint is signed and of all that was committed", checkpoint),
    Requirement("every event is proved under the last checkpoint", proofs),
    Requirement("a tile holds the leaves' hashes, full or as many as there are", tiles),
  ]

  @Sendable private static func events(_ subject: Subject) async throws {
    let committed = try (0..<5).map { _ in try Units.issued(Units.facts(Units.id(.certificate))) }
    let place = try await commit(subject, committed)
    for (offset, event) in committed.enumerated() {
      try require(
        try await subject.store.event(at: place.first + UInt64(offset)), is: event.bytes, "event \(offset)")
    }
    for position in [place.first + 5, 1 << 52, .max] {
      try require(try await subject.store.event(at: position), is: nil, "the event at \(position)")
      try require(try await subject.store.inclusionProof(of: position), is: nil, "the proof of \(position)")
    }
  }

  @Sendable private static func checkpoint(_ subject: Subject) async throws {
    for count in [1, 3] {
      let place = try await fill(subject, count)
      let verified = try subject.verifier.verify(
        required(await subject.store.checkpoint(), "a checkpoint")
      ).get()
      try require(verified.checkpoint.size, is: place.first + UInt64(count), "the checkpoint's size")
    }
  }

  /// Across the borders of a tile and of two powers of two.
  @Sendable private static func proofs(_ subject: Subject) async throws {
    for count in [1, 6, 120, 140] {
      let place = try await fill(subject, count)
      let size = place.first + UInt64(count)
      for position in Set([0, 1, size / 2, size - 2, size - 1, min(255, size - 1), min(256, size - 1)]) {
        let proof = try required(await subject.store.inclusionProof(of: position), "a proof of \(position)")
        let checkpoint = try subject.verifier.verify(proof.checkpoint).get().checkpoint
        let leaf = MerkleHash.leaf(Array(proof.event.utf8))
        let path = try required(
          InclusionProof(position: position, size: proof.size, leaf: leaf, siblings: proof.path),
          "a path of the right length")
        try require(path.verify(root: checkpoint.root), "the proof of \(position) in \(size) to verify")
      }
      try await provesAll(size, subject)
    }
  }

  /// All there is, proved from the tiles that were handed on.
  private static func provesAll(_ size: UInt64, _ subject: Subject) async throws {
    var events: [(position: UInt64, bytes: [UInt8])] = []
    for position in 0..<size {
      events.append((position, try required(await subject.store.event(at: position), "event \(position)")))
    }
    let tiles = try required(await subject.store.proofTiles(0...size - 1), "tiles of \(size)")
    for proof in try tiles.proofs(of: events) {
      try require(
        try proof.verify(with: subject.verifier).get().checkpoint.size, is: size, "the size proved in")
    }
    try require(try await subject.store.proofTiles(0...size) == nil, is: true, "no tiles past the end")
  }

  @Sendable private static func tiles(_ subject: Subject) async throws {
    let place = try await fill(subject, 300)
    let size = Int(place.first) + 300
    for (index, width) in [(UInt64(0), 256), (0, 1), (1, size - 256), (1, 1)] {
      var leaves: [Digest] = []
      for position in 0..<width {
        let event = try await subject.store.event(at: index * 256 + UInt64(position))
        leaves.append(MerkleHash.leaf(try required(event, "event \(position)")))
      }
      try require(
        try await subject.store.tile(level: 0, index: index, width: width), is: leaves, "tile \(index) of \(width)")
    }
    for (level, index, width) in [(0, UInt64(1), size - 255), (0, 2, 1), (1, 0, 2), (1, 1, 1), (9, 0, 1), (-1, 0, 1)] {
      try require(
        try await subject.store.tile(level: level, index: index, width: width), is: nil,
        "tile \(level)/\(index) of \(width)")
    }
  }

  private static func fill(_ subject: Subject, _ count: Int) async throws -> LedgerPosition {
    try await commit(subject, try (0..<count).map { _ in try Units.issued(Units.facts(Units.id(.certificate))) })
  }

  private static func commit(_ subject: Subject, _ events: [Event]) async throws -> LedgerPosition {
    try await StoreConformance.position(subject.store.commit(UnitOfWork(events: events)))
  }
}
