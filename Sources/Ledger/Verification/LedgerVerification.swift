/// The offline check of a whole ledger: every event hashed, the tree held to every signed checkpoint, and what differs named.
///
/// What is told apart by what. Leaf hashes are stored twice: implied by the events, and in the level-0 tiles (for the
/// open tile, singly). The check walks both in step. Where they part, it looks up to 8,192 places ahead for where they meet again:
///
/// - one differs and the next agree: **edited**; if its hash turns up elsewhere among the differences: **reordered**;
/// - the events skip stored hashes, or a position is skipped: **deleted**;
/// - the events hold what no stored hash knows: **inserted**, also after the end of what is signed;
/// - the events end before the stored hashes, or before the signed size, and agree until there: **truncated**.
///
/// Stored hashes are believed only where the tree over them has the signed roots. Where the events have those roots and
/// the stored hashes have not, the **tile** was edited. Where neither has, whoever changed the events changed the hashes
/// too: then the check says between which signed sizes the **content changed** and by how many events, and no more than
/// that. The same holds where no hashes are stored. Where all agrees with itself and with signatures of the ledger's key,
/// and a checkpoint that someone kept does not, the tree was **rewritten** by who has the key.
///
/// Memory: O(log n), the windows, and at most 16,384 differences.
public struct LedgerVerification: Sendable {
  /// How many findings of one sort are listed.
  static let findingLimit = 256

  private let verifier: CheckpointVerifier
  private let kept: VerifiedCheckpoint?

  /// `kept` is a checkpoint that someone kept outside: the ledger must be its continuation. It may be of an earlier epoch.
  public init(verifier: CheckpointVerifier, kept: VerifiedCheckpoint? = nil) {
    self.verifier = verifier
    self.kept = kept
  }

  /// Reads everything once. Throws only what the records throw.
  public func verify(_ records: LedgerRecords) throws -> LedgerReport {
    var walk = LedgerWalk(records, verifier, kept)
    try walk.run()
    return walk.report()
  }
}
