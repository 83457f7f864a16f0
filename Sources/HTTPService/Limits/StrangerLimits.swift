import MusterModel
import ServiceLifecycle
import Synchronization

/// What callers who proved nothing may cost: their attempts limited, their refusals counted.
final class StrangerLimits: Sendable {
  private let attempts = Mutex(AttemptLimiter())
  private let tally = Mutex(RefusalTally())

  /// Throws where the source has to wait before it tries another code.
  func checkAttempts(_ source: SourceAddress, at now: Timestamp) throws(Problem) {
    guard let seconds = attempts.withLock({ $0.wait(source.network, at: now) }) else { return }
    throw Problem(
      .tooManyRequests, "too-many-attempts",
      detail: "expected at most \(AttemptLimiter.attempts) wrong codes a minute from one address"
    ).adding(.retryAfter, String(seconds)).counted()
  }

  func attemptFailed(_ source: SourceAddress, at now: Timestamp) {
    attempts.withLock { $0.failed(source.network, at: now) }
  }

  func refused(_ source: SourceAddress, code: String, at now: Timestamp) {
    tally.withLock { $0.count(source.network, code: code, at: now) }
  }

  func take(at now: Timestamp) -> RefusalTally.Counted? { tally.withLock { $0.take(at: now) } }

  func putBack(_ counted: RefusalTally.Counted) { tally.withLock { $0.putBack(counted) } }
}

/// Hands over what was counted, once a minute and at the end.
struct TallyKeeper: Service {
  let limits: StrangerLimits
  let clock: any WallClock
  /// Whether it is on disk.
  let record: @Sendable (RefusalTally.Counted) async -> Bool
  /// Waits until the next time; throws where the service ends first.
  var wait: @Sendable () async throws -> Void = { try await Task.sleep(for: .seconds(60)) }

  func run() async throws {
    try? await cancelWhenGracefulShutdown {
      while true {
        try await wait()
        await hand()
      }
    }
    await hand()
  }

  private func hand() async {
    guard let counted = limits.take(at: clock.now()) else { return }
    if await !record(counted) { limits.putBack(counted) }
  }
}
