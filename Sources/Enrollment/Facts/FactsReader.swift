public import MusterModel

/// The registry as use cases read it. Each answer is one snapshot, no older than the last commit that was answered.
public protocol FactsReader: Sendable {
  func facts(for query: FactsQuery) async throws -> Facts

  /// Whose certificate has this SHA-256; nil where this instance issued no such certificate, or to nobody on record.
  func identity(fingerprint: Digest) async throws -> IdentityFacts?

  /// The trust anchors of one group, or of all; those of removed groups are none.
  func trustAnchors(of group: RecordName?) async throws -> [GroupAnchor]

  /// What a POST with this `Idempotency-Key` answered before.
  func answer(to operator: RecordID, key: String) async throws -> IdempotentAnswer?
}
