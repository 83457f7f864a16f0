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

  private mutating func refusal(of board: Board, _ facts: GivenFacts) -> Refusal? {
    switch enrollment.appraise(board.asked, facts) {
    case .refused(let refusal): return refusal
    case .done(let appraisal):
      if let label = board.group, facts.group?.name.folded != label.folded { return Refusal(.groupMismatch) }
      let registryCase = facts.all.enrollmentCase(
        of: appraisal.result, as: board.asked.deviceID, by: board.requester, board.credentials,
        at: instance.clock.now(), epoch: instance.epoch)
      switch Registry.provision(
        appraisal.order, batch: board.asked.batch(heldBy: facts.batchHolder), registryCase, origin: facts.bindingOrigin)
      {
      case .refused(let refusal): return Refusal(refusal)
      case .again: return nil
      case .enroll(let plan): return refusal(of: plan, board, appraisal, registryCase.standing, facts)
      }
    }
  }

  private mutating func refusal(
    of plan: EnrollmentPlan, _ board: Board, _ appraisal: StationAppraisal, _ standing: Standing, _ facts: GivenFacts
  ) -> Refusal? {
    let order = appraisal.order
    if facts.publicKeyOwner != nil { return .keyTaken }
    if facts.publicKeyIsCompromised { return .keyCompromised }
    guard order.made + planned < order.count else {
      return Refusal(.orderExhausted(order.name, count: order.count))
    }
    let question = facts.all.question(plan, appraisal.result, standing, board.credentials)
    if case .refused(_, let refusal) = instance.policies.decide(question) {
      return Refusal(refusal)
    }
    planned += 1
    return nil
  }

  /// A row's board; its request, where it has one, is sound.
  private struct Board {
    let asked: StationRequest
    let group: RecordName?
    let credentials: DeviceCredentials
    /// nil where the key is not made yet, and of a board that gets none of its own.
    let publicKey: Digest?
    /// By what the same is asked for again.
    let requester: Digest

    /// No key has it: there is no empty SubjectPublicKeyInfo.
    private static let nobody = Digest.sha256([UInt8]())

    static func read(_ request: EnrollmentRequest, _ instance: Instance) -> Result<Board, Refusal> {
      guard case .station(let asked) = request.evidence else { return .failure(.nobody) }
      let (credentials, csr): (DeviceCredentials, [UInt8]) =
        switch request.wish {
        case .certificate(let csr): (.certificate, csr)
        case .both(let csr): (.both, csr)
        case .keys: (.key, [])
        }
      let board = { (publicKey: Digest?) in
        Board(
          asked: asked, group: request.label, credentials: credentials, publicKey: publicKey,
          requester: publicKey ?? nobody)
      }
      if csr.isEmpty { return .success(board(nil)) }
      return CertificateRequest.verify(csr, blocked: instance.authorities.blockedKeys)
        .map { board($0.publicKey) }.mapError { Refusal($0) }
    }

    var query: FactsQuery {
      var query = asked.query
      query.publicKey = publicKey
      return query
    }
  }
}
