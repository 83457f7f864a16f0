import Attestation
import CertificateAuthority
import DeviceRegistry
public import MusterModel
import Policy

/// What a station asks for one board: by which order, in which run, as which device.
public struct StationRequest: Sendable {
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

  /// Who may stand at the order's station: the operator it names, and an administrator.
  func reference(_ order: OrderSnapshot) -> StationVerifier.Reference {
    var stations: Set = [order.station]
    if case .operator(let record, _, .administrator, _, _) = caller.principal { stations.insert(record) }
    return StationVerifier.Reference(order: order.record, stations: stations)
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

  func provision(
    _ asked: StationRequest, _ request: EnrollmentRequest, _ wish: SoundWish, _ facts: Facts
  ) throws -> Step {
    guard let order = facts.order else { return .decided(.refuse(Refusal(.orderUnknown), nil)) }
    guard let station = asked.caller.record else { return .decided(.refuse(.nobody, nil)) }
    if case .refused(_, let refusal) = instance.policies.decide(
      asked.caller.principal, .orderProvision, group: order.group)
    {
      return .decided(.refuse(Refusal(refusal), nil))
    }
    let evidence = StationEvidence(station: station, hardware: asked.hardware, deviceID: asked.deviceID)
    switch StationVerifier().appraise(evidence, against: asked.reference(order)) {
    case .failure(let refusal): return .decided(.refuse(Refusal(refusal), nil))
    case .success(let result):
      let attempt = EnrollmentAttempt(
        request: request, wish: wish, facts: facts, result: result, deviceID: asked.deviceID,
        actor: Actor(station, by: .certificate), at: instance.clock.now(), epoch: instance.epoch)
      if let label = request.label, facts.group?.name.folded != label.folded {
        return .decided(try attempt.refuse(Refusal(.groupMismatch)))
      }
      return try decide(
        attempt,
        Registry.provision(order, batch: asked.batch, attempt.registryCase, origin: facts.bindingOrigin))
    }
  }
}
