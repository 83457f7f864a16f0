import Attestation
import DeviceRegistry
import Foundation
public import MusterModel
import Policy

/// What is to be explained: a recorded decision by its position; or who asks for what (`operation` and `role`); or how a
/// board comes (`act` and `evidence`).
public struct ExplanationInput: Codable, Sendable, Hashable {
  public var position: UInt64?
  public var operation: String?
  public var role: String?
  /// The groups that the role is limited to.
  public var limitedTo: [String]?
  public var act: String?
  public var evidence: String?
  /// unknown, allowed, bound or blocked; unknown by default.
  public var standing: String?
  /// The kind of the hardware ID that the evidence names.
  public var hardware: String?
  /// By what a TPM's endorsement key is trusted.
  public var endorsement: String?
  /// The group that it concerns.
  public var group: String?
  /// The key ring that it concerns.
  public var ring: String?

  public init() {}
}

/// Which rule decides, and why.
public struct ExplainedDecision: Codable, Sendable, Hashable {
  /// What was decided then.
  public struct Recorded: Codable, Sendable, Hashable {
    public let position: UInt64
    public let at: Timestamp
    public let kind: String
    public let by: String
    public let rule: String?
    /// The digest of the policies that decided.
    public let policies: Digest?
    /// Why it was refused; nil where it was not.
    public let code: String?
  }

  /// nil for what was only described.
  public let recorded: Recorded?
  /// The digest of the policies by which the rest is said: of a recorded decision those in force then, where they are kept.
  public let policies: Digest
  /// Whether they are in force now.
  public let isInForce: Bool
  public let outcome: String
  public let rule: String
  public let because: [String]
}

/// A decision as the ledger keeps it.
public struct RecordedDecision: Sendable, Hashable {
  public let position: UInt64
  public let at: Timestamp
  public let kind: String
  public let by: String
  public let policy: PolicyReference?
  /// Of a refusal.
  public let code: String?
  public let reason: String?
  /// What it was made from, as JSON; nil where it was erased.
  public let decision: String?

  public init(
    position: UInt64, at: Timestamp, kind: String, by: String, policy: PolicyReference?, code: String?,
    reason: String?, decision: String?
  ) {
    self.position = position
    self.at = at
    self.kind = kind
    self.by = by
    self.policy = policy
    self.code = code
    self.reason = reason
    self.decision = decision
  }
}

