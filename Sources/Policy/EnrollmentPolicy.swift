import Attestation
import MusterModel

/// Which evidence enrolls into which group with which profile: `enrollment.yaml`, read. The first rule that matches
/// decides; where none does, the answer is no.
public struct EnrollmentPolicy: Sendable, Hashable {
  struct Rule: Sendable, Hashable {
    enum Verdict: String, CaseIterable { case permit, refuse }
    /// A standing without its record. Blocked is not among them: no rule can let it in.
    enum Standing: String, CaseIterable { case unknown, allowed, bound }
    /// Each is a key of the file, and `accept` its one value.
    enum Shortcoming: String, CaseIterable {
      /// Evidence that is weaker than the device's last.
      case weaker
      /// An endorsement key's certificate whose time is over.
      case expired
      /// A TPM whose firmware, or key, is known to be weak.
      case weakFirmware = "weak-firmware"
    }

    let name: String
    let verdict: Verdict
    /// Absent for any.
    let evidence: Set<Evidence.Kind>?
    let acts: Set<EnrollmentQuestion.Act>?
    let standings: Set<Standing>?
    /// Names, folded. Absent for any and none.
    let groups: Set<String>?
    let hardware: Set<HardwareID.Kind>?
    let credentials: Set<DeviceCredentials>?
    /// By what a TPM's endorsement key is trusted. Absent for any, and for other evidence.
    let endorsements: Set<TPMEndorsement>?
    /// Whether a TPM must have shown that Secure Boot was on.
    let requiresSecureBoot: Bool
    /// The values of which each register that is named must have shown one.
    let registers: [Int: Set<Digest>]
    /// What it takes though it is worth less; a rule that says nothing takes none of it.
    let accepts: Set<Shortcoming>
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

  /// The registers of the SHA-256 bank that some rule looks at: what a TPM is asked to quote. Register 7 is where Secure Boot
  /// is measured.
  public var registers: [Int] {
    let named = rules.flatMap { Array($0.registers.keys) + ($0.requiresSecureBoot ? [7] : []) }
    return Set(named).sorted()
  }

  public func decide(_ question: EnrollmentQuestion) -> EnrollmentDecision {
    if let refusal = EnrollmentPolicy.beforeRules(question) { return .refused(reference("blocklist"), refusal) }
    let circumstances = EnrollmentCircumstances(question)
    guard let rule = rule(for: circumstances) else {
      let near = rules.lazy.compactMap { $0.mismatch(with: circumstances)?.refusal(of: circumstances) }.first
      return .refused(reference("default"), near ?? .noRule)
    }
    switch rule.verdict {
    case .refuse: return .refused(reference(rule.name), .rule(rule.name))
    case .permit:
      return .permit(
        IssuancePermit(
          subject: .device(question.device, question.deviceID), profile: profile(by: rule, circumstances),
          decidedBy: reference(rule.name), reads: question.reads))
    }
  }

  private func rule(for circumstances: EnrollmentCircumstances) -> Rule? {
    rules.first { $0.mismatch(with: circumstances) == nil }
  }

  private func profile(by rule: Rule, _ circumstances: EnrollmentCircumstances) -> String {
    rule.profile ?? circumstances.groupProfile ?? profiles.device
  }

  /// The decision in words: each rule that was passed over and why, and the one that decided.
  public func explain(_ question: EnrollmentQuestion) -> Explanation {
    guard let refusal = EnrollmentPolicy.beforeRules(question) else {
      return explain(EnrollmentCircumstances(question))
    }
    return Explanation(outcome: "refused", rule: reference("blocklist").rule, because: [refusal.description])
  }

  /// The same of circumstances that somebody describes.
  public func explain(_ circumstances: EnrollmentCircumstances) -> Explanation {
    guard circumstances.standing != .blocked else {
      return Explanation(
        outcome: "refused", rule: reference("blocklist").rule,
        because: [EnrollmentRefusal.hardwareBlocked.description])
    }
    let passed = rules.prefix { $0.mismatch(with: circumstances) != nil }.compactMap { rule in
      rule.mismatch(with: circumstances).map {
        "rule \(rule.name) does not match: \(rule.expected($0, of: circumstances))"
      }
    }
    guard let rule = rule(for: circumstances) else {
      return Explanation(
        outcome: "refused", rule: reference("default").rule,
        because: passed + [EnrollmentRefusal.noRule.description])
    }
    let reference = reference(rule.name).rule
    switch rule.verdict {
    case .permit:
      return Explanation(
        outcome: "permitted with profile \(profile(by: rule, circumstances))", rule: reference,
        because: passed + ["\(reference) matches and permits"])
    case .refuse:
      return Explanation(
        outcome: "refused", rule: reference, because: passed + [EnrollmentRefusal.rule(rule.name).description])
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
    case .groupKey(let group, _): return group == question.group?.record ? nil : .otherDevice
    case .idevid(let claims): return claims.group == question.group?.record ? nil : .otherDevice
    // The hardware alone says whose it is; the group is the allowlist's, or for the rules to hold to.
    case .tpm: return nil
    }
  }
}

extension EnrollmentPolicy.Rule {
  /// What of the circumstances a rule does not match.
  enum Mismatch: Equatable {
    case evidence, act, standing, group, hardware, credentials, endorsement, secureBoot
    case register(Int)
    case short(Shortcoming)

