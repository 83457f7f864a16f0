import CertificateAuthority
import DeviceRegistry
import Foundation
import MusterModel
import Policy

// Operators, stations and hubs renew their own certificates, as devices do: by the old one, for the same key or a new one.

extension Administration {
  /// The same certificate with the same new key gets the identical answer. The old one stays valid for the profile's
  /// overlap, and never longer than it was.
  public func renew(csr: [UInt8], by caller: Caller) async throws -> Outcome<PeerAdded> {
    guard let (record, certificate) = caller.principal.peer else { return .refused(.noPeer) }
    let verified: VerifiedRequest
    switch CertificateRequest.verify(csr, blocked: instance.authorities.blockedKeys) {
    case .success(let sound): verified = sound
    case .failure(let refusal): return .refused(Refusal(refusal))
    }
    var query = FactsQuery()
    query.certificate = .named(.record(certificate))
    query.certificatesOfPeer = true
    query.publicKey = verified.publicKey
    if case .hub(_, let name, _, _) = caller.principal { query.hubName = name }
    return try await change(.identityRenew, by: caller, asking: query, group: { _ in nil }) {
      facts, grant, actor, now in
      guard let current = facts.certificate, current.subject == record else {
        return .refused(Refusal(.certificateUnknown))
      }
      if let refusal = current.refusal(at: now) { return .refused(refusal) }
      if let owner = facts.publicKeyOwner, owner != record { return .refused(.keyTaken) }
      if facts.publicKeyIsCompromised { return .refused(.keyCompromised) }
      guard let issuer = instance.authorities.issuer(for: .service) else { return .refused(.sealed) }
      if let again = facts.deviceCertificates.first(where: { current.isRenewed(by: $0, for: verified) }) {
        return .unchanged(
          PeerAdded(record: record, certificate: again.record, chain: [again.der, issuer.certificate]))
      }
      guard facts.deviceCertificates.count < DeviceRenewal.liveLimit else { return .refused(.tooManyCertificates) }
      switch instance.policies.permitRenewal(of: caller.principal, host: facts.hub?.host, by: grant, reads: facts.reads)
      {
      case .failure(let refusal): return .refused(Refusal(.forbidden, refusal.code, refusal.description))
      case .success(let permit):
        let decision = DecisionRecord(
          principal: caller.principal, operation: .identityRenew, group: nil, request: verified.digest)
        return try await renewed(current, record, permit, verified, decision, actor, now)
      }
    }
  }

  private func renewed(
    _ current: CertificateSnapshot, _ record: RecordID, _ permit: IssuancePermit, _ verified: VerifiedRequest,
    _ decision: DecisionRecord, _ actor: Actor, _ now: Timestamp
  ) async throws -> Change<PeerAdded> {
    guard let issuer = instance.authorities.issuer(for: .service) else { return .refused(.sealed) }
    let issued: IssuedCertificate
    switch try await instance.authorities.issue(permit, to: verified, from: .service, at: now) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let certificate): issued = certificate
    }
    let overlap = instance.authorities.profiles[permit.profile]?.overlap ?? .zero
    let event = try Event(
      at: now, by: actor, on: [.record(issued.facts.certificate), .record(current.record)], policy: permit.decidedBy,
      CertificateIssued(
        issued: issued.facts, replaces: current.record,
        overlapUntil: min(now + overlap, current.overlapUntil ?? current.notAfter)),
      details: .init(source: nil, decision: decision.text()), attachments: issued.attachments)
    let unit = UnitOfWork(
      reads: permit.reads, claims: [issued.serialClaim, .publicKey(verified.publicKey, of: record)], events: [event])
    return .commit(
      unit,
      PeerAdded(record: record, certificate: issued.facts.certificate, chain: [issued.der, issuer.certificate]))
  }
}

extension CertificateSnapshot {
  fileprivate func isRenewed(by other: CertificateSnapshot, for request: VerifiedRequest) -> Bool {
    other.replaces == record && other.publicKey == request.publicKey
  }
}

extension Principal {
  /// An operator's or hub's record and certificate.
  fileprivate var peer: (record: RecordID, certificate: RecordID)? {
    switch self {
    case .operator(let record, _, _, _, let certificate), .hub(let record, _, _, let certificate):
      (record, certificate)
    case .device, .anonymous, .folder, .service: nil
    }
  }
}

extension Refusal {
  static let noPeer = Refusal(
    .forbidden, "not-allowed", "expected an operator or a hub, by its certificate, found another caller")
}
