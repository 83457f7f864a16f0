import Attestation
import CertificateAuthority
import DeviceRegistry
import MusterModel
import Policy

/// The ways in: a board becomes a device, by ticket or by its maker's certificate.
public struct DeviceEnrollment: Sendable {
  let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  /// Enrolls, or answers the same again to the same key. What is refused is recorded where the caller has shown who
  /// they are; else it is the caller's to count.
  public func enroll(_ request: EnrollmentRequest) async throws -> Outcome<Enrolled> {
    let verified: VerifiedRequest
    switch CertificateRequest.verify(request.csr, blocked: instance.authorities.blockedKeys) {
    case .success(let sound): verified = sound
    case .failure(let refusal): return .refused(Refusal(refusal))
    }
    guard instance.authorities.issuer(for: .devices) != nil else { return .refused(.sealed) }
    switch request.evidence {
    case .ticket(let deviceID, let code):
      let evidence = TicketEvidence(deviceID: deviceID, code: try instance.vault.mac(of: code))
      return try await instance.deciding { try await redeem(evidence, request, verified) }
    case .certificate(let chain):
      return try await instance.deciding { try await enroll(chain, request, verified) }
    case .station(let asked):
      return try await instance.deciding(for: asked.caller.reads) { try await provision(asked, request, verified) }
    }
  }

  // MARK: - By ticket

  private func redeem(
    _ evidence: TicketEvidence, _ request: EnrollmentRequest, _ verified: VerifiedRequest
  ) async throws -> Decision<Enrolled> {
    var query = FactsQuery()
    query.ticket = .code(evidence.code)
    query.hardware = request.claimed
    query.publicKey = verified.publicKey
    let facts = try await instance.facts.facts(for: query)
    guard let ticket = facts.ticket else { return .refuse(Refusal(.ticketWrong), nil) }
    let reference = TicketVerifier.Reference(
      ticket: ticket.record, deviceID: ticket.deviceID, hardware: ticket.hardware, code: evidence.code)
    switch TicketVerifier().appraise(evidence, against: reference, claimed: request.claimed) {
    case .failure(let refusal): return .refuse(Refusal(refusal), nil)
    case .success(let result):
      let attempt = EnrollmentAttempt(
        request: request, verified: verified, facts: facts, result: result, deviceID: ticket.deviceID,
        actor: Actor(ticket.record, by: .ticket), at: instance.clock.now())
      if let label = request.label, facts.group?.name.folded != label.folded {
        return try attempt.refuse(Refusal(.groupMismatch))
      }
      return try await decide(attempt, Registry.redeem(ticket, attempt.enrollmentCase(epoch: instance.epoch)))
    }
  }

  // MARK: - By a maker's certificate

  private func enroll(
    _ chain: [[UInt8]], _ request: EnrollmentRequest, _ verified: VerifiedRequest
  ) async throws -> Decision<Enrolled> {
    let anchors = try await instance.facts.trustAnchors(of: request.label).compactMap { anchor in
      (try? TrustAnchor.parse(anchor.der).get()).map { IDevIDVerifier.Anchor(group: anchor.group, anchor: $0) }
    }
    let appraisal = await IDevIDVerifier(anchors: anchors)
      .appraise(chain: chain, claimed: request.claimed, at: instance.clock.now())
    switch appraisal {
    case .failure(let refusal): return .refuse(Refusal(refusal), nil)
    case .success(let result): return try await enroll(result, request, verified)
    }
  }

  private func enroll(
    _ result: AttestationResult, _ request: EnrollmentRequest, _ verified: VerifiedRequest
  ) async throws -> Decision<Enrolled> {
    guard case .idevid(let claims) = result.claims, let proposed = claims.proposedDeviceID else {
      return .refuse(.serialIsNoDeviceID, nil)
    }
    var query = FactsQuery()
    query.group = .record(claims.group)
    query.hardware = result.hardware.map(\.id)
    query.deviceOfHardware = true
    query.deviceID = proposed
    query.publicKey = verified.publicKey
    let facts = try await instance.facts.facts(for: query)
    let attempt = EnrollmentAttempt(
      request: request, verified: verified, facts: facts, result: result,
      deviceID: facts.device?.id ?? proposed, actor: .idevid, at: instance.clock.now())
    return try await decide(attempt, Registry.enroll(attempt.enrollmentCase(epoch: instance.epoch)))
  }

  // MARK: - The rest of the way is one

  func decide(_ attempt: EnrollmentAttempt, _ outcome: EnrollmentOutcome) async throws -> Decision<Enrolled> {
    switch outcome {
    case .refused(let refusal): return try attempt.refuse(Refusal(refusal))
    case .again(let certificate, _): return try again(certificate, attempt)
    case .enroll(let plan):
      if let owner = attempt.facts.publicKeyOwner, owner != plan.device { return try attempt.refuse(.keyTaken) }
      if attempt.facts.publicKeyIsCompromised { return try attempt.refuse(.keyCompromised) }
      let question = attempt.question(plan)
      switch instance.policies.decide(question) {
      case .refused(let reference, let refusal):
        return try attempt.refuse(Refusal(refusal), by: reference, act: question.act)
      case .permit(let permit): return try await issue(permit, plan, attempt)
      }
    }
  }

  /// The same key asks again: the certificate that is on record, to the byte.
  private func again(_ certificate: RecordID, _ attempt: EnrollmentAttempt) throws -> Decision<Enrolled> {
    let known = [attempt.facts.certificate].compactMap(\.self) + attempt.facts.deviceCertificates
    guard let found = known.first(where: { $0.record == certificate }), let device = attempt.facts.device,
      let issuer = instance.authorities.issuer(for: .devices)
    else { return try attempt.refuse(Refusal(.bindingEnded(attempt.deviceID))) }
    if let refusal = found.refusal(at: attempt.at) { return try attempt.refuse(refusal) }
    return .answer(
      Enrolled(
        device: device.record, deviceID: device.id, generation: device.lastGeneration, certificate: found.record,
        chain: [found.der, issuer.certificate],
        serial: found.serial, notAfter: found.notAfter, position: found.position))
  }

  private func issue(
    _ permit: IssuancePermit, _ plan: EnrollmentPlan, _ attempt: EnrollmentAttempt
  ) async throws -> Decision<Enrolled> {
    let issued: IssuedCertificate
    switch try await instance.authorities.issue(permit, to: attempt.verified, from: .devices, at: attempt.at) {
    case .refused(let refusal): return try attempt.refuse(refusal, by: permit.decidedBy)
    case .done(let certificate): issued = certificate
    }
    guard let issuer = instance.authorities.issuer(for: .devices) else { return .refuse(.sealed, nil) }
    let (unit, offset) = try attempt.unit(permit, plan, issued)
    return .commit(unit) { position in
      Enrolled(
        device: plan.device, deviceID: plan.deviceID, generation: plan.generation,
        certificate: issued.facts.certificate,
        chain: [issued.der, issuer.certificate], serial: issued.facts.serial, notAfter: issued.facts.notAfter,
        position: position.first + UInt64(offset))
    }
  }
}

extension Refusal {
  static let keyTaken = Refusal(
    .conflict, "key-taken", "expected a key that no other record holds or held, found one that does")
  static let keyCompromised = Refusal(
    .conflict, "key-compromised", "expected a key that its device alone knows, found one revoked as compromised")
  static let serialIsNoDeviceID = Refusal(
    .invalid, "serial-not-device-id",
    "expected a subject serialNumber that is a device ID (\(DeviceID.rule)), found another")
}
