import Enrollment
import Foundation
import HTTPService
import Ledger
import Logging
import MusterModel
import Publication
import ServiceLifecycle

/// The running service: what listens, what keeps CRLs ready, what renews its own certificates.
struct Serving {
  let opened: OpenInstance
  let address: Listening.Address
  let plain: Listening.Address?
  let isMemoryLocked: Bool
  let logger: Logger
  /// How often the service's own certificates are looked at.
  var upkeepInterval = Duration.seconds(600)

  /// Until SIGTERM or SIGINT.
  func run() async throws {
    let services = try await services { announce($0) }
    let group = ServiceGroup(
      configuration: .init(
        services: services.map { .named($0) }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
  }

  /// Records the start; `onReady` is called once all that listens is bound.
  func services(onReady: @escaping @Sendable (Listening.Bound) -> Void) async throws -> [any Service] {
    try await ListenCheck.check([("--listen", address)] + (plain.map { [("--listen-plain", $0)] } ?? []))
    let credential = CurrentCredential(try ServerIdentity.read(opened.folder).credential)
    let upkeep = CertificateUpkeep(opened: opened, credential: credential, logger: logger, interval: upkeepInterval)
    do { try await upkeep.renewWhatIsDue() } catch let failure as KeyKeeperFailure {
      logger.error("renewing the service's own certificates has to wait", metadata: ["why": "\(failure)"])
    }
    try await recordStart()
    // A change of issuing CAs that was cut off after its commit did not come to write it.
    try await opened.writeChain()
    let status = try await PublishedStatus(opened, logger: logger)
    let instance = opened.instance(committingTo: status.store)
    let vault = VaultAdministration(
      instance, reader: opened.readers, points: opened.points, keptSigner: opened.keepers.signer,
      own: opened.unsealing)
    let rooms = ServiceRooms(
      instance: instance, reader: opened.readers, vault: vault, points: opened.points,
      status: status, hubs: opened.readers, ledger: opened.record.origin)
    let findings = HealthFindings(
      opened: opened, vault: vault, isPlainServed: plain != nil, isMemoryLocked: isMemoryLocked
    ) {
      status.endOfList(issuerKeyID: $0)
    }
    let application = ServiceApplication(
      rooms, listening: Listening(address: address, plain: plain, credential: credential) { onReady($0) },
      logger: logger,
      findings: { await findings.all() })
    let housekeeping = Housekeeping(store: opened.store, clock: opened.instance.clock, logger: logger)
    let keys = KeyUpkeep(opened: opened, vault: vault, wake: { status.wake() }, logger: logger)
    let rings = KeyRingUpkeep(opened: opened, logger: logger)
    let rollovers = RolloverService(instance: instance, logger: logger)
    let keks = KEKUpkeep(vault: vault, logger: logger)
    let sealed = SealedUpkeep(vault: vault, logger: logger)
    return [status, upkeep, keys, keks, sealed, rings, housekeeping, rollovers, application]
  }

  private func announce(_ bound: Listening.Bound) {
    let host = address.host.contains(":") ? "[\(address.host)]" : address.host
    // Whoever read this may be gone, which is no reason to serve nobody.
    try? FileHandle.standardOutput.write(contentsOf: Data("muster: serving https://\(host):\(bound.port)\n".utf8))
  }

  private func recordStart() async throws {
    let event = try Event(
      at: opened.instance.clock.now(), by: .service, on: [.instance], ServiceStarted(version: programVersion))
    guard case .committed = try await opened.store.commit(UnitOfWork(events: [event])) else {
      throw CommandFailure("expected to record the start, found the store refusing it")
    }
  }
}
