import Logging
import MusterModel
import ServiceLifecycle
import SQLiteStore

/// Clears away what is kept for a while only: answers to requests with an `Idempotency-Key`, and CRLs that are over. The
/// ledger keeps every event.
struct Housekeeping: Service {
  let store: FolderStore
  let clock: any WallClock
  let logger: Logger

  static let interval = Duration.seconds(3600)
  /// How long a request that is sent again gets the same answer.
  static let answersKept = Duration.seconds(86_400)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var position: UInt64 = 0
      while !Task.isCancelled {
        do {
          position = try await round(from: position)
        } catch {
          logger.error("housekeeping failed", metadata: ["why": "\(error)"])
        }
        try? await Task.sleep(for: Housekeeping.interval)
      }
    }
  }

  /// Looks for CRLs from `position` on; returns from where to look next time.
  func round(from position: UInt64) async throws -> UInt64 {
    let now = clock.now()
    try await store.forgetAnswers(before: now - Housekeeping.answersKept)
    return try await store.dropLists(overAt: now, from: position)
  }
}
