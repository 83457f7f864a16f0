import CertificateAuthority
import Enrollment
import Foundation
import HTTPService
import Logging
import MusterModel
import ServiceLifecycle
import X509

/// Keeps the service's own certificates fresh: its TLS certificate and its OCSP responders', from two thirds of their
/// life on, and once another CA took over, without a restart. While the vault is sealed it waits.
struct CertificateUpkeep: Service {
  let opened: OpenInstance
  let credential: CurrentCredential
  let logger: Logger

  /// Between two rounds.
  var interval = Duration.seconds(600)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          try await renewWhatIsDue()
        } catch {
          logger.error("renewing the service's own certificates failed", metadata: ["why": "\(error)"])
        }
        try? await Task.sleep(for: interval)
      }
    }
  }

  /// One round.
  func renewWhatIsDue() async throws {
    guard !opened.instance.vault.isSealed else { return }
    try await renewServer()
    try await renewResponders()
  }

  private var own: OwnCertificates {
    OwnCertificates(
      authorities: opened.instance.authorities, policies: opened.rules.policies, vault: opened.instance.vault,
      clock: opened.instance.clock)
  }

  private func renewServer() async throws {
    guard let hostnames = opened.record.hostnames, let issuer = opened.instance.authorities.issuer(for: .service) else {
      return
    }
    let leaf = try ServerIdentity.read(opened.folder).leaf
    // One that was recorded and not written, for the service ended between, is made again.
    let profile = opened.rules.policies.permitServer(hostnames: hostnames, by: .service).profile
    let current = try await opened.readers.ownCertificate(profile: profile, issuerKeyID: issuer.keyID)
    guard try current?.der != leaf || isDue(leaf) else { return }
    let server = try await own.server(hostnames: hostnames, by: .service)
    try await commit(try own.event(of: server.certificate, at: opened.instance.clock.now(), by: .service))
    try opened.folder.write(.serverCredential, server.credential(issuer: issuer.certificate), isSecret: true)
    credential.replace(with: try ServerIdentity.read(opened.folder).credential)
    logger.info("renewed the service's TLS certificate")
  }

  private func renewResponders() async throws {
    let profile = opened.rules.policies.permitOCSPResponder(by: .service).profile
    var isChanged = false
    for issuer in opened.instance.authorities.issuers {
      let current = try await opened.readers.ownCertificate(profile: profile, issuerKeyID: issuer.keyID)
      if let current, try !isDue(current.der) { continue }
      let responder = try await own.responder(of: issuer, by: .service)
      try await commit(
        try own.event(of: responder.certificate, at: opened.instance.clock.now(), by: .service),
        secrets: [responder.secret])
      isChanged = true
    }
    if isChanged {
      try await opened.vault.load()
      logger.info("renewed the OCSP responders' certificates")
    }
  }

  private func isDue(_ der: [UInt8]) throws -> Bool {
    let certificate = try Certificate(derEncoded: der)
    let life = certificate.notValidAfter.timeIntervalSince(certificate.notValidBefore)
    let due = certificate.notValidBefore.timeIntervalSince1970 + life * 2 / 3
    return Double(opened.instance.clock.now().seconds) >= due
  }

  private func commit(_ event: Event, secrets: [SealedSecret] = []) async throws {
    guard case .committed = try await opened.store.commit(UnitOfWork(events: [event], secrets: secrets)) else {
      throw CommandFailure("expected to record a certificate of the service's own, found the store refusing it")
    }
  }
}

/// `service/tls.pem`: the certificate, its issuer's, the key.
struct ServerIdentity {
  let credential: ServerCredential
  /// DER.
  let leaf: [UInt8]

  static func read(_ folder: InstanceFolder) throws -> ServerIdentity {
    let secret = try folder.readSecret(.serverCredential)
    let pem = secret.withUnsafeBytes { Array($0) }
    return ServerIdentity(
      credential: try ServerCredential(chainPEM: pem, keyPEM: secret), leaf: try PEM.firstCertificate(pem))
  }
}
