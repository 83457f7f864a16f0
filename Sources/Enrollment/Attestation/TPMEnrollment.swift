import Attestation
import CertificateAuthority
import DeviceRegistry
import KeyVault
import MusterModel

extension DeviceEnrollment {
  /// A device answers its TPM's challenge; with a ticket beside it, that one authorises, and both must hold. Whatever comes
  /// of it ends the challenge, but what could not be decided now: of many answers at once one is committed, and the others
  /// find none open.
  func enroll(
    _ request: EnrollmentRequest, answering challenge: RecordID, _ answer: TPMAnswer,
    beside ticket: (deviceID: DeviceID, code: TicketCode)? = nil
  ) async throws -> Outcome<Enrolled> {
    guard instance.authorities.issuer(for: .devices) != nil else { return .refused(.sealed) }
    let evidence = try ticket.map {
      TicketEvidence(deviceID: $0.deviceID, code: try instance.vault.mac(of: $0.code))
    }
    for _ in 0..<Instance.attempts {
      let appraised = try await appraise(request, challenge, answer, evidence)
      let outcome: @Sendable (LedgerPosition) -> Outcome<Enrolled>
      let unit: UnitOfWork
      switch try await appraised.decision(by: self) {
      case .answer(let enrolled):
        unit = try appraised.ending(UnitOfWork(events: []), enrolled.device, enrolled.certificate?.record, isNew: false)
        outcome = { _ in .done(enrolled) }
      case .commit(let work, let value):
        let enrolled = work.events.lazy.compactMap { $0.body as? DeviceEnrolled }.first
        unit = try appraised.ending(work, enrolled?.device, enrolled?.certificate, isNew: true)
        outcome = { .done(value($0)) }
      case .refuse(let refusal, let event):
        guard let open = appraised.facts.challenge, refusal.kind != .unavailable else {
          return .refused(try await instance.record(refusal, event))
        }
        let (weighed, recorded) = instance.refusals.weigh(refusal, event)
        unit = try appraised.failing(open, refusal, recorded)
        outcome = { _ in .refused(weighed.recorded) }
      }
      if case .committed(let position) = try await instance.store.commit(unit) { return outcome(position) }
    }
    return .refused(.contended)
  }

  private func appraise(
    _ request: EnrollmentRequest, _ challenge: RecordID, _ answer: TPMAnswer, _ ticket: TicketEvidence?
  ) async throws -> AppraisedAnswer {
    let wish = verify(request)
    let shown = answer.evidence.appraise()
    var query = FactsQuery()
    query.challenge = challenge
    query.tpmMakers = true
    if let ticket {
      query.ticket = .code(ticket.code)
    } else {
      query.group = request.label.map { .name($0) }
    }
    if let shown = try? shown.get() {
      query.hardware = [shown.hardware] + request.claimed
      query.publicKey = shown.deviceKey
      if ticket == nil {
        query.deviceOfHardware = true
        query.deviceID = shown.proposedDeviceID
      }
    }
    let facts = try await instance.facts.facts(for: query)
    let now = instance.clock.now()
    // Nobody learns by a request that is no good whether a challenge is open.
    guard let open = facts.challenge, now < open.expires else {
      return AppraisedAnswer(request, answer, ticket, facts, .failure(Refusal(.challengeOver)), now)
    }
    let verified: VerifiedRequest
    switch wish {
    case .refused(let refusal): return AppraisedAnswer(request, answer, ticket, facts, .failure(refusal), now)
    case .done(let sound):
      guard case .certificate(let found) = sound else {
        return AppraisedAnswer(request, answer, ticket, facts, .failure(.certificateExpected), now)
      }
      verified = found
    }
    guard case .success(let keys) = shown else {
      return AppraisedAnswer(request, answer, ticket, facts, .failure(Refusal(.otherEvidence)), now)
    }
    let verifier = TPMVerifier(
      trust: try await instance.trust(of: keys.hardware, facts), weak: instance.authorities.weakFirmware)
    let result = verifier.appraise(
      answer, requestKey: verified.key.der, against: open, claimed: request.claimed, at: now)
    return AppraisedAnswer(
      request, answer, ticket, facts, result.map { (verified, $0) }.mapError { Refusal($0) }, now)
  }
}

/// An answer with what was found of it.
private struct AppraisedAnswer {
  let request: EnrollmentRequest
  let answer: TPMAnswer
  /// What authorises in the TPM's place.
  let ticket: TicketEvidence?
  let facts: Facts
  let found: Result<(VerifiedRequest, AttestationResult), Refusal>
  let at: Timestamp

  init(
    _ request: EnrollmentRequest, _ answer: TPMAnswer, _ ticket: TicketEvidence?, _ facts: Facts,
    _ found: Result<(VerifiedRequest, AttestationResult), Refusal>, _ time: Timestamp
  ) {
    self.request = request
    self.answer = answer
    self.ticket = ticket
    self.facts = facts
    self.found = found
    at = time
  }

  private var claims: TPMClaims? {
    guard case .success(let found) = found, case .tpm(let claims) = found.1.claims else { return nil }
    return claims
  }

  func decision(by enrollment: DeviceEnrollment) async throws -> Decision<Enrolled> {
    switch found {
    case .failure(let refusal): return .refuse(refusal, nil)
    case .success(let (verified, result)):
      if let ticket {
        return try await enrollment.signed(
          enrollment.redeem(ticket, request, .certificate(verified), GivenFacts(facts), beside: claims))
      }
      guard let proposed = claims?.proposedDeviceID else { return .refuse(.serialIsNoDeviceID, nil) }
      let attempt = EnrollmentAttempt(
        request: request, wish: .certificate(verified), facts: GivenFacts(facts), result: result,
        deviceID: facts.device?.id ?? proposed, actor: .tpm, at: at, epoch: enrollment.instance.epoch)
      return try await enrollment.signed(enrollment.decide(attempt, Registry.enroll(attempt.registryCase)))
    }
  }

  /// The unit with what ends the challenge: the device's key was attested.
  func ending(
    _ unit: UnitOfWork, _ device: RecordID?, _ certificate: RecordID?, isNew: Bool
  ) throws -> UnitOfWork {
    var unit = unit
    unit.reads = unit.reads.merging(facts.reads)
    guard let challenge = facts.challenge, let claims, let device, let certificate else { return unit }
    unit.events.append(
      try Event(
        at: at, by: .tpm, on: [.record(challenge.record), .record(device), .record(certificate)],
        KeyAttested(
          attestation: challenge.record, device: device, certificate: certificate, claims: claims, answer: answer),
        details: KeyAttested.Details(claims), attachments: answer.attachments(claims.endorsement, withLog: isNew)))
    return unit
  }

  /// What ends the challenge without a device, and the refusal's own event where it has one.
  func failing(_ challenge: OpenChallenge, _ refusal: Refusal, _ recorded: Event?) throws -> UnitOfWork {
    let failed = try Event(
      at: at, by: .tpm, on: [.record(challenge.record)],
      AttestationFailed(attestation: challenge.record, code: refusal.code),
      details: .init(reason: refusal.reason, source: request.source))
    let version = facts.reads.versions[.record(challenge.record)] ?? 0
    return UnitOfWork(
      reads: ReadSet([.record(challenge.record): version]), events: [failed] + [recorded].compactMap(\.self))
  }
}

extension Refusal {
  /// Of which an event says that it was.
  fileprivate var recorded: Refusal {
    var refusal = self
    refusal.isRecorded = true
    return refusal
  }

  static let certificateExpected = Refusal(
    .invalid, "credentials-malformed", "expected a certification request for an attested key, found another wish")
}
