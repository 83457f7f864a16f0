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
  let logger: Logger

  func run() async throws {
    let credential = CurrentCredential(try ServerIdentity.read(opened.folder).credential)
    let upkeep = CertificateUpkeep(opened: opened, credential: credential, logger: logger)
    try await upkeep.renewWhatIsDue()
    try await recordStart()
    let status = try await PublishedStatus(opened, logger: logger)
    let instance = opened.instance(committingTo: status.store)
    let rooms = ServiceRooms(
      instance: instance, reader: opened.readers,
      vault: VaultAdministration(instance, reader: opened.readers, points: opened.points), points: opened.points,
      status: status)
    let application = ServiceApplication(
      rooms, listening: Listening(address: address, plain: plain, credential: credential) { announce($0) },
      logger: logger,
      findings: { findings() })
    let group = ServiceGroup(
      configuration: .init(
        services: [status, upkeep, application], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
  }

  private func announce(_ bound: Listening.Bound) {
    let host = address.host.contains(":") ? "[\(address.host)]" : address.host
    FileHandle.standardOutput.write(Data("muster: serving https://\(host):\(bound.port)\n".utf8))
  }

  private func recordStart() async throws {
    let event = try Event(
      at: opened.instance.clock.now(), by: .service, on: [.instance], ServiceStarted(version: programVersion))
    guard case .committed = try await opened.store.commit(UnitOfWork(events: [event])) else {
      throw CommandFailure("expected to record the start, found the store refusing it")
    }
  }

  /// What keeps the service from doing all it should, for health.
  private func findings() -> [HealthFinding] {
    var findings: [HealthFinding] = []
    if opened.instance.vault.isSealed {
      findings.append(
        HealthFinding(
          isBlocking: true, code: "vault-sealed", detail: "nothing is issued until it is unsealed: muster vault unseal")
      )
    }
    if opened.folder.readIfThere(.vaultKey) != nil {
      findings.append(
        HealthFinding(
          isBlocking: false, code: "vault-key-beside-database",
          detail: "the file slot protects nobody who copies the folder"))
    }
    if plain == nil, opened.record.publishURL.hasPrefix("http://") {
      findings.append(
        HealthFinding(
          isBlocking: false, code: "publish-url-not-served",
          detail: "certificates point to \(opened.record.publishURL): give --listen-plain, or serve it elsewhere"))
    }
    return findings
  }
}
