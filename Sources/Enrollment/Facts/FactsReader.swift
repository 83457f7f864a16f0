public import MusterModel

/// The registry as use cases read it. Each answer is one snapshot, no older than the last commit that was answered.
public protocol FactsReader: Sendable {
  func facts(for query: FactsQuery) async throws -> Facts

  /// Runs `body` once on a thread that is there for it and reads at once: for work of many cases in a row, which may
  /// compute, and waits for nothing but what it reads.
  func prepare(_ body: @escaping @Sendable (any FactsSource) -> Void)

  /// Whose certificate has this SHA-256; nil where this instance issued no such certificate, or to nobody on record.
  func identity(fingerprint: Digest) async throws -> IdentityFacts?

  /// The trust anchors of one group, or of all; those of removed groups are none.
  func trustAnchors(of group: RecordName?) async throws -> [GroupAnchor]

  /// The certificates of TPM makers that are trusted.
  func tpmMakers() async throws -> TPMMakersSnapshot

  /// Whether what the event at `position` says is still decided by: a block, a device or a peer that is not gone, an
  /// open ticket. Erased, it would be forgotten and not undone.
  func isInForce(_ position: UInt64) async throws -> Bool

  /// What a POST with this `Idempotency-Key` answered before.
  func answer(to operator: RecordID, key: String) async throws -> IdempotentAnswer?
}

/// The registry as one thread reads it. It belongs to the call that it was given to.
public protocol FactsSource {
  /// The facts of many cases, each alone and in their order, all from one snapshot no older than this call.
  func facts(for queries: [FactsQuery]) -> [Result<GivenFacts, any Error>]
}
