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
    var forming = GroupForming()
  }

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
      return state.forming.came(new.count)
    }
    if areThere { company.signal() }
    for _ in stride(from: 0, to: new.count, by: GroupForming.limit) { begin(enrollment) }
  }

  /// Begins a group where there is reason to.
  private func begin(_ enrollment: DeviceEnrollment) {
    let begins = state.withLock { $0.forming.begins() }
    if begins { enrollment.instance.facts.prepare { [self] in commit(group(enrollment, $0), enrollment) } }
  }

  private func end(again: [Waiting], _ enrollment: DeviceEnrollment) {
    state.withLock { state in
      state.waiting += again
      state.forming.ended(again: again.count)
    }
    begin(enrollment)
  }

  // MARK: - On a preparer's thread

  private func group(_ enrollment: DeviceEnrollment, _ facts: any FactsSource) -> [(UnitOfWork, Pending)] {
    var group: [(UnitOfWork, Pending)] = []
    var taken = 0
    var isPatient = true
    while case let waiting = gather(beside: taken, &isPatient), !waiting.isEmpty {
      taken += waiting.count
      for (waiting, decision) in zip(waiting, enrollment.prepare(waiting.map(\.request), facts)) {
        if let member = settle(waiting, decision, enrollment) { group.append(member) }
      }
    }
    state.withLock { $0.forming.prepared(taken) }
    return group
  }

  /// What waits, and who comes while company is waited for: prepared in a row, they cost less than in parts.
  private func gather(beside taken: Int, _ isPatient: inout Bool) -> [Waiting] {
    var gathered: [Waiting] = []
    while true {
      let (waiting, lacks) = take(beside: taken + gathered.count, isPatient)
      gathered += waiting
      guard waiting.isEmpty else { continue }
      guard lacks else { return gathered }
      isPatient = company.wait(timeout: .now() + EnrollmentQueue.patience) == .success
    }
  }

  /// What waits, as far as the group has room, and where nothing does, whether company is to be waited for.
  private func take(beside taken: Int, _ isPatient: Bool) -> ([Waiting], lacks: Bool) {
    state.withLock { state in
      let (count, lacks) = state.forming.take(beside: taken, isPatient: isPatient)
      let taking = Array(state.waiting.prefix(count))
      state.waiting.removeFirst(count)
      return (taking, lacks)
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
