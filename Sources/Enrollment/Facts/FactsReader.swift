public import MusterModel

/// The registry as use cases read it. Each answer is one snapshot, no older than the last commit that was answered.
public protocol FactsReader: Sendable {
  func facts(for query: FactsQuery) async throws -> Facts

  /// Whose certificate has this SHA-256; nil where this instance issued no such certificate, or to nobody on record.
  func identity(fingerprint: Digest) async throws -> IdentityFacts?

  /// The trust anchors of one group, or of all; those of removed groups are none.
  func trustAnchors(of group: RecordName?) async throws -> [GroupAnchor]

  /// Whether what the event at `position` says is still decided by: a block, a device or a peer that is not gone, an
  /// open ticket. Erased, it would be forgotten and not undone.
  func isInForce(_ position: UInt64) async throws -> Bool

  /// What a POST with this `Idempotency-Key` answered before.
  func answer(to operator: RecordID, key: String) async throws -> IdempotentAnswer?
}
