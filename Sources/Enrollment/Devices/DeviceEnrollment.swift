import Attestation
import CertificateAuthority
import DeviceRegistry
import KeyVault
import MusterModel
import Policy

/// The ways in: a board becomes a device, by ticket, by its maker's certificate, at a station, or by a key of its group.
public struct DeviceEnrollment: Sendable {
  let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  /// Enrolls, or answers the same again to the same key. What is refused is recorded where the caller has shown who
  /// they are; else it is the caller's to count.
  public func enroll(_ request: EnrollmentRequest) async throws -> Outcome<Enrolled> {
    switch request.evidence {
    case .ticket(let deviceID, let code):
      return try await enroll(request, by: .ticket(deviceID, code))
    case .station(let asked): return try await enroll(request, by: .station(asked))
    case .groupKey(let token): return try await enroll(request, by: .groupKey(token))
    case .certificate(let chain): return try await enroll(request, chain)
    case .tpm(let challenge, let answer, let ticket):
      return try await enroll(request, answering: challenge, answer, beside: ticket)
    }
  }

  func verify(_ request: EnrollmentRequest) -> Outcome<SoundWish> {
    let wish: SoundWish
    switch request.wish {
    case .keys(let claim): wish = .keys(claim)
    case .certificate(let csr), .both(let csr):
      switch CertificateRequest.verify(csr, blocked: instance.authorities.blockedKeys) {
      case .failure(let refusal): return .refused(Refusal(refusal))
      case .success(let verified):
        if case .both = request.wish { wish = .both(verified) } else { wish = .certificate(verified) }
      }
    }
    return instance.authorities.issuer(for: .devices) == nil ? .refused(.sealed) : .done(wish)
  }

  // MARK: - By a ticket, at a station, or by a key of the group

  var signsAtOnce: Bool { instance.authorities.issuer(for: .devices)?.promptSigner != nil }

