import CertificateAuthority
import Crypto
import Enrollment
import KeyVault
import MusterModel
import Policy

/// The service's own certificates: for TLS, and for the OCSP responders of its issuing CAs.
struct OwnCertificates: Sendable {
  let authorities: Authorities
  let policies: Policies
  let vault: Vault
  let clock: any WallClock

  struct Server: Sendable {
    let certificate: IssuedCertificate
    let key: P256.Signing.PrivateKey

    /// Chain and key as `service/tls.pem` holds them.
    func credential(issuer: [UInt8]) -> [UInt8] {
      Array((PEM.certificate(certificate.der) + PEM.certificate(issuer) + PEM.privateKey(key)).utf8)
    }
  }

  struct Responder: Sendable {
    let certificate: IssuedCertificate
    let secret: SealedSecret
  }

  func server(hostnames: [String], by authority: OwnAuthority) async throws -> Server {
    let key = P256.Signing.PrivateKey()
    let permit = policies.permitServer(hostnames: hostnames, by: authority)
    return Server(
      certificate: try await issue(permit, key.publicKey.derRepresentation, from: authorities.issuer(for: .service)),
      key: key)
  }

  /// The responder's key is sealed under its certificate's record.
  func responder(of issuer: Issuer, by authority: OwnAuthority) async throws -> Responder {
    let (scalar, signer) = try SoftwareSigner.generate(.p256)
    let permit = policies.permitOCSPResponder(by: authority)
    let certificate = try await issue(permit, signer.publicKey.der, from: issuer)
    let secret = try vault.seal(
      scalar, owner: certificate.facts.certificate, purpose: VaultSecret.responderKey, version: 1)
    return Responder(certificate: certificate, secret: secret)
  }

  func event(of certificate: IssuedCertificate, at time: Timestamp, by actor: Actor) throws -> Event {
    try Event(
      at: time, by: actor, on: [.record(certificate.facts.certificate)], CertificateIssued(issued: certificate.facts),
      details: .init(source: nil, decision: nil), attachments: certificate.attachments)
  }

  private func issue(
    _ permit: IssuancePermit, _ spki: some Collection<UInt8>, from issuer: Issuer?
  ) async throws -> IssuedCertificate {
    let key = try SubjectPublicKey.check(Array(spki), blocked: .none).get()
    switch try await authorities.issue(permit, for: key, from: issuer, at: clock.now()) {
    case .done(let certificate): return certificate
    case .refused(let refusal): throw CommandFailure(refusal.reason)
    }
  }
}
