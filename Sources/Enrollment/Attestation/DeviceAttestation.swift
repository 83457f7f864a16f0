public import Attestation
import DeviceRegistry
public import MusterModel

/// The first step of a device with a TPM: evidence in, challenge out. The second is an enrollment by `.tpm`.
public struct DeviceAttestation: Sendable {
  let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  /// A challenge that is on record.
  public struct Given: Sendable {
    public let record: RecordID
    public let challenge: TPMChallenge
    public let expires: Timestamp
    /// The registers of the SHA-256 bank that a quote over the nonce is wanted of; none where no rule looks at any.
    public let registers: [Int]
  }

  /// `network` is the source's, by which its askings are counted. What is refused is for the caller to count.
  public func challenge(_ evidence: TPMEvidence, source: String, network: String) async throws -> Outcome<Given> {
    guard instance.authorities.issuer(for: .devices) != nil else { return .refused(.sealed) }
    let shown: ShownTPM
    switch evidence.appraise() {
    case .failure(let refusal): return .refused(Refusal(refusal))
    case .success(let found): shown = found
    }
    var query = FactsQuery()
    query.hardware = [shown.hardware]
    query.tpmMakers = true
    let facts = try await instance.facts.facts(for: query)
    if case .blocked = Registry.standing(of: facts.hardware, patterns: facts.patterns) {
      return .refused(Refusal(.hardwareBlocked(shown.hardware)))
    }
    let now = instance.clock.now()
    let trust = try await instance.trust(of: shown.hardware, facts)
    if case .failure(let refusal) = trust.appraise(evidence, shown, at: now) { return .refused(Refusal(refusal)) }
    guard instance.challenges.takes(shown.hardware, from: network, at: now) else { return .refused(.tooManyChallenges) }
    switch TPMChallenge.make(for: shown) {
    case .failure(let refusal): return .refused(Refusal(refusal))
    case .success(let challenge): return try await give(challenge, of: evidence, shown, source: source, at: now)
    }
  }

  private func give(
    _ challenge: TPMChallenge, of evidence: TPMEvidence, _ shown: ShownTPM, source: String, at now: Timestamp
  ) async throws -> Outcome<Given> {
    let record = RecordID(.attestation, UUIDv7(at: now))
    let expires = now + TPMChallenge.lifetime
    let event = try Event(
      at: now, by: .tpm, on: [.record(record)],
      AttestationChallenged(
        attestation: record, evidence: evidence.digest, nonce: challenge.nonce, secret: challenge.secret,
        expires: expires), details: .init(hardware: shown.hardware, source: source))
    guard case .committed = try await instance.store.commit(UnitOfWork(events: [event])) else {
      return .refused(.contended)
    }
    return .done(
      Given(record: record, challenge: challenge, expires: expires, registers: instance.policies.enrollment.registers))
  }
}

extension Refusal {
  static let tooManyChallenges = Refusal(
    .tooMany, "too-many-challenges",
    "expected at most \(ChallengeBudget.perKeyAndNetwork) challenges a minute for one endorsement key, found more")
}
