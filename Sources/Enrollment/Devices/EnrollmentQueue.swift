import Dispatch
import MusterModel
import Synchronization

/// Requests by ticket, and at stations, that wait to be prepared: verified, decided from one snapshot, signed, many in a row on
/// one warm thread, and then committed together. What a commit costs hangs on its size, so a group takes in what comes while
/// it is prepared, and the next begins once this one is on disk, or a full one waits.
///
/// A group that has fewer than the last one waits for them a moment: clients that keep a connection and were answered
/// together ask together. Who asks alone waits for nobody.
final class EnrollmentQueue: Sendable {
  typealias Answer = @Sendable (Result<Outcome<Enrolled>, any Error>) -> Void

  private struct Waiting: Sendable {
    let request: KnownRequest
    /// How often it was prepared already.
    var attempts = 0
    let answer: Answer
  }

  /// Waits for its unit of work to be on disk.
  private struct Pending: Sendable {
    let waiting: Waiting
    let outcome: @Sendable (LedgerPosition) -> Outcome<Enrolled>
  }

  private struct State {
    var waiting: [Waiting] = []
    /// How many groups are being prepared or committed.
    var groups = 0
    /// How many the last group had.
    var lastGroup = 0
    /// How many are to wait before the group that waits for company is told; nil where none does.
    var awaited: Int?
  }

  /// How many requests one group takes at most.
  private static let groupLimit = 64
  /// How long a group waits for as many as the last one had.
  private static let patience = DispatchTimeInterval.milliseconds(2)

  private let state = Mutex(State())
  private let company = DispatchSemaphore(value: 0)

  func enroll(_ request: KnownRequest, by enrollment: DeviceEnrollment) async throws -> Outcome<Enrolled> {
    try await withCheckedThrowingContinuation { continuation in
      add([Waiting(request: request) { continuation.resume(with: $0) }], enrollment)
    }
  }

  /// Many at once, each alone. The outcomes are in their order.
  func enroll(
    _ requests: [KnownRequest], by enrollment: DeviceEnrollment
  ) async -> [Result<Outcome<Enrolled>, any Error>] {
    guard !requests.isEmpty else { return [] }
    return await withCheckedContinuation { continuation in
      let gathering = Gathering(requests.count) { continuation.resume(returning: $0) }
      add(
        requests.enumerated().map { place, request in
          Waiting(request: request) { gathering.take($0, at: place) }
        }, enrollment)
    }
  }

  private func add(_ new: [Waiting], _ enrollment: DeviceEnrollment) {
    let areThere = state.withLock { state in
      state.waiting += new
      guard let awaited = state.awaited, state.waiting.count >= awaited else { return false }
      state.awaited = nil
      return true
    }
    if areThere { company.signal() }
    for _ in stride(from: 0, to: new.count, by: EnrollmentQueue.groupLimit) { begin(enrollment) }
  }

  /// Begins a group where there is reason to.
  private func begin(_ enrollment: DeviceEnrollment) {
    let begins = state.withLock { state in
      let begins = state.groups == 0 ? !state.waiting.isEmpty : state.waiting.count >= EnrollmentQueue.groupLimit
      if begins { state.groups += 1 }
      return begins
    }
    if begins { enrollment.instance.facts.prepare { [self] in commit(group(enrollment, $0), enrollment) } }
  }

  private func end(again: [Waiting], _ enrollment: DeviceEnrollment) {
    state.withLock { state in
      state.groups -= 1
      state.waiting += again
    }
    begin(enrollment)
  }

  // MARK: - On a preparer's thread

  private func group(_ enrollment: DeviceEnrollment, _ facts: any FactsSource) -> [(UnitOfWork, Pending)] {
    var group: [(UnitOfWork, Pending)] = []
    var taken = 0
    var isPatient = true
    while true {
      let (waiting, lacks) = take(beside: taken)
      if waiting.isEmpty {
        guard lacks, isPatient else { break }
        isPatient = company.wait(timeout: .now() + EnrollmentQueue.patience) == .success
        continue
      }
      taken += waiting.count
      for (waiting, decision) in zip(waiting, enrollment.prepare(waiting.map(\.request), facts)) {
        if let member = settle(waiting, decision, enrollment) { group.append(member) }
      }
    }
    if taken > 0 { state.withLock { state in (state.lastGroup, state.awaited) = (taken, nil) } }
    return group
  }