extension Administration {
  /// Says which rule decides and why. It decides nothing and records nothing.
  public func explain(_ input: ExplanationInput, by caller: Caller) async throws -> Outcome<ExplainedDecision> {
    let grant: AccessGrant
    switch try await self.grant(.policyExplain, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let granted): grant = granted
    }
    let question: Question
    do throws(Refusal) { question = try Question(input) } catch { return .refused(error) }
    return try await explain(question, GroupScope(grant))
  }

  private func explain(_ question: Question, _ scope: GroupScope) async throws -> Outcome<ExplainedDecision> {
    switch question {
    case .recorded(let position):
      guard let recorded = try await instance.ledger.decision(at: position) else { return .refused(.noDecision) }
      return try await explain(recorded, scope)
    case .access(let list, let operation, let limits, let group, let ring):
      var query = FactsQuery()
      query.groupNames = limits + [group].compactMap(\.self)
      let found = try await instance.facts.facts(for: query).groups
      if let refusal = outside(scope, query.groupNames, found) { return .refused(refusal) }
      guard found.count == query.groupNames.count else { return .refused(Refusal(.groupUnknown)) }
      return .done(
        explained(
          instance.policies.access.explain(
            list, limitedTo: found.prefix(limits.count).map(\.record), operation,
            group: group == nil ? nil : found.last?.record, ring: ring)))
    case .enrollment(let act, let evidence, let standing, let hardware, let endorsement, let group):
      var query = FactsQuery()
      query.group = group.map { .name($0) }
      let found = try await instance.facts.facts(for: query).group
      if let refusal = outside(scope, [group].compactMap(\.self), [found].compactMap(\.self)) {
        return .refused(refusal)
      }
      if group != nil, found == nil { return .refused(Refusal(.groupUnknown)) }
      return .done(
        explained(
          instance.policies.enrollment.explain(
            EnrollmentCircumstances(
              act: act, evidence: evidence, standing: standing, group: found?.name, groupProfile: found?.profile,
              hardware: hardware, tpm: endorsement.map { .init(endorsement: $0, isExpired: false, weakness: nil) }))))
    }
  }

  /// Whoever is limited to groups learns of no other, not even that there is one.
  private func outside(_ scope: GroupScope, _ named: [RecordName], _ found: [GroupSnapshot]) -> Refusal? {
    guard scope != .instance, found.count < named.count || !found.allSatisfy({ scope.contains($0.record) }) else {
      return nil
    }
    return Refusal(AccessRefusal.otherGroup(.policyExplain))
  }

  private func explained(
    _ explanation: Explanation, by policies: Policies? = nil, of recorded: RecordedDecision? = nil
  ) -> ExplainedDecision {
    let digest = (policies ?? instance.policies).digest
    return ExplainedDecision(
      recorded: recorded.map {
        ExplainedDecision.Recorded(
          position: $0.position, at: $0.at, kind: $0.kind, by: $0.by, rule: $0.policy?.rule,
          policies: $0.policy?.digest, code: $0.code)
      }, policies: digest, isInForce: digest == instance.policies.digest, outcome: explanation.outcome,
      rule: explanation.rule, because: explanation.because)
  }

  // MARK: - A recorded decision

  private func explain(_ recorded: RecordedDecision, _ scope: GroupScope) async throws -> Outcome<ExplainedDecision> {
    guard let text = recorded.decision,
      let record = try? JSONDecoder().decode(DecisionRecord.self, from: Data(text.utf8)), record.v == 1
    else { return .refused(.decisionErased) }
    guard scope.contains(record.group) else { return .refused(Refusal(AccessRefusal.otherGroup(.policyExplain))) }
    var query = FactsQuery()
    query.group = record.group.map { .record($0) }
    let group = try await instance.facts.facts(for: query).group
    let policies = try await policies(of: recorded)
    guard let explanation = explanation(record, group.map { ($0.name, $0.profile) }, by: policies ?? instance.policies)
    else {
      // Refused before a policy was asked: the reason is all there is.
      let rule = recorded.policy?.rule ?? "none: it was refused before a policy was asked"
      let because = [recorded.reason].compactMap(\.self)
      return .done(
        explained(Explanation(outcome: "refused", rule: rule, because: because), by: policies, of: recorded))
    }
    let notKept = policies == nil ? "the policies in force then are not kept: said by those in force now" : nil
    return .done(explained(explanation.after(recorded.reason).after(notKept), by: policies, of: recorded))
  }

  /// Those in force then, as their event keeps them; nil where it does not, or this build cannot read them.
  private func policies(of recorded: RecordedDecision) async throws -> Policies? {
    guard let files = try await instance.ledger.policyFiles(inForceAt: recorded.position),
      let policies = try? Policies.load(files: files),
      recorded.policy.map({ $0.digest == policies.digest }) ?? true
    else { return nil }
    return policies
  }

  /// nil for what no policy was asked about.
  private func explanation(
    _ record: DecisionRecord, _ group: (name: RecordName, profile: String?)?, by policies: Policies
  ) -> Explanation? {
    if let operation = record.operation.flatMap(Policy.Operation.init(rawValue:)),
      let list = record.role.flatMap(AccessList.init)
    {
      return policies.access.explain(list, limitedTo: [], operation, group: record.group, ring: record.ring)
    }
    guard let act = record.act.flatMap(EnrollmentQuestion.Act.init(rawValue:)),
      let evidence = record.evidence.flatMap(Evidence.Kind.init(rawValue:)),
      let standing = record.standing.flatMap(EnrollmentCircumstances.Standing.init(rawValue:))
    else { return nil }
    return policies.enrollment.explain(
      EnrollmentCircumstances(
        act: act, evidence: evidence, standing: standing, group: group?.name, groupProfile: group?.profile,
        hardware: record.hardware?.first?.id.kind,
        credentials: record.credentials.flatMap(DeviceCredentials.init(rawValue:)) ?? .certificate,
        isWeaker: record.weaker ?? false,
        tpm: record.endorsement.flatMap(TPMEndorsement.init(rawValue:)).map {
          .init(
            endorsement: $0, isExpired: record.expired ?? false, weakness: record.weakness,
            secureBoot: record.secureBoot,
            registers: Dictionary((record.registers ?? []).map { ($0.pcr, $0.value) }) { first, _ in first })
        }))
  }
}

