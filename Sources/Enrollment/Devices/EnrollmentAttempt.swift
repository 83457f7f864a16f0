import Attestation
import CertificateAuthority
import DeviceRegistry
import Foundation
import KeyVault
import Ledger
import MusterModel
import Policy

/// One reading of the facts for one enrollment, and what can be made of it. An object, for it is handed on many times.
final class EnrollmentAttempt: Sendable {
  let request: EnrollmentRequest
  let wish: SoundWish
  let facts: GivenFacts
  let result: AttestationResult
  let deviceID: DeviceID
  let actor: Actor
  let at: Timestamp
  /// What the registry decides from.
  let registryCase: EnrollmentCase
  private let standing: Standing

  init(
    request: EnrollmentRequest, wish: SoundWish, facts: GivenFacts, result: AttestationResult, deviceID: DeviceID,
    actor: Actor, at time: Timestamp, epoch: UInt32
  ) {
    self.request = request
    self.wish = wish
    self.facts = facts
    self.result = result
    self.deviceID = deviceID
    self.actor = actor
    at = time
    registryCase = facts.all.enrollmentCase(
      of: result, as: deviceID, by: wish.requester, wish.credentials, at: time, epoch: epoch)
    standing = registryCase.standing
  }

  func question(_ plan: EnrollmentPlan) -> EnrollmentQuestion {
    facts.all.question(plan, result, standing, wish.credentials)
  }

  private func decision(act: EnrollmentQuestion.Act?) -> String {
    DecisionRecord(
      principal: actor, act: act, result: result, standing: standing,
      group: facts.group?.record, credentials: wish.credentials, isWeaker: facts.all.isWeaker(result),
      request: wish.request?.digest
    ).text()
  }

  /// The refusal with its event: the caller has shown who they are.
  /// `act` where a policy was asked: to explain what it said, what it was asked is needed.
  func refuse(
    _ refusal: Refusal, by policy: PolicyReference? = nil, act: EnrollmentQuestion.Act? = nil
  ) throws -> Decision<Enrolled> {
    // What was only claimed may be another's: its history is none of this.
    let known = registryCase.hardware.filter { $0.assurance != .claimed }
      .compactMap(\.hardware.snapshot?.record)
    let order = facts.order?.record ?? facts.allowingOrder?.record
    let records = [facts.ticket?.record, order, facts.device?.record].compactMap(\.self) + known
    let event = try Event(
      at: at, by: actor, on: records.map(Aggregate.record), policy: policy,
      RequestRefused(operation: "enroll", code: refusal.code),
      details: .init(
        reason: refusal.reason, source: request.source,
        decision: decision(act: act)))
    return .refuse(refusal, event)
  }

  /// The event's line for a station, which proves it to others; nobody else is told it.
  func provable(_ event: Event) -> [UInt8]? { result.evidence == .station ? event.bytes : nil }

  /// One unit of work: the old binding's end and its certificates' revocation, the enrollment, the keys, the certificate.
  /// And which of its events issued the last of them.
  func unit(
    _ permit: IssuancePermit, _ plan: EnrollmentPlan, _ issued: IssuedCertificate?, _ keys: DeviceKeyPair?
  ) throws -> (UnitOfWork, issuedAt: Int) {
    let decision = decision(act: plan.isSwap ? .swap : .new)
    var events = try plan.events(
      certificate: issued?.facts.certificate, evidence: result.evidence.rawValue, source: request.source,
      decision: decision
    ).map { try $0.event(at: at, by: actor, policy: permit.decidedBy) }
    if plan.isSwap {
      events += try facts.deviceCertificates.map { try $0.revoked(.superseded, at: at, by: actor) }
    }
    if let keys {
      let made = keys.made(for: plan.device, deliverUntil: deliverUntil)
      events.append(try Event(at: at, by: actor, on: [.record(plan.device)], policy: permit.decidedBy, made))
    }
    if let issued {
      events.append(
        try Event(
          at: at, by: actor, on: [.record(issued.facts.certificate)], policy: permit.decidedBy,
          withoutDetails: CertificateIssued(issued: issued.facts), attachments: issued.attachments))
    }
    var reads = permit.reads
    for certificate in facts.deviceCertificates where plan.isSwap {
      reads.saw(.record(certificate.record), version: certificate.version)
    }
    if case .station(let asked) = request.evidence { reads = reads.merging(asked.caller.reads) }
    let unit = UnitOfWork(
      reads: reads, claims: plan.claims + [issued?.serialClaim].compactMap(\.self), spends: plan.spends,
      events: events, secrets: keys?.secrets ?? [], forgets: keys == nil ? [] : [plan.device])
    return (unit, events.count - 1)
  }

