public import Ledger
import MusterModel

/// The reference follower as a pure machine: it says what to do next and takes what came of it. Whoever runs it acts first,
/// keeps the state then, and only after that tells it here; so that a follower that is killed at any point does something
/// twice rather than never, and gives no receipt for what it did not do.
public struct Follower: Sendable {
  /// What is enforced; nil before the first snapshot.
  public private(set) var state: FollowerState?

  public init(_ state: FollowerState?) { self.state = state }

  public enum Step: Sendable, Hashable {
    case takeSnapshot
    case sendReceipt(LedgerPlace)
    case poll(LedgerPlace)
  }

  public var next: Step {
    guard let state else { return .takeSnapshot }
    return state.owed.map { .sendReceipt($0) } ?? .poll(state.place)
  }

  /// What is to be done, and the state once it is done.
  public struct Plan: Sendable {
    public let changes: [HubChange]
    public let state: FollowerState
  }

  /// A snapshot, whole: `place` and `note` are those of its first part.
  public func plan(
    _ devices: [HubDevice], at place: LedgerPlace, note: String, _ verifier: CheckpointVerifier
  ) -> Result<Plan, FollowerRefusal> {
    switch verifier.verify(note) {
    case .failure(let refusal): return .failure(.checkpoint(refusal))
    case .success(let checkpoint):
      guard LedgerPlace(size: checkpoint.size, root: checkpoint.root) == place else {
        return .failure(.notContinued(from: place.size, to: checkpoint.size))
      }
    }
    var next = FollowerState(devices, at: place)
    // What was enforced from the beginning is enforced now.
    next.owed = place
    let told = devices.flatMap { $0.changes(at: place) }
    return .success(Plan(changes: (state ?? FollowerState(place: place)).changes(to: next, told: told), state: next))
  }

  /// A page, checked before anything of it is believed.
  public func plan(_ page: FeedPage, _ verifier: CheckpointVerifier) -> Result<Plan, FollowerRefusal> {
    guard let state else { return .failure(.noSnapshot) }
    if let refusal = refusal(of: page, after: state.place, verifier) { return .failure(refusal) }
    var next = state
    for change in page.changes { next.take(change) }
    next.place = page.place
    // A receipt calls for no receipt: where nothing changed, nothing is said.
    if !page.changes.isEmpty { next.owed = page.place }
    return .success(Plan(changes: page.changes, state: next))
  }

  private func refusal(
    of page: FeedPage, after place: LedgerPlace, _ verifier: CheckpointVerifier
  ) -> FollowerRefusal? {
    let checkpoint: VerifiedCheckpoint
    switch verifier.verify(page.checkpoint) {
    case .failure(let refusal): return .checkpoint(refusal)
    case .success(let verified): checkpoint = verified
    }
    let end = LedgerPlace(size: checkpoint.size, root: checkpoint.root)
    guard page.continuation.leads(from: place, to: page.place) else {
      return .notContinued(from: place.size, to: page.place.size)
    }
    guard page.toCheckpoint.leads(from: page.place, to: end) else {
      return .notContinued(from: page.place.size, to: end.size)
    }
    var last: UInt64?
    for position in page.changes.map(\.position) {
      guard position >= place.size, position < page.place.size, last.map({ $0 < position }) ?? true else {
        return .outOfOrder(position)
      }
      last = position
    }
    return nil
  }

  /// The plan was carried out and its state is kept.
  public mutating func did(_ plan: Plan) { state = plan.state }

  /// The receipt that was owed was taken.
  public mutating func receiptTaken() { state?.owed = nil }
}

extension ConsistencyProof {
  fileprivate func leads(from start: LedgerPlace, to end: LedgerPlace) -> Bool {
    guard old == start.size, new == end.size, let oldRoot = Digest(hex: start.root), let newRoot = Digest(hex: end.root)
    else { return false }
    return verify(oldRoot: oldRoot, newRoot: newRoot)
  }
}

/// Why a follower does not believe what it was told.
public enum FollowerRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  case noSnapshot
  case checkpoint(CheckpointRefusal)
  case notContinued(from: UInt64, to: UInt64)
  case outOfOrder(UInt64)

  public var code: String {
    switch self {
    case .noSnapshot: "no-snapshot"
    case .checkpoint(let refusal): refusal.code
    case .notContinued: "ledger-not-continued"
    case .outOfOrder: "feed-out-of-order"
    }
  }

  public var description: String {
    switch self {
    case .noSnapshot: "expected a snapshot before the feed, found none"
    case .checkpoint(let refusal): "\(refusal)"
    case .notContinued(let old, let new):
      "expected a proof that the ledger of \(new) events continues that of \(old), found none that holds"
    case .outOfOrder(let position): "expected changes in the order of their positions, found one at \(position)"
    }
  }
}