/// An input that was read: one of the three.
private enum Question {
  case recorded(UInt64)
  case access(AccessList, Policy.Operation, limitedTo: [RecordName], group: RecordName?, ring: RecordName?)
  case enrollment(
    EnrollmentQuestion.Act, Evidence.Kind, EnrollmentCircumstances.Standing, HardwareID.Kind?, TPMEndorsement?,
    group: RecordName?)

  init(_ input: ExplanationInput) throws(Refusal) {
    let forms = [input.position != nil, input.operation != nil, input.act != nil].count { $0 }
    guard forms == 1 else { throw .malformed("question", "a position, an operation or an act, one of them") }
    if let position = input.position {
      self = .recorded(position)
    } else if let operation = input.operation {
      self = try Question.access(operation, input)
    } else {
      self = try Question.enrollment(input)
    }
  }

  private static func access(_ operation: String, _ input: ExplanationInput) throws(Refusal) -> Question {
    guard let operation = Policy.Operation(rawValue: operation), let list = input.role.flatMap(AccessList.init) else {
      throw .malformed("question", "an operation and a role of access.yaml")
    }
    guard (input.limitedTo?.count ?? 0) <= 64 else { throw .malformed("groups", "at most 64 groups") }
    var limits: [RecordName] = []
    for name in input.limitedTo ?? [] { limits.append(try parse(name: name)) }
    return .access(
      list, operation, limitedTo: limits, group: try name(input.group), ring: try name(input.ring))
  }

  private static func enrollment(_ input: ExplanationInput) throws(Refusal) -> Question {
    guard let act = input.act.flatMap(EnrollmentQuestion.Act.init(rawValue:)),
      let evidence = input.evidence.flatMap(Evidence.Kind.init(rawValue:)),
      let standing = EnrollmentCircumstances.Standing(rawValue: input.standing ?? "unknown")
    else { throw .malformed("question", "act, evidence and standing in the words of enrollment.yaml") }
    let kind = input.hardware.flatMap(HardwareID.Kind.init(rawValue:))
    guard (kind == nil) == (input.hardware == nil) else { throw .malformed("hardware", "a kind of hardware ID") }
    let endorsement = input.endorsement.flatMap(TPMEndorsement.init(rawValue:))
    guard (endorsement == nil) == (input.endorsement == nil), endorsement == nil || evidence == .tpm else {
      throw .malformed("endorsement", "allowlist or certificate, of evidence tpm")
    }
    return .enrollment(act, evidence, standing, kind, endorsement, group: try name(input.group))
  }

  private static func name(_ text: String?) throws(Refusal) -> RecordName? {
    guard let text else { return nil }
    return try parse(name: text)
  }
}

extension Refusal {
  static let noDecision = Refusal(
    .notFound, "decision-unknown", "expected the position of a decision, found none there")
  static let decisionErased = Refusal(
    .conflict, "decision-erased", "expected what the decision was made from, found it erased or never kept")
}
