import Enrollment
import HubAccess
import Logging
import MusterModel
import ServiceLifecycle

/// Records what was counted of tokens, once a minute and at the end.
struct TokenTallyKeeper: Service {
  let rooms: ServiceRooms
  let logger: Logger

  func run() async throws {
    try? await cancelWhenGracefulShutdown {
      while true {
        try await Task.sleep(for: .seconds(60))
        await record()
      }
    }
    await record()
  }

  private func record() async {
    do {
      try await rooms.tokens.record(at: rooms.instance.clock.now()) { events in
        _ = try await rooms.instance.store.commit(UnitOfWork(events: events))
      }
    } catch {
      logger.error("verifications were not recorded", metadata: ["error": "\(error)"])
    }
  }
}

/// Lets go of the polls that wait when the service ends, so that it ends at once.
struct PollRelease: Service {
  let signal: HubSignal

  func run() async throws {
    try? await gracefulShutdown()
    signal.close()
  }
}
