import Enrollment
import Logging
import MusterModel
import ServiceLifecycle

/// Takes up again what a token that was away holds up: the vault is unsealed and CRLs are signed once it is back. What is
/// wrong is logged when it changes.
struct KeyUpkeep: Service {
  let opened: OpenInstance
  /// Commits by the store that wakes who must know.
  let vault: VaultAdministration
  let wake: @Sendable () -> Void
  let logger: Logger
  /// Between two rounds.
  var interval = Duration.seconds(5)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var said: Set<KeyKeeperFailure> = []
      while !Task.isCancelled {
        let found = Set(opened.unsealing.failures + opened.keepers.failures.map(\.failure))
        for failure in found.subtracting(said) { say(failure) }
        if found.isEmpty, !said.isEmpty { logger.notice("the keys are back") }
        if found != said { wake() }
        said = found
        try? await Task.sleep(for: interval)
        guard !Task.isCancelled else { return }
        do { try await look() } catch {
          logger.error("looking after the keys failed", metadata: ["why": "\(error)"])
        }
      }
    }
  }

  /// One round.
  func look() async throws {
    vault.forgetShares()
    try await opened.unsealing.again(by: vault)
    try await onItsThread { [keepers = opened.keepers] in keepers.probe() }
  }

  private func say(_ failure: KeyKeeperFailure) {
    logger.error("a key is out of reach", metadata: ["code": "\(failure.code)", "why": "\(failure)"])
  }
}
