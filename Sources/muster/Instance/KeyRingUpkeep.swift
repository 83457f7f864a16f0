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
  var interval = Duration.seconds(30)

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
    instance.vault.sweepOpenedKeys()
    let administration = Administration(instance)
    let service = Caller(principal: .service, reads: ReadSet(), source: "service")
    let due = try await instance.listings.dueRings(at: instance.clock.now())
    for version in due.destroy {
      await log("destroying", version.ring) {
        try await administration.move(
          version: version.number, of: version.ring.text, KeyMoveInput(state: "destroyed", reason: nil), by: service)
      }
    }
    for ring in due.rotate where !instance.vault.isSealed {
      await log("rotating", ring.name) {
        try await administration.rotateRing(ring.name.text, replacing: ring.newest, by: service)
      }
    }
  }

  /// One key that fails keeps no other from its turn.
  private func log<Value>(_ what: String, _ ring: RecordName, _ body: () async throws -> Outcome<Value>) async {
    let why: String
    do {
      guard case .refused(let refusal) = try await body() else { return }
      why = refusal.code
    } catch {
      why = "\(error)"
    }
    logger.error("\(what) a key failed", metadata: ["key": "\(ring)", "why": "\(why)"])
  }
}
