import Enrollment
import Logging
import MusterModel
import ServiceLifecycle

/// Carries rollovers on while the service runs: one step after the other while there is something to do, at a pace that
/// leaves the disk to others, and else a look now and then.
struct RolloverService: Service {
  let instance: Instance
  let logger: Logger
  /// Between two steps.
  var pace = Duration.milliseconds(100)
  /// Between two looks where there was nothing to do.
  var interval = Duration.seconds(2)

  func run() async throws {
    let upkeep = RolloverUpkeep(instance)
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        var isMore = false
        do {
          isMore = try await upkeep.round()
        } catch {
          logger.error("carrying a rollover on failed", metadata: ["why": "\(error)"])
        }
        try? await Task.sleep(for: isMore ? pace : interval)
      }
    }
  }
}
