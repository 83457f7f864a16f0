import Attestation
import CertificateAuthority
import DeviceRegistry
import Foundation
import Ledger
import MusterModel
import Policy

/// A device renews with its current certificate: the same identity, for the same key or a new one.
public struct DeviceRenewal: Sendable {
  /// As refusals name it.
  public static let operation = "renew"

  let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  /// `leaf` is the certificate with which the device authenticated TLS, DER. The same certificate with the same new key
  /// gets the identical answer.
  public func renew(leaf: [UInt8], csr: [UInt8], source: String) async throws -> Outcome<Enrolled> {
    let verified: VerifiedRequest
    switch CertificateRequest.verify(csr, blocked: instance.authorities.blockedKeys) {
    case .success(let sound): verified = sound
    case .failure(let refusal): return .refused(Refusal(refusal))
    }
    guard instance.authorities.issuer(for: .devices) != nil else { return .refused(.sealed) }
    // That a device in a rollover shows this certificate is on record first; why it is no good is said below.
    if case .refused(let refusal) = try await Authentication(instance).identify(leaf: leaf), refusal == .contended {
      return .refused(refusal)
    }
    return try await instance.deciding { try await decide(leaf, verified, source) }
  }

  /// The most certificates in force of one device: each is read, and is put on hold or revoked in one unit of work, when
  /// the device is disabled, swapped or retired. A device that renews in a loop must not make that impossible.
  static let liveLimit = 64

  private func decide(
    _ leaf: [UInt8], _ verified: VerifiedRequest, _ source: String
  ) async throws -> Decision<Enrolled> {
    var query = FactsQuery()
    query.certificate = .named(.fingerprint(.sha256(leaf)))
    query.publicKey = verified.publicKey
    let facts = try await instance.facts.facts(for: query)
    guard let current = facts.certificate, let device = facts.device, current.subject == device.record else {
      return .refuse(Refusal(.certificateUnknown), nil)
    }
    let attempt = RenewalAttempt(
      facts: facts, current: current, device: device, verified: verified, source: source, at: instance.clock.now())
    if let refusal = current.refusal(at: attempt.at) { return try attempt.refuse(refusal) }
    if let refusal = verified.refusalAsRenewal(of: leaf) { return try attempt.refuse(Refusal(refusal)) }
    if let owner = facts.publicKeyOwner, owner != device.record { return try attempt.refuse(.keyTaken) }
    if facts.publicKeyIsCompromised { return try attempt.refuse(.keyCompromised) }
    switch Registry.renew(device, hardware: facts.boundHardware, patterns: facts.patterns) {
    case .failure(let refusal): return try attempt.refuse(Refusal(refusal))
    case .success(let reads): return try await issue(attempt, reads: facts.reads.merging(reads))
    }
  }

  private func issue(_ attempt: RenewalAttempt, reads: ReadSet) async throws -> Decision<Enrolled> {
    if let issuer = instance.authorities.issuer(for: .devices), let again = attempt.alreadyRenewed(by: issuer) {
      return .answer(attempt.enrolled(again, issuer: issuer))
    }
    guard attempt.facts.deviceCertificates.count < DeviceRenewal.liveLimit else {
      return try attempt.refuse(.tooManyCertificates)
    }
    let result: AttestationResult
    switch LDevIDVerifier().appraise(chain: [attempt.current.der], against: attempt.reference, at: attempt.at) {
    case .failure(let refusal): return try attempt.refuse(Refusal(refusal))
    case .success(let found): result = found
    }
    switch instance.policies.decide(attempt.question(result, reads: reads)) {
    case .refused(let reference, let refusal): return try attempt.refuse(Refusal(refusal), by: reference)
    case .permit(let permit):
      switch try await instance.authorities.issue(permit, to: attempt.verified, from: .devices, at: attempt.at) {
      case .refused(let refusal): return try attempt.refuse(refusal, by: permit.decidedBy)
      case .done(let issued): return try commit(issued, permit, result, attempt)
      }
    }
  }

  private func commit(
    _ issued: IssuedCertificate, _ permit: IssuancePermit, _ result: AttestationResult, _ attempt: RenewalAttempt
  ) throws -> Decision<Enrolled> {
    guard let issuer = instance.authorities.issuer(for: .devices) else { return .refuse(.sealed, nil) }
    let overlap = instance.authorities.profiles[permit.profile]?.overlap ?? .zero
    let device = attempt.device
    let event = try Event(
      at: attempt.at, by: Actor(device.record, by: .certificate),
      on: [.record(device.record), .record(issued.facts.certificate), .record(attempt.current.record)],
      policy: permit.decidedBy,
      CertificateIssued(
        issued: issued.facts, replaces: attempt.current.record,
        overlapUntil: min(attempt.at + overlap, attempt.current.overlapUntil ?? attempt.current.notAfter)),
      details: .init(source: attempt.source, decision: attempt.decision(result)),
      attachments: issued.attachments)
    var reads = permit.reads
    reads.saw(.record(attempt.current.record), version: attempt.current.version)
    let unit = UnitOfWork(
      reads: reads, claims: [.publicKey(attempt.verified.publicKey, of: device.record), issued.serialClaim],
      events: [event])
    return .commit(unit) { position in
      Enrolled(
        device: device.record, deviceID: device.id, generation: device.lastGeneration,
        certificate: Enrolled.Certificate(issued, issuer), position: position.first)
    }
  }
}

extension Refusal {
  static let tooManyCertificates = Refusal(
    .conflict, "too-many-certificates",
    "expected fewer than \(DeviceRenewal.liveLimit) certificates of the device in force, found as many")
}
