public import MusterModel
import Synchronization

/// In whose name CRLs are signed that nobody's timer asked for.
public struct ListAuthor: Sendable, Hashable {
  public let actor: Actor
  /// What allowed it.
  public let policy: PolicyReference
  /// What the actor was read from: once that changes, nothing is signed in its name.
  public let reads: ReadSet

  public init(actor: Actor, policy: PolicyReference, reads: ReadSet) {
    self.actor = actor
    self.policy = policy
    self.reads = reads
  }
}

/// Those who ask for CRLs now and wait for them.
final class ListDemands: Sendable {
  typealias Answer = CheckedContinuation<[OfferedCRL], any Error>

  struct Demand: Sendable {
    let author: ListAuthor
    let answer: Answer
  }

  private struct State {
    var waiting: [Demand] = []
    var isOpen = false
  }

  private let state = Mutex(State())

  /// Somebody looks from now on.
  func open() { state.withLock { $0.isOpen = true } }

  /// Nobody looks any more: who waits is told so.
  func close() {
    for demand in take(closing: true) { demand.answer.resume(throwing: PublicationError.notRunning) }
  }

  func put(_ demand: Demand) {
    let isTaken = state.withLock { state in
      if state.isOpen { state.waiting.append(demand) }
      return state.isOpen
    }
    if !isTaken { demand.answer.resume(throwing: PublicationError.notRunning) }
  }

  func take() -> [Demand] { take(closing: false) }

  private func take(closing: Bool) -> [Demand] {
    state.withLock { state in
      defer { state = State(isOpen: state.isOpen && !closing) }
      return state.waiting
    }
  }
}
