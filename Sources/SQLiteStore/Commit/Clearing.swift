import CertificateAuthority
public import MusterModel

/// What is cleared away in a commit: none of it is an event.
struct Clearing: Sendable, Hashable {
  /// Answers that came with events up to this position.
  var answersThrough: UInt64?
  /// Positions of events whose attachments go.
  var lists: [UInt64] = []
}

extension FolderStore {
  /// Forgets what requests with an `Idempotency-Key` were answered before `time`: the key can be used anew.
  public func forgetAnswers(before time: Timestamp) async throws {
    while let position = try await read({ try $0.lastAnswer(before: time) }) {
      try await clear(Clearing(answersThrough: position))
    }
  }

  /// Drops the DER of CRLs whose nextUpdate is before `time` and that a newer one followed; their events stay, with the
  /// digest. Looks from `position` on, and returns from where to look the next time.
  public func dropLists(overAt time: Timestamp, from position: UInt64) async throws -> UInt64 {
    var (position, isDone) = (position, false)
    while !isDone {
      let found = try await read { [position] in try $0.lists(overAt: time, from: position) }
      if !found.over.isEmpty { try await clear(Clearing(lists: found.over)) }
      (position, isDone) = (found.next, found.isLast)
    }
    return position
  }
}

extension Snapshot {
  private static let answersAtOnce = 500

  /// Where the newest of the oldest answers is that was given before `time`.
  fileprivate func lastAnswer(before time: Timestamp) throws -> UInt64? {
    let oldest = try db.all(
      """
      SELECT position, bytes FROM (SELECT position FROM idempotent_answer ORDER BY rowid LIMIT ?) JOIN event
        USING (position)
      ORDER BY position
      """, Snapshot.answersAtOnce
    ) { (row) throws(StoreError) in (position: try row.position(0), bytes: row.bytes(1)) }
    return try oldest.prefix { try EventEnvelope($0.bytes).at < time }.last?.position
  }

  fileprivate struct OverLists: Sendable {
    var over: [UInt64] = []
    let next: UInt64
    let isLast: Bool
  }

  private static let listsAtOnce = 500
  /// No issuing CA's CRL is good for longer: what is older and not over, as the root's, is looked at after the next start.
  private static let longestList = Duration.seconds(2 * 86_400)

  fileprivate func lists(overAt time: Timestamp, from position: UInt64) throws -> OverLists {
    let rows = try db.all(
      """
      SELECT concern.position, event.bytes, EXISTS (SELECT 1 FROM crl WHERE crl.position = concern.position)
      FROM concern JOIN event USING (position)
      WHERE record = CAST('instance' AS BLOB) AND changes = 0 AND concern.position >= ? AND EXISTS (
        SELECT 1 FROM attachment WHERE id = concern.position * 1024)
      ORDER BY concern.position LIMIT ?
      """, position, Snapshot.listsAtOnce
    ) { (row) throws(StoreError) in
      (
        event: try AnyRecorded(row.bytes(1), details: nil, at: row.position(0), .muster), isNewest: row.bool(2)
      )
    }
    let over = rows.compactMap { row -> UInt64? in
      guard let list = row.event.body as? CRLPublished, !row.isNewest, list.nextUpdate < time else { return nil }
      return row.event.origin.position
    }
    let recent = rows.first { $0.event.origin.at > time - Snapshot.longestList }?.event.origin.position
    let isLast = recent != nil || rows.count < Snapshot.listsAtOnce
    return OverLists(
      over: over, next: recent ?? rows.last.map { $0.event.origin.position + 1 } ?? position, isLast: isLast)
  }
}
