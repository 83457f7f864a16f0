import Attestation
import CertificateAuthority
import DeviceRegistry
public import MusterModel
import Policy

/// What a station asks for one board: by which order, in which run, as which device.
public final class StationRequest: Sendable {
  public let caller: Caller
  public let order: RecordName
  public let batch: RecordID
  public let hardware: HardwareID
  public let deviceID: DeviceID

  public init(caller: Caller, order: RecordName, batch: RecordID, hardware: HardwareID, deviceID: DeviceID) {
    self.caller = caller
    self.order = order
    self.batch = batch
    self.hardware = hardware
    self.deviceID = deviceID
  }

  /// What is asked of the registry for it.
  var query: FactsQuery {
    var query = FactsQuery()
    query.order = .name(order)
    query.batch = batch
    query.hardware = [hardware]
    query.deviceOfHardware = true
    query.deviceID = deviceID
    return query
  }

  func batch(heldBy holder: BatchHolder?) -> BatchSnapshot { BatchSnapshot(record: batch, holder: holder) }

  func reference(_ order: OrderSnapshot) -> StationVerifier.Reference {
    StationVerifier.Reference(order: order.record, stations: order.stations(for: caller))
  }
}

extension OrderSnapshot {
  /// Who may stand at the order's station: the operator it names, and an administrator who asks.
  func stations(for caller: Caller) -> Set<RecordID> {
    guard case .operator(let record, _, .administrator, _, _) = caller.principal else { return [station] }
    return [station, record]
  }
}

extension DeviceEnrollment {
  /// Whether the caller may provision by an order at all, before a row of it is read. The order's group, where they may.
  public func permitBatch(by order: RecordName, for caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    query.order = .name(order)
    let facts = try await instance.facts.facts(for: query)
    switch try await Administration(instance).grant(.orderProvision, to: caller, group: facts.order?.group) {
    case .refused(let refusal): return .refused(refusal)
    case .done: break
    }
    guard let order = facts.order else { return .refused(Refusal(.orderUnknown)) }
    return .done(order.group)
  }

  /// Many rows of a batch, each alone, prepared and committed together. The outcomes are in their order.
  public func enroll(_ requests: [EnrollmentRequest]) async -> [Result<Outcome<Enrolled>, any Error>] {
    let known = requests.compactMap { request in
      KnownEvidence(request.evidence).map { KnownRequest(request: request, evidence: $0) }
    }
    if signsAtOnce, known.count == requests.count { return await instance.enrollments.enroll(known, by: self) }
    var outcomes: [Result<Outcome<Enrolled>, any Error>] = []
    for request in requests {
      do { outcomes.append(.success(try await enroll(request))) } catch { outcomes.append(.failure(error)) }
    }
    return outcomes
  }

  /// Whether the caller may stand at the order's station, and what it then vouches for.
  func appraise(_ asked: StationRequest, _ facts: GivenFacts) -> Outcome<StationAppraisal> {
    guard let order = facts.order else { return .refused(Refusal(.orderUnknown)) }
    guard let station = asked.caller.record else { return .refused(.nobody) }
    if case .refused(_, let refusal) = instance.policies.decide(
      asked.caller.principal, .orderProvision, group: order.group)
    {
      return .refused(Refusal(refusal))
    }
    let evidence = StationEvidence(station: station, hardware: asked.hardware, deviceID: asked.deviceID)
    switch StationVerifier().appraise(evidence, against: asked.reference(order)) {
    case .failure(let refusal): return .refused(Refusal(refusal))
    case .success(let result): return .done(StationAppraisal(order: order, station: station, result: result))
    }
  }

  func provision(
    _ asked: StationRequest, _ request: EnrollmentRequest, _ wish: SoundWish, _ facts: GivenFacts
  ) throws -> Step {
    switch appraise(asked, facts) {
    case .refused(let refusal): return .decided(.refuse(refusal, nil))
    case .done(let appraisal):
      let attempt = EnrollmentAttempt(
        request: request, wish: wish, facts: facts, result: appraisal.result, deviceID: asked.deviceID,
        actor: Actor(appraisal.station, by: .certificate), at: instance.clock.now(), epoch: instance.epoch)
      if let label = request.label, facts.group?.name.folded != label.folded {
        return .decided(try attempt.refuse(Refusal(.groupMismatch)))
      }
      return try decide(
        attempt,
        Registry.provision(
          appraisal.order, batch: asked.batch(heldBy: facts.batchHolder), attempt.registryCase,
          origin: facts.bindingOrigin))
    }
  }
}

/// A station that may stand at the order's place, and what it vouches for.
struct StationAppraisal: Sendable {
  let order: OrderSnapshot
  let station: RecordID
  let result: AttestationResult
}
