import Attestation
import CertificateAuthority
import DeviceRegistry
import MusterModel

/// What would become of boards, were a station to ask for them now: decided as an enrollment is, from the same facts by
/// the same rules, and nothing is made and nothing recorded. A board without a request is one whose key is not made yet.
///
/// It counts what the order would be spent for, so that of more boards than are left the last ones are refused.
public struct BoardCheck: Sendable {
  private let enrollment: DeviceEnrollment
  private var planned: UInt64 = 0

  public init(_ instance: Instance) { enrollment = DeviceEnrollment(instance) }

  private var instance: Instance { enrollment.instance }

  /// Why each would be refused, in their order; nil where it would not be. All from one snapshot.
  public mutating func refusals(of requests: [EnrollmentRequest]) async throws -> [Refusal?] {
    let boards = requests.map { Board.read($0, instance) }
    let queries = boards.map { (try? $0.get().query) ?? FactsQuery() }
    let facts = await withCheckedContinuation { continuation in
      instance.facts.prepare { continuation.resume(returning: $0.facts(for: queries)) }
    }
    var refusals: [Refusal?] = []
    for (board, facts) in zip(boards, facts) {
      switch board {
      case .failure(let refusal): refusals.append(refusal)
      case .success(let board): refusals.append(refusal(of: board, try facts.get()))
      }
    }
    return refusals
  }

  private mutating func refusal(of board: Board, _ facts: Facts) -> Refusal? {
    switch enrollment.appraise(board.asked, facts) {
    case .refused(let refusal): return refusal
    case .done(let appraisal):
      if let label = board.group, facts.group?.name.folded != label.folded { return Refusal(.groupMismatch) }
      let registryCase = facts.enrollmentCase(
        of: appraisal.result, as: board.asked.deviceID, publicKey: board.publicKey ?? BoardCheck.noKey,
        at: instance.clock.now(), epoch: instance.epoch)
      switch Registry.provision(
        appraisal.order, batch: board.asked.batch, registryCase, origin: facts.bindingOrigin)
      {
      case .refused(let refusal): return Refusal(refusal)
      case .again: return nil
      case .enroll(let plan): return refusal(of: plan, appraisal, registryCase.standing, facts)
      }
    }
  }

  private mutating func refusal(
    of plan: EnrollmentPlan, _ appraisal: StationAppraisal, _ standing: Standing, _ facts: Facts
  ) -> Refusal? {
    let order = appraisal.order
    if facts.publicKeyOwner != nil { return .keyTaken }
    if facts.publicKeyIsCompromised { return .keyCompromised }
    guard order.made + planned < order.count else {
      return Refusal(.orderExhausted(order.name, count: order.count))
    }
    if case .refused(_, let refusal) = instance.policies.decide(facts.question(plan, appraisal.result, standing)) {
      return Refusal(refusal)
    }
    planned += 1
    return nil
  }

  /// No key has it: there is no empty SubjectPublicKeyInfo.
  private static let noKey = Digest.sha256([UInt8]())

  /// A row's board; its request, where it has one, is sound.
  private struct Board {
    let asked: StationRequest
    let group: RecordName?
    let publicKey: Digest?

    static func read(_ request: EnrollmentRequest, _ instance: Instance) -> Result<Board, Refusal> {
      guard case .station(let asked) = request.evidence else { return .failure(.nobody) }
      if request.csr.isEmpty { return .success(Board(asked: asked, group: request.label, publicKey: nil)) }
      return CertificateRequest.verify(request.csr, blocked: instance.authorities.blockedKeys)
        .map { Board(asked: asked, group: request.label, publicKey: $0.publicKey) }
        .mapError { Refusal($0) }
    }

    var query: FactsQuery {
      var query = asked.query
      query.publicKey = publicKey
      return query
    }
  }
}
