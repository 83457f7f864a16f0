public import Ledger

/// One page of a hub's feed: what it must know from one place of the ledger to another, in order and without gaps, and the
/// proofs that the one continues the other, and the signed checkpoint that one.
public struct FeedPage: Codable, Sendable, Hashable {
  /// Where the next page begins.
  public let place: LedgerPlace
  public let changes: [HubChange]
  /// From the place that was asked for to `place`.
  public let continuation: ConsistencyProof
  /// From `place` to the checkpoint.
  public let toCheckpoint: ConsistencyProof
  /// The signed note.
  public let checkpoint: String

  public init(
    place: LedgerPlace, changes: [HubChange], continuation: ConsistencyProof, toCheckpoint: ConsistencyProof,
    checkpoint: String
  ) {
    self.place = place
    self.changes = changes
    self.continuation = continuation
    self.toCheckpoint = toCheckpoint
    self.checkpoint = checkpoint
  }
}

/// The feed: a hub asks for what it must know after a place, and waits where there is nothing.
public struct Feed: Sendable {
  /// The most changes of one page.
  public static let pageLimit = 1000
  /// How long an answer may be waited for.
  public static let longestWait = Duration.seconds(55)

  private let reader: any HubReader

  public init(_ reader: any HubReader) { self.reader = reader }

  /// Answers as soon as there is a change, or after `wait` with none. The wait begins before the first reading: a change
  /// that is committed between the two is not missed.
  public func page(
    for credential: HubCredential, after place: LedgerPlace, waiting wait: Duration
  ) async throws -> FeedReading {
    let changes = wait > .zero ? reader.signal.changes(for: credential.hub) : nil
    let first = try await reader.feed(of: credential, after: place, limit: Feed.pageLimit)
    guard let changes, case .page(let page) = first, page.changes.isEmpty else { return first }
    await Feed.first(of: changes, within: wait)
    return try await reader.feed(of: credential, after: place, limit: Feed.pageLimit)
  }

  private static func first(of changes: AsyncStream<Void>, within wait: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in changes { return } }
      group.addTask { try? await Task.sleep(for: wait) }
      await group.next()
      group.cancelAll()
    }
  }
}