  /// A ticket's redeemer may ask again in the ticket's time alone.
  private var deliverUntil: Timestamp {
    min(at + DeviceKeyPair.delivery, facts.ticket?.expires ?? at + DeviceKeyPair.delivery)
  }

  /// The same keys leave once more: that is on record before they do, and what allowed it is still so then.
  func delivered(_ keys: DeviceKeyPair, of device: DeviceSnapshot) throws -> UnitOfWork {
    let event = try Event(
      at: at, by: actor, on: [.record(device.record)],
      DeviceKeysDelivered(
        device: device.record, primary: keys.primary.version, secondary: keys.secondary.version))
    var reads = facts.reads
    if case .station(let asked) = request.evidence { reads = reads.merging(asked.caller.reads) }
    return UnitOfWork(reads: reads, events: [event])
  }
}

extension Facts {
  /// What the registry decides from, of a board that `result` shows.
  func enrollmentCase(
    of result: AttestationResult, as deviceID: DeviceID, by requester: Digest, _ credentials: DeviceCredentials,
    at time: Timestamp, epoch: UInt32
  ) -> EnrollmentCase {
    let shown = result.hardware.map { shown in
      EnrollmentCase.Shown(hardware.first { $0.id == shown.id } ?? KnownHardware(shown.id, nil), shown.assurance)
    }
    return EnrollmentCase(
      hardware: shown, patterns: patterns, deviceID: deviceID, device: device, group: group,
      allowingOrder: allowingOrder, publicKey: requester, credentials: credentials, at: time, epoch: epoch)
  }

  /// Which device a board that comes by itself is, or becomes: what an order allows it for stands before what it proposes.
  func deviceID(proposed: DeviceID?) -> DeviceID? {
    device?.id ?? hardware.first?.snapshot?.allowance?.deviceID ?? proposed
  }

  /// What the policy is asked of the registry's plan.
  func question(
    _ plan: EnrollmentPlan, _ result: AttestationResult, _ standing: Standing, _ credentials: DeviceCredentials
  ) -> EnrollmentQuestion {
    EnrollmentQuestion(
      act: plan.isSwap ? .swap : .new, result: result, standing: standing,
      group: group.map { .init(record: $0.record, name: $0.name, profile: $0.profile, hub: $0.hub) },
      device: plan.device, deviceID: plan.deviceID, credentials: credentials, isWeaker: isWeaker(result),
      reads: reads.merging(plan.reads))
  }

  /// Whether an enrollment by it would give a device whose key a TPM holds another that nothing is shown of.
  func isWeaker(_ result: AttestationResult) -> Bool { attestedKey != nil && result.tpm == nil }
}

extension CertificateSnapshot {
  func revoked(
    _ reason: RevocationReason, withDevice: Bool? = nil, at time: Timestamp, by actor: Actor
  ) throws -> Event {
    try Event(
      at: time, by: actor, on: [.record(record)] + (subject.map { [.record($0)] } ?? []),
      CertificateRevoked(
        certificate: record, issuerKeyID: issuerKeyID, serial: serial, reason: reason,
        withDevice: withDevice))
  }

  func released(at time: Timestamp, by actor: Actor) throws -> Event {
    try Event(
      at: time, by: actor, on: [.record(record)] + (subject.map { [.record($0)] } ?? []),
      CertificateReleased(certificate: record, issuerKeyID: issuerKeyID, serial: serial))
  }
}

extension IssuedCertificate {
  var serialClaim: UniqueName {
    .serial(issuer: facts.issuerKeyID, Hex.decode(facts.serial) ?? [])
  }
}
