import Attestation
import CertificateAuthority
import DeviceRegistry
import Ledger
import MusterModel
import Policy

/// One reading of the facts for one renewal, and what can be made of it.
struct RenewalAttempt: Sendable {
  let facts: Facts
  /// The certificate that the device authenticated with.
  let current: CertificateSnapshot
  let device: DeviceSnapshot
  let verified: VerifiedRequest
  let source: String
  let at: Timestamp

  /// What this certificate was renewed to for this key, by the CA that issues now: a lost answer is asked for again.
  func alreadyRenewed(by issuer: Issuer) -> CertificateSnapshot? {
    facts.deviceCertificates.first {
      $0.replaces == current.record && $0.publicKey == verified.publicKey && $0.issuerKeyID == issuer.keyID
        && $0.refusal(at: at) == nil
    }
  }

  var reference: LDevIDVerifier.Reference {
    let status: LDevIDVerifier.Status =
      switch current.status {
      case .good: .good
      case .held: .held
      case .revoked: .revoked
      }
    return LDevIDVerifier.Reference(
      certificate: current.record, device: device.record, deviceID: device.id, der: current.fingerprint,
      notBefore: current.notBefore, notAfter: min(current.notAfter, current.overlapUntil ?? current.notAfter),
      status: status, hardware: facts.boundHardware.map(\.id))
  }

  func question(_ result: AttestationResult, reads: ReadSet) -> EnrollmentQuestion {
    EnrollmentQuestion(
      act: .renew, result: result, standing: .bound(device: device.record),
      group: facts.group.map { .init(record: $0.record, name: $0.name, profile: $0.profile, hub: $0.hub) },
      device: device.record, deviceID: device.id, isWeaker: isWeaker, reads: reads)
  }

  /// Whether the device's key is one that a TPM holds, and this is another.
  private var isWeaker: Bool { facts.attestedKey.map { $0 != verified.publicKey } ?? false }

  func refuse(_ refusal: Refusal, by policy: PolicyReference? = nil) throws -> Decision<Enrolled> {
    let event = try Event(
      at: at, by: Actor(device.record, by: .certificate), on: [.record(device.record)], policy: policy,
      RequestRefused(operation: DeviceRenewal.operation, code: refusal.code),
      details: .init(reason: refusal.reason, source: source, decision: appraised.map { decision($0) }))
    return .refuse(refusal, event)
  }

  /// What the certificate shows, where it is good.
  var appraised: AttestationResult? {
    try? LDevIDVerifier().appraise(chain: [current.der], against: reference, at: at).get()
  }

  func decision(_ result: AttestationResult) -> String {
    DecisionRecord(
      principal: Actor(device.record, by: .certificate), act: .renew, result: result,
      standing: .bound(device: device.record), group: facts.group?.record, isWeaker: isWeaker, request: verified.digest
    ).text()
  }

  func enrolled(_ certificate: CertificateSnapshot, issuer: Issuer) -> Enrolled {
    Enrolled(
      device: device.record, deviceID: device.id, generation: device.lastGeneration,
      certificate: Enrolled.Certificate(certificate, issuer), position: certificate.position)
  }
}
