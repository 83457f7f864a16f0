import Attestation
import MusterModel

/// Which evidence enrolls into which group with which profile: `enrollment.yaml`, read. The first rule that matches
/// decides; where none does, the answer is no.
public struct EnrollmentPolicy: Sendable, Hashable {
  struct Rule: Sendable, Hashable {
    enum Verdict: String, CaseIterable { case permit, refuse }
    /// A standing without its record. Blocked is not among them: no rule can let it in.
    enum Standing: String, CaseIterable { case unknown, allowed, bound }

    let name: String
    let verdict: Verdict
    /// Absent for any.
    let evidence: Set<Evidence.Kind>?
    let acts: Set<EnrollmentQuestion.Act>?
    let standings: Set<Standing>?
    /// Names, folded. Absent for any and none.
    let groups: Set<String>?
    let hardware: Set<HardwareID.Kind>?
    /// Wins over the group's.
    let profile: String?
  }

  /// The profiles of what a group or a rule does not say.
  struct Profiles: Sendable, Hashable {
    let device, `operator`, hub, server, ocspResponder: String
  }

  let profiles: Profiles
  let rules: [Rule]
  let digest: Digest

  /// The names of all profiles that a permit can hold, but those of groups: `ca check` holds them to what there is.
  public var profileNames: Set<String> {
    Set(rules.compactMap(\.profile)).union([
      profiles.device, profiles.operator, profiles.hub, profiles.server, profiles.ocspResponder,
    ])
  }

  public func decide(_ question: EnrollmentQuestion) -> EnrollmentDecision {
    if let refusal = EnrollmentPolicy.beforeRules(question) { return .refused(reference("blocklist"), refusal) }
    guard let rule = rules.first(where: { $0.mismatch(with: question) == nil }) else {
      return .refused(reference("default"), .noRule)
    }
    switch rule.verdict {
    case .refuse: return .refused(reference(rule.name), .rule(rule.name))
    case .permit:
      return .permit(
        IssuancePermit(
          subject: .device(question.device, question.deviceID),
          profile: rule.profile ?? question.group?.profile ?? profiles.device, decidedBy: reference(rule.name),
          reads: question.reads))
    }
  }

  /// The decision in words: each rule that was passed over and why, and the one that decided.
  public func explain(_ question: EnrollmentQuestion) -> Explanation {
    let passed = rules.prefix { $0.mismatch(with: question) != nil }.compactMap { rule in
      rule.mismatch(with: question).map { "rule \(rule.name) does not match: \($0)" }
    }
    switch decide(question) {
    case .permit(let permit):
      return Explanation(
        outcome: "permitted with profile \(permit.profile)", rule: permit.decidedBy.rule,
        because: passed + ["\(permit.decidedBy.rule) matches and permits"])
    case .refused(let reference, let refusal):
      let before = EnrollmentPolicy.beforeRules(question) != nil
      return Explanation(
        outcome: "refused", rule: reference.rule, because: (before ? [] : passed) + [refusal.description])
    }
  }

  func reference(_ rule: String) -> PolicyReference {
    PolicyReference(digest: digest, rule: "enrollment.yaml: \(rule)")
  }

  /// What no file can allow.
  private static func beforeRules(_ question: EnrollmentQuestion) -> EnrollmentRefusal? {
    switch question.standing {
    case .blocked: return .hardwareBlocked
    case .bound(let device) where device != question.device: return .otherDevice
    case .bound, .allowed, .unknown: break
    }
    switch question.result.claims {
    case .ticket(_, let deviceID): return deviceID == question.deviceID ? nil : .otherDevice
    case .ldevid(_, let device, let deviceID):
      return device == question.device && deviceID == question.deviceID ? nil : .otherDevice
    case .station(_, let deviceID): return deviceID == question.deviceID ? nil : .otherDevice
    case .idevid(let claims): return claims.group == question.group?.record ? nil : .otherDevice
    }
  }
}

extension EnrollmentPolicy.Rule {
  /// Why the rule does not match, in words; nil where it does.
  func mismatch(with question: EnrollmentQuestion) -> String? {
    if let evidence, !evidence.contains(question.result.evidence) {
      return "expected evidence \(list(evidence)), found \(question.result.evidence.rawValue)"
    }
    if let acts, !acts.contains(question.act) {
      return "expected act \(list(acts)), found \(question.act.rawValue)"
    }
    let standing = EnrollmentPolicy.Rule.Standing(question.standing)
    if let standings, standing.map(standings.contains) != true {
      return "expected standing \(list(standings)), found \(standing?.rawValue ?? "blocked")"
    }
    if let groups, question.group.map({ groups.contains($0.name.folded) }) != true {
      return "expected group \(groups.sorted().joined(separator: ", ")), found "
        + (question.group?.name.text ?? "no group")
    }
    if let hardware, question.result.hardware.first.map({ hardware.contains($0.id.kind) }) != true {
      return "expected hardware \(list(hardware)), found "
        + (question.result.hardware.first?.id.kind.rawValue ?? "none")
    }
    return nil
  }

  private func list<Word: RawRepresentable<String>>(_ words: Set<Word>) -> String {
    words.map(\.rawValue).sorted().joined(separator: ", ")
  }
}

extension EnrollmentPolicy.Rule.Standing {
  fileprivate init?(_ standing: Standing) {
    switch standing {
    case .unknown: self = .unknown
    case .allowed: self = .allowed
    case .bound: self = .bound
    case .blocked: return nil
    }
  }
}