  /// In a group, on a preparer's thread, where the issuer signs at once; else in the caller's task.
  private func enroll(_ request: EnrollmentRequest, by evidence: KnownEvidence) async throws -> Outcome<Enrolled> {
    if signsAtOnce {
      return try await instance.enrollments.enroll(KnownRequest(request: request, evidence: evidence), by: self)
    }
    switch try sound(KnownRequest(request: request, evidence: evidence)) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let sound):
      return try await instance.deciding(for: evidence.caller) {
        try await signed(decide(sound, GivenFacts(try await instance.facts.facts(for: sound.query))))
      }
    }
  }

  /// What each of many requests comes to: on the caller's thread, from one snapshot. Those whose issuer does not sign at
  /// once fail.
  ///
  /// Each step is taken by all of them before the next: the code of the whole way is a dozen times what a processor's first
  /// cache holds, and to fetch it anew for each request cost more than a quarter of what is not cryptography.
  func prepare(
    _ requests: [KnownRequest], _ source: any FactsSource
  ) -> [Result<Decision<Enrolled>, any Error>] {
    let sound = requests.map { request in Result { try self.sound(request) } }
    let facts = source.facts(for: sound.map { (try? $0.get().get().query) ?? FactsQuery() })
    let steps = zip(sound, facts).map { sound, facts in
      Result {
        switch try sound.get() {
        case .refused(let refusal): Step.decided(.refuse(refusal, nil))
        case .done(let sound): try decide(sound, facts.get())
        }
      }
    }
    let signed = steps.map { step in Result { try step.get().permitted?.unsigned?.signedAtOnce() } }
    let issued = signed.map { signed in Result { try signed.get()?.checked() } }
    return zip(steps, issued).map { step, issued in Result { try step.get().decision(issued.get()) } }
  }

  private func sound(_ request: KnownRequest) throws -> Outcome<SoundRequest> {
    switch verify(request.request) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let wish):
      let shown: SoundRequest.Shown
      switch request.evidence {
      case .ticket(let deviceID, let code):
        shown = .ticket(TicketEvidence(deviceID: deviceID, code: try instance.vault.mac(of: code)))
      case .station(let asked): shown = .station(asked)
      case .groupKey(let token):
        guard let deviceID = DeviceID(token.registration.value) else { return .refused(.registrationIsNoDeviceID) }
        shown = .groupKey(token, deviceID)
      }
      return .done(SoundRequest(request: request.request, wish: wish, shown: shown))
    }
  }

  private func decide(_ sound: SoundRequest, _ facts: GivenFacts) throws -> Step {
    switch sound.shown {
    case .ticket(let evidence): try redeem(evidence, sound.request, sound.wish, facts)
    case .station(let asked): try provision(asked, sound.request, sound.wish, facts)
    case .groupKey(let token, let deviceID): try register(token, deviceID, sound.request, sound.wish, facts)
    }
  }

  /// `tpm` is what a TPM proved of the request's key beside the ticket.
  func redeem(
    _ evidence: TicketEvidence, _ request: EnrollmentRequest, _ wish: SoundWish, _ facts: GivenFacts,
    beside tpm: TPMClaims? = nil
  ) throws -> Step {
    guard let ticket = facts.ticket else { return .decided(.refuse(Refusal(.ticketWrong), nil)) }
    let reference = TicketVerifier.Reference(
      ticket: ticket.record, deviceID: ticket.deviceID, hardware: ticket.hardware, code: evidence.code)
    switch TicketVerifier().appraise(evidence, against: reference, claimed: request.claimed, beside: tpm) {
    case .failure(let refusal): return .decided(.refuse(Refusal(refusal), nil))
    case .success(let result):
      let attempt = EnrollmentAttempt(
        request: request, wish: wish, facts: facts, result: result, deviceID: ticket.deviceID,
        actor: Actor(ticket.record, by: .ticket), at: instance.clock.now(), epoch: instance.epoch)
      if let label = request.label, facts.group?.name.folded != label.folded {
        return .decided(try attempt.refuse(Refusal(.groupMismatch)))
      }
      return try decide(attempt, Registry.redeem(ticket, attempt.registryCase))
    }
  }

  // MARK: - By a maker's certificate

  private func enroll(_ request: EnrollmentRequest, _ chain: [[UInt8]]) async throws -> Outcome<Enrolled> {
    switch verify(request) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let wish): return try await instance.deciding { try await enroll(chain, request, wish) }
    }
  }

  private func enroll(
    _ chain: [[UInt8]], _ request: EnrollmentRequest, _ wish: SoundWish
  ) async throws -> Decision<Enrolled> {
    let anchors = try await instance.facts.trustAnchors(of: request.label).compactMap { anchor in
      (try? TrustAnchor.parse(anchor.der).get()).map { IDevIDVerifier.Anchor(group: anchor.group, anchor: $0) }
    }
    let appraisal = await IDevIDVerifier(anchors: anchors)
      .appraise(chain: chain, claimed: request.claimed, at: instance.clock.now())
    switch appraisal {
    case .failure(let refusal): return .refuse(Refusal(refusal), nil)
    case .success(let result): return try await signed(enroll(result, request, wish))
    }
  }

  private func enroll(
    _ result: AttestationResult, _ request: EnrollmentRequest, _ wish: SoundWish
  ) async throws -> Step {
    guard case .idevid(let claims) = result.claims else { return .decided(.refuse(.nobody, nil)) }
    var query = FactsQuery()
    query.group = .record(claims.group)
    query.hardware = result.hardware.map(\.id)
    query.deviceOfHardware = true
    query.deviceID = claims.proposedDeviceID
    query.publicKey = wish.request?.publicKey
    query.deviceKeys = wish.credentials.hasKeys
    let facts = try await instance.facts.facts(for: query)
    guard let deviceID = facts.deviceID(proposed: claims.proposedDeviceID) else {
      return .decided(.refuse(.serialIsNoDeviceID, nil))
    }
    let attempt = EnrollmentAttempt(
      request: request, wish: wish, facts: GivenFacts(facts), result: result, deviceID: deviceID, actor: .idevid,
      at: instance.clock.now(), epoch: instance.epoch)
    return try decide(attempt, Registry.enroll(attempt.registryCase))
  }

  // MARK: - The rest of the way is one

  func decide(_ attempt: EnrollmentAttempt, _ outcome: EnrollmentOutcome) throws -> Step {
    switch outcome {
    case .refused(let refusal): return .decided(try attempt.refuse(Refusal(refusal)))
    case .again(let certificate, _): return .decided(try again(certificate, attempt))
    case .enroll(let plan):
      if let owner = attempt.facts.publicKeyOwner, owner != plan.device {
        return .decided(try attempt.refuse(.keyTaken))
      }
      if attempt.facts.publicKeyIsCompromised { return .decided(try attempt.refuse(.keyCompromised)) }
      let question = attempt.question(plan)
      switch instance.policies.decide(question) {
      case .refused(let reference, let refusal):
        return .decided(try attempt.refuse(Refusal(refusal), by: reference, act: question.act))
      case .permit(let permit): return try prepare(permit, plan, attempt)
      }
    }
  }

  /// The same key, or the same claim, asks again: the certificate that is on record, to the byte, and the keys, as long
  /// as they may be handed over.
  private func again(_ certificate: RecordID?, _ attempt: EnrollmentAttempt) throws -> Decision<Enrolled> {
    guard let device = attempt.facts.device else {
      return try attempt.refuse(Refusal(.bindingEnded(attempt.deviceID)))
    }
    let shown: (certificate: Enrolled.Certificate, position: UInt64)?
    if let certificate {
      let known = [attempt.facts.certificate].compactMap(\.self) + attempt.facts.deviceCertificates
      guard let found = known.first(where: { $0.record == certificate }) else {
        return try attempt.refuse(Refusal(.bindingEnded(attempt.deviceID)))
      }
      if let refusal = found.refusal(at: attempt.at) { return try attempt.refuse(refusal) }
      guard let issuer = instance.authorities.issuer(keyID: found.issuerKeyID) else { return .refuse(.sealed, nil) }
      shown = (Enrolled.Certificate(found, issuer), found.position)
    } else {
      shown = nil
    }
    let enrolled = { @Sendable (keys: IssuedKeys?, position: UInt64, event: [UInt8]?) in
      Enrolled(
        device: device.record, deviceID: device.id, generation: device.lastGeneration,
        certificate: shown?.certificate, keys: keys, position: shown?.position ?? position,
        event: shown == nil ? event : attempt.facts.bindingEvent)
    }
    guard attempt.wish.credentials.hasKeys else { return .answer(enrolled(nil, 0, nil)) }
    guard let held = attempt.facts.deviceKeys, held.generation == device.binding?.generation,
      let until = held.deliverUntil, attempt.at < until, let secondary = held.secondary
    else { return try attempt.refuse(.keysNotDelivered) }
    let pair = try instance.vault.openDeviceKeys(
      generation: held.generation, primary: held.primary, secondary: secondary)
    let delivered = try attempt.delivered(pair, of: device)
    let line = delivered.events.first.flatMap(attempt.provable)
    return .commit(delivered) { enrolled(IssuedKeys(device: device.id, pair), $0.first, line) }
  }

  private func prepare(
    _ permit: IssuancePermit, _ plan: EnrollmentPlan, _ attempt: EnrollmentAttempt
  ) throws -> Step {
    let keys =
      try attempt.wish.credentials.hasKeys
      ? instance.vault.makeDeviceKeys(
        of: plan.device, generation: plan.generation, after: attempt.facts.deviceKeys?.lastVersion ?? 0) : nil
    guard let request = attempt.wish.request else {
      return .permitted(PermittedEnrollment(permit: permit, plan: plan, attempt: attempt, keys: keys, unsigned: nil))
    }
    switch try instance.authorities.unsigned(permit, to: request, from: .devices, at: attempt.at) {
    case .refused(let refusal): return .decided(try attempt.refuse(refusal, by: permit.decidedBy))
    case .done(let unsigned):
      return .permitted(
        PermittedEnrollment(permit: permit, plan: plan, attempt: attempt, keys: keys, unsigned: unsigned))
    }
  }

  func signed(_ step: Step) async throws -> Decision<Enrolled> {
    try step.decision(try await step.permitted?.unsigned?.signed())
  }
}