    /// Where the rule would permit it but for that; nil where it is for another case.
    func refusal(of circumstances: EnrollmentCircumstances) -> EnrollmentRefusal? {
      switch self {
      case .evidence, .act, .standing, .group, .hardware, .credentials, .endorsement: nil
      case .secureBoot: .secureBoot(circumstances.tpm?.secureBoot)
      case .register(let number): .register(number, circumstances.tpm?.registers[number])
      case .short(let shortcoming): EnrollmentRefusal(shortcoming, circumstances)
      }
    }
  }

  /// The first that does not match; nil where the rule does.
  func mismatch(with circumstances: EnrollmentCircumstances) -> Mismatch? {
    if let evidence, !evidence.contains(circumstances.evidence) { return .evidence }
    if let acts, !acts.contains(circumstances.act) { return .act }
    if let standings, Standing(circumstances.standing).map(standings.contains) != true { return .standing }
    if let groups, circumstances.group.map({ groups.contains($0.folded) }) != true { return .group }
    if let hardware, circumstances.hardware.map(hardware.contains) != true { return .hardware }
    if let credentials, !credentials.contains(circumstances.credentials) { return .credentials }
    if let endorsements, circumstances.tpm.map({ endorsements.contains($0.endorsement) }) != true {
      return .endorsement
    }
    if requiresSecureBoot, circumstances.tpm?.secureBoot != true { return .secureBoot }
    if let other = registers.sorted(by: { $0.key < $1.key }).first(where: { number, values in
      circumstances.tpm?.registers[number].map(values.contains) != true
    }) {
      return .register(other.key)
    }
    guard verdict == .permit else { return nil }
    return circumstances.shortcomings.first { !accepts.contains($0) }.map { .short($0) }
  }

  /// The mismatch in words.
  func expected(_ mismatch: Mismatch, of circumstances: EnrollmentCircumstances) -> String {
    switch mismatch {
    case .evidence: "expected evidence \(list(evidence)), found \(circumstances.evidence.rawValue)"
    case .act: "expected act \(list(acts)), found \(circumstances.act.rawValue)"
    case .standing: "expected standing \(list(standings)), found \(circumstances.standing.rawValue)"
    case .group:
      "expected group \((groups ?? []).sorted().joined(separator: ", ")), found "
        + (circumstances.group?.text ?? "no group")
    case .hardware: "expected hardware \(list(hardware)), found " + (circumstances.hardware?.rawValue ?? "none")
    case .endorsement:
      "expected endorsement \(list(endorsements)), found " + (circumstances.tpm?.endorsement.rawValue ?? "none")
    case .secureBoot, .register: mismatch.refusal(of: circumstances)?.description ?? ""
    case .short(.weaker): "expected evidence no weaker than the device's last, found weaker"
    case .short(.expired): "expected an endorsement key certificate in its time, found it over"
    case .short(.weakFirmware):
      "expected a TPM of which no weakness is known, found " + (circumstances.tpm?.weakness ?? "one")
    case .credentials: "expected credentials \(list(credentials)), found \(circumstances.credentials.rawValue)"
    }
  }

  private func list<Word: RawRepresentable<String>>(_ words: Set<Word>?) -> String {
    (words ?? []).map(\.rawValue).sorted().joined(separator: ", ")
  }
}

extension EnrollmentCircumstances {
  var shortcomings: [EnrollmentPolicy.Rule.Shortcoming] {
    var found: [EnrollmentPolicy.Rule.Shortcoming] = []
    if isWeaker { found.append(.weaker) }
    if tpm?.isExpired == true { found.append(.expired) }
    if tpm?.weakness != nil { found.append(.weakFirmware) }
    return found
  }
}

extension EnrollmentRefusal {
  /// A rule would permit it, were it not for that.
  init(_ shortcoming: EnrollmentPolicy.Rule.Shortcoming, _ circumstances: EnrollmentCircumstances) {
    switch shortcoming {
    case .weaker: self = .weaker
    case .expired: self = .endorsementExpired
    case .weakFirmware: self = .weakFirmware(circumstances.tpm?.weakness ?? "")
    }
  }
}

extension EnrollmentPolicy.Rule.Standing {
  /// nil for blocked: no rule can let it in.
  fileprivate init?(_ standing: EnrollmentCircumstances.Standing) {
    switch standing {
    case .unknown: self = .unknown
    case .allowed: self = .allowed
    case .bound: self = .bound
    case .blocked: return nil
    }
  }
}
