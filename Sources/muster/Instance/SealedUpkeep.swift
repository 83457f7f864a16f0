import Enrollment
import Logging
import ServiceLifecycle

/// Looks, again and again, whether all that is sealed still opens: a few rows at a time, with a second between, so that it
/// costs next to nothing; health says what it found.
struct SealedUpkeep: Service {
  let vault: VaultAdministration
  let logger: Logger
  /// Between two looks, and between two passes.
  var rest = Duration.seconds(1)
  var interval = Duration.seconds(3600)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        var isMore = false
        do {
          isMore = try await vault.checkSome()
          if !isMore, !vault.isSealed { tell() }
        } catch {
          logger.error("looking through what is sealed failed", metadata: ["why": "\(error)"])
        }
        try? await Task.sleep(for: isMore || vault.isSealed ? rest : interval)
      }
    }
  }

  private func tell() {
    let unopened = vault.unopened
    guard unopened.count > 0 else { return }
    logger.error(
      "secrets do not open",
      metadata: [
        "count": "\(unopened.count)", "records": "\(unopened.owners.map(\.description).joined(separator: " "))",
      ])
  }
}