  /// What waits, as far as the group has room. Where nothing does, whether it lacks some that the last group had: then
  /// `company` tells once as many are there. A group that has none waits for none, and of two that are prepared at once
  /// neither does.
  private func take(beside taken: Int) -> ([Waiting], lacks: Bool) {
    state.withLock { state in
      let count = min(EnrollmentQueue.groupLimit - taken, state.waiting.count)
      let taking = Array(state.waiting.prefix(count))
      state.waiting.removeFirst(count)
      let lacking = min(state.lastGroup, EnrollmentQueue.groupLimit) - taken
      state.awaited = count == 0 && taken > 0 && lacking > 0 && state.groups == 1 ? lacking : nil
      return (taking, state.awaited != nil)
    }
  }

  /// Answers, or returns what is to be on disk before the answer leaves.
  private func settle(
    _ waiting: Waiting, _ decision: Result<Decision<Enrolled>, any Error>, _ enrollment: DeviceEnrollment
  ) -> (UnitOfWork, Pending)? {
    switch decision {
    case .failure(let error): waiting.answer(.failure(error))
    case .success(.answer(let value)): waiting.answer(.success(.done(value)))
    case .success(.refuse(let refusal, let event)):
      let (weighed, recorded) = enrollment.instance.refusals.weigh(refusal, event)
      guard let recorded else {
        waiting.answer(.success(.refused(weighed)))
        return nil
      }
      return (UnitOfWork(events: [recorded]), Pending(waiting: waiting) { _ in .refused(weighed) })
    case .success(.commit(let unit, let value)):
      return (unit, Pending(waiting: waiting) { .done(value($0)) })
    }
    return nil
  }

  private func commit(_ group: [(UnitOfWork, Pending)], _ enrollment: DeviceEnrollment) {
    guard !group.isEmpty else { return end(again: [], enrollment) }
    enrollment.instance.store.submit(group.map(\.0)) { [self, pending = group.map(\.1)] outcomes in
      end(again: zip(pending, outcomes).compactMap(settle), enrollment)
    }
  }

  // MARK: - On the committer's thread

  /// Answers, or returns what is to be decided again from the facts.
  private func settle(_ pending: Pending, _ outcome: Result<CommitOutcome, any Error>) -> Waiting? {
    var waiting = pending.waiting
    switch outcome {
    case .failure(let error): waiting.answer(.failure(error))
    case .success(.committed(let position)): waiting.answer(.success(pending.outcome(position)))
    case .success(.stale(let aggregate)) where waiting.request.evidence.caller.versions[aggregate] != nil:
      waiting.answer(.success(.refused(.identityChanged)))
    case .success(.stale), .success(.taken), .success(.exhausted):
      waiting.attempts += 1
      if waiting.attempts < Instance.attempts { return waiting }
      waiting.answer(.success(.refused(.contended)))
    }
    return nil
  }
}

/// What came of many, handed on in their order once the last is there.
private final class Gathering: Sendable {
  typealias Result = Swift.Result<Outcome<Enrolled>, any Error>

  private struct State {
    var outcomes: [Result?]
    var missing: Int
  }

  private let state: Mutex<State>
  private let done: @Sendable ([Result]) -> Void

  init(_ count: Int, done: @escaping @Sendable ([Result]) -> Void) {
    state = Mutex(State(outcomes: Array(repeating: nil, count: count), missing: count))
    self.done = done
  }

  func take(_ outcome: Result, at place: Int) {
    let all: [Result]? = state.withLock { state in
      state.outcomes[place] = outcome
      state.missing -= 1
      return state.missing == 0 ? state.outcomes.compactMap(\.self) : nil
    }
    if let all { done(all) }
  }
}