/// How far a decision comes without a signature, which may have to be waited for.
enum Step {
  case decided(Decision<Enrolled>)
  case permitted(PermittedEnrollment)

  /// nil once it is decided.
  var permitted: PermittedEnrollment? {
    switch self {
    case .decided: nil
    case .permitted(let permitted): permitted
    }
  }

  /// `issued` is the certificate of what was permitted, where it has one.
  func decision(_ issued: IssuedCertificate?) throws -> Decision<Enrolled> {
    switch self {
    case .decided(let decision): decision
    case .permitted(let permitted): try permitted.decision(issued)
    }
  }
}

/// An enrollment that lacks its certificate's signature, where it has a certificate. An object, for it is handed on many
/// times.
final class PermittedEnrollment: Sendable {
  let permit: IssuancePermit
  let plan: EnrollmentPlan
  let attempt: EnrollmentAttempt
  let keys: DeviceKeyPair?
  /// nil where the device has symmetric keys alone.
  let unsigned: UnsignedCertificate?

  init(
    permit: IssuancePermit, plan: EnrollmentPlan, attempt: EnrollmentAttempt, keys: DeviceKeyPair?,
    unsigned: UnsignedCertificate?
  ) {
    self.permit = permit
    self.plan = plan
    self.attempt = attempt
    self.keys = keys
    self.unsigned = unsigned
  }

  func decision(_ issued: IssuedCertificate?) throws -> Decision<Enrolled> {
    let plan = plan
    let issuedKeys = keys.map { IssuedKeys(device: plan.deviceID, $0) }
    let certificate = unsigned.flatMap { unsigned in issued.map { Enrolled.Certificate($0, unsigned.issuer) } }
    let (unit, offset) = try attempt.unit(permit, plan, issued, keys)
    let line = attempt.provable(unit.events[offset])
    return .commit(unit) { position in
      Enrolled(
        device: plan.device, deviceID: plan.deviceID, generation: plan.generation, certificate: certificate,
        keys: issuedKeys, position: position.first + UInt64(offset), event: line)
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
  static let keysNotDelivered = Refusal(
    .conflict, "keys-not-delivered",
    "expected keys that may still be handed over, found them confirmed, in use, over their time or never asked for")
  static let registrationIsNoDeviceID = Refusal(
    .invalid, "registration-not-device-id",
    "expected a registration ID that is a device ID (\(DeviceID.rule)), found another")
}
