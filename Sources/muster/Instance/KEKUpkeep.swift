import Enrollment
import Logging
import ServiceLifecycle

/// Brings what is sealed under the newest key-encryption key after a rotation, a few rows at a time, and rests three times
/// as long as each took: requests go before.
struct KEKUpkeep: Service {
  let vault: VaultAdministration
  let logger: Logger
  /// Between two looks, where there is nothing to do.
  var interval = Duration.seconds(5)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var said: String?
      while !Task.isCancelled {
        let began = ContinuousClock.now
        var isMore = false
        do {
          isMore = try await vault.rewrapSome()
          said = nil
        } catch {
          if said != "\(error)" { logger.error("re-wrapping failed", metadata: ["why": "\(error)"]) }
          said = "\(error)"
        }
        try? await Task.sleep(for: isMore ? max((.now - began) * 3, .milliseconds(5)) : interval)
      }
    }
  }
}
