import Enrollment
import Logging
import MusterModel
import ServiceLifecycle

/// Rotates key rings whose time or uses are running out, and destroys versions whose waiting time is over. In the ledger it
/// looks as if it were done by hand, by the service.
struct KeyRingUpkeep: Service {
  let opened: OpenInstance
  let logger: Logger

  /// Between two rounds.
  var interval = Duration.seconds(60)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          try await round()
        } catch {
          logger.error("looking after key rings failed", metadata: ["why": "\(error)"])
        }
        try? await Task.sleep(for: interval)
      }
    }
  }

  /// One round; what the vault is needed for waits while it is sealed.
  func round() async throws {
    let instance = opened.instance
    let administration = Administration(instance)
    let service = Caller(principal: .service, reads: ReadSet(), source: "service")
    let due = try await instance.listings.dueRings(at: instance.clock.now())
    for version in due.destroy {
      log(
        "destroying", version.ring,
        try await administration.move(
          version: version.number, of: version.ring.text, KeyMoveInput(state: "destroyed", reason: nil), by: service))
    }
    guard !instance.vault.isSealed else { return }
    instance.vault.sweepRingKeys()
    for ring in due.rotate {
      log(
        "rotating", ring.name, try await administration.rotateRing(ring.name.text, replacing: ring.newest, by: service))
    }
  }

  private func log<Value>(_ what: String, _ ring: RecordName, _ outcome: Outcome<Value>) {
    guard case .refused(let refusal) = outcome else { return }
    logger.error("\(what) a key was refused", metadata: ["key": "\(ring)", "code": "\(refusal.code)"])
  }
}
