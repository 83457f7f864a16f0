import MusterModel
import Policy
import Testing

@testable import Attestation

@Suite struct EnrollmentPolicyTests {
  let device = record(.device)
  let group = record(.group)
  let ticket = record(.ticket)
  let certificate = record(.certificate)

  struct Row: Sendable {
    let evidence: Evidence.Kind
    let act: EnrollmentQuestion.Act
    let standing: Standing
    /// nil where it is permitted.
    let code: String?
  }

  static let other = record(.device)
  static let bound = record(.device)
  static let rows: [Row] = [
    Row(evidence: .ticket, act: .new, standing: .unknown, code: nil),
    Row(evidence: .ticket, act: .new, standing: .allowed(group: nil), code: nil),
    Row(evidence: .ticket, act: .new, standing: .bound(device: bound), code: "policy-refused"),
    Row(evidence: .ticket, act: .new, standing: .bound(device: other), code: "hardware-bound"),
    Row(evidence: .ticket, act: .new, standing: .blocked, code: "hardware-blocked"),
    Row(evidence: .ticket, act: .swap, standing: .unknown, code: nil),
    Row(evidence: .ticket, act: .swap, standing: .bound(device: bound), code: nil),
    Row(evidence: .ticket, act: .swap, standing: .blocked, code: "hardware-blocked"),
    Row(evidence: .ticket, act: .renew, standing: .bound(device: bound), code: "policy-refused"),
    Row(evidence: .idevid, act: .new, standing: .unknown, code: nil),
    Row(evidence: .idevid, act: .new, standing: .allowed(group: nil), code: nil),
    Row(evidence: .idevid, act: .swap, standing: .unknown, code: "policy-refused"),
    Row(evidence: .idevid, act: .new, standing: .blocked, code: "hardware-blocked"),
    Row(evidence: .groupKey, act: .new, standing: .unknown, code: nil),
    Row(evidence: .groupKey, act: .new, standing: .bound(device: bound), code: "policy-refused"),
    Row(evidence: .groupKey, act: .new, standing: .blocked, code: "hardware-blocked"),
    Row(evidence: .groupKey, act: .swap, standing: .unknown, code: "policy-refused"),
    Row(evidence: .tpm, act: .new, standing: .allowed(group: nil), code: nil),
    Row(evidence: .tpm, act: .new, standing: .unknown, code: "policy-refused"),
    Row(evidence: .tpm, act: .new, standing: .bound(device: bound), code: "policy-refused"),
    Row(evidence: .tpm, act: .new, standing: .blocked, code: "hardware-blocked"),
    Row(evidence: .tpm, act: .swap, standing: .allowed(group: nil), code: "policy-refused"),
    Row(evidence: .tpm, act: .renew, standing: .bound(device: bound), code: "policy-refused"),
    Row(evidence: .ldevid, act: .renew, standing: .bound(device: bound), code: nil),
    Row(evidence: .ldevid, act: .renew, standing: .unknown, code: "policy-refused"),
    Row(evidence: .ldevid, act: .new, standing: .unknown, code: "policy-refused"),
    Row(evidence: .ldevid, act: .renew, standing: .blocked, code: "hardware-blocked"),
    Row(evidence: .station, act: .new, standing: .unknown, code: nil),
    Row(evidence: .station, act: .new, standing: .allowed(group: nil), code: nil),
    Row(evidence: .station, act: .new, standing: .bound(device: other), code: "hardware-bound"),
    Row(evidence: .station, act: .new, standing: .bound(device: bound), code: "policy-refused"),
    Row(evidence: .station, act: .new, standing: .blocked, code: "hardware-blocked"),
    Row(evidence: .station, act: .swap, standing: .unknown, code: "policy-refused"),
    Row(evidence: .station, act: .renew, standing: .bound(device: bound), code: "policy-refused"),
  ]

  @Test(arguments: rows)
  func `the shipped file permits what it names and nothing else`(row: Row) throws {
    let decision = try shippedPolicies().decide(try question(row.evidence, row.act, row.standing))
    #expect(decision.code == row.code)
  }

  @Test func `evidence that names another device is refused before any rule`() throws {
    let meter = try #require(DeviceID("meter-7"))
    let rival = try #require(DeviceID("meter-8"))
    let claims: [AttestationResult.Claims] = [
      .ticket(ticket, deviceID: rival), .ldevid(certificate: certificate, device: record(.device), deviceID: meter),
      .ldevid(certificate: certificate, device: Self.bound, deviceID: rival),
      .station(order: record(.order), deviceID: rival),
      .idevid(.init(group: record(.group), anchor: .sha256([]), certificate: .sha256([]), serialNumber: "7")),
    ]
    let all = try policies(enrollment: Self.file("  - {name: all, verdict: permit}\n"))
    for claim in claims {
      let question = try question(claim, .new, .unknown)
      #expect(all.decide(question).code == "hardware-bound", "\(claim)")
    }
  }

  @Test func `evidence that is weaker than the last takes a rule that says so`() throws {
    let claims = AttestationResult.Claims.ldevid(
      certificate: certificate, device: Self.bound, deviceID: try #require(DeviceID("meter-7")))
    let weaker = try question(claims, .renew, .bound(device: Self.bound), isWeaker: true)
    let refused = try shippedPolicies().decide(weaker)
    #expect(refused.code == "evidence-weaker" && refused.rule == "enrollment.yaml: default")
    let accepting = try policies(enrollment: Self.file("  - {name: all, verdict: permit, weaker: accept}\n"))
    #expect(accepting.decide(weaker).code == nil)
    #expect(
      try policies(enrollment: Self.file("  - {name: nobody, verdict: refuse}\n")).decide(weaker).code
        == "policy-refused")
  }

  /// What is against a TPM, what a rule says of it, and what comes of it.
  static let shortcomings: [(expired: Bool, weakness: TPMWeakness?, rule: String, code: String?)] = [
    (false, nil, "", nil), (true, nil, "", "certificate-expired"), (true, nil, ", expired: accept", nil),
    (true, nil, ", weaker: accept", "certificate-expired"), (false, .known("CVE-1"), "", "tpm-weak"),
    (false, .firmwareHidden, "", "tpm-weak"), (false, .known("CVE-1"), ", weak-firmware: accept", nil),
    (true, .known("CVE-1"), ", expired: accept", "tpm-weak"),
    (true, .known("CVE-1"), ", expired: accept, weak-firmware: accept", nil),
    (false, nil, ", endorsement: [certificate]", nil), (false, nil, ", endorsement: [allowlist]", "policy-refused"),
  ]

  @Test(arguments: shortcomings)
  func `a TPM's certificate that is over, and its known weakness, take a rule that says so`(
    row: (expired: Bool, weakness: TPMWeakness?, rule: String, code: String?)
  ) throws {
    let hardware = try HardwareID.parse(.tpmEK, Digest.sha256([1]).hex).get()
    let certified = EndorsedKey(
      hardware: hardware, subjectPublicKeyInfo: [], certificate: .sha256([]), anchor: .sha256([]),
      make: TPMMake(manufacturer: nil, model: nil, version: nil), isExpired: row.expired)
    let claims = TPMClaims(
      hardware: hardware, endorsement: Endorsement(certified), attestationKey: [], deviceKey: .sha256([2]),
      firmwareVersion: 1, weakness: row.weakness, boot: nil)
    let policies = try policies(enrollment: Self.file("  - {name: all, verdict: permit\(row.rule)}\n"))
    let decision = policies.decide(try question(.tpm(claims), .new, .unknown))
    #expect(decision.code == row.code, "\(row)")
    if row.weakness == .known("CVE-1"), row.code == "tpm-weak" { #expect("\(decision)".contains("CVE-1")) }
  }

  /// What a TPM showed of its start, what a rule wants, and what comes of it.
  static let boots: [(boot: MeasuredBoot?, rule: String, code: String?)] = {
    let (good, other) = (Digest.sha256([1]), Digest.sha256([2]))
    let on = MeasuredBoot(values: [7: good], secureBoot: true)
    let off = MeasuredBoot(values: [7: good], secureBoot: false)
    let noLog = MeasuredBoot(values: [7: good], secureBoot: nil)
    let (secure, pcr) = (", secure-boot: required", ", pcrs: {7: ['\(good.hex)']}")
    return [
      (nil, "", nil), (off, "", nil), (on, secure, nil), (off, secure, "secure-boot-required"),
      (noLog, secure, "secure-boot-required"), (nil, secure, "secure-boot-required"), (noLog, pcr, nil),
      (nil, pcr, "pcr-other"), (MeasuredBoot(values: [7: other], secureBoot: true), pcr, "pcr-other"),
      (MeasuredBoot(values: [0: good], secureBoot: true), pcr, "pcr-other"),
      (MeasuredBoot(values: [7: other], secureBoot: true), ", pcrs: {7: ['\(good.hex)', '\(other.hex)']}", nil),
      (on, ", pcrs: {7: ['\(good.hex)'], 0: ['\(good.hex)']}", "pcr-other"), (on, secure + pcr, nil),
      (off, secure + pcr, "secure-boot-required"),
    ]
  }()

  @Test(arguments: boots)
  func `what a rule wants of a machine's start must have been shown`(
    row: (boot: MeasuredBoot?, rule: String, code: String?)
  ) throws {
    let claims = TPMClaims(
      hardware: try HardwareID.parse(.tpmEK, Digest.sha256([1]).hex).get(), endorsement: Endorsement(nil),
      attestationKey: [], deviceKey: .sha256([2]), firmwareVersion: 1, weakness: nil, boot: row.boot)
    let policies = try policies(enrollment: Self.file("  - {name: all, verdict: permit\(row.rule)}\n"))
    #expect(policies.decide(try question(.tpm(claims), .new, .unknown)).code == row.code, "\(row)")
    // No other evidence shows it.
    let isAsked = !row.rule.isEmpty
    #expect((policies.decide(try question(.ticket, .new, .unknown)).code != nil) == isAsked)
  }

  @Test func `a TPM is asked for the registers that some rule looks at`() throws {
    let digest = Digest.sha256([1]).hex
    let rules = "  - {name: a, verdict: permit, pcrs: {4: ['\(digest)'], 0: ['\(digest)']}}\n"
    #expect(try policies(enrollment: Self.file(rules)).enrollment.registers == [0, 4])
    let secure = rules + "  - {name: b, verdict: permit, secure-boot: required}\n"
    #expect(try policies(enrollment: Self.file(secure)).enrollment.registers == [0, 4, 7])
    #expect(try shippedPolicies().enrollment.registers == [])
  }

  @Test func `the shipped file lets a maker's TPM in by its certificate, and not by nothing`() throws {
    let hardware = try HardwareID.parse(.tpmEK, Digest.sha256([1]).hex).get()
    let certified = EndorsedKey(
      hardware: hardware, subjectPublicKeyInfo: [], certificate: .sha256([]), anchor: .sha256([]),
      make: TPMMake(manufacturer: nil, model: nil, version: nil), isExpired: false)
    let claims = TPMClaims(
      hardware: hardware, endorsement: Endorsement(certified), attestationKey: [], deviceKey: .sha256([2]),
      firmwareVersion: 1, weakness: nil, boot: nil)
    let decision = try shippedPolicies().decide(try question(.tpm(claims), .new, .unknown))
    #expect(decision.rule == "enrollment.yaml: tpm-maker" && decision.code == nil)
  }

  @Test(arguments: [
    ("  - {name: a, verdict: permit, profile: fast}\n", "mine", "fast"),
    ("  - {name: a, verdict: permit}\n", "mine", "mine"), ("  - {name: a, verdict: permit}\n", nil, "device"),
  ])
  func `the rule's profile wins over the group's, that over the file's`(
    rule: String, group: String?, profile: String
  ) throws {
    let decision = try policies(enrollment: Self.file(rule)).decide(
      try question(.ticket, .new, .unknown, profile: group))
    #expect(decision.permit?.profile == profile)
  }

  @Test func `the first rule that matches decides`() throws {
    let policies = try policies(
      enrollment: Self.file(
        """
          - {name: no-pumps, verdict: refuse, groups: [Pumps]}
          - {name: no-phones, verdict: refuse, hardware: [imei]}
          - {name: meters, verdict: permit, groups: [METERS], hardware: [mac]}

        """))
    #expect(policies.decide(try question(.ticket, .new, .unknown, group: "pumps")).rule == "enrollment.yaml: no-pumps")
    #expect(policies.decide(try question(.ticket, .new, .unknown, group: "meters")).rule == "enrollment.yaml: meters")
    #expect(policies.decide(try question(.ticket, .new, .unknown, group: "valves")).rule == "enrollment.yaml: default")
    #expect(policies.decide(try question(.ticket, .new, .unknown, group: nil)).rule == "enrollment.yaml: default")
  }

  @Test func `a permit carries what it was decided from`() throws {
    let policies = try shippedPolicies()
    let permit = try #require(policies.decide(try question(.ticket, .new, .unknown)).permit)
    let meter = try #require(DeviceID("meter-7"))
    #expect(permit.subject == .device(Self.bound, meter))
    #expect(permit.decidedBy == PolicyReference(digest: policies.digest, rule: "enrollment.yaml: ticket-new"))
    #expect(permit.reads.versions == [.record(device): 7])
  }

  @Test func `an explanation says which rules were passed over and why`() throws {
    let enrollment = try shippedPolicies().enrollment
    let yes = enrollment.explain(try question(.ticket, .swap, .unknown))
    #expect(yes.outcome == "permitted with profile device" && yes.rule == "enrollment.yaml: ticket-swap")
    #expect(yes.because.first == "rule ticket-new does not match: expected act new, found swap")
    let no = enrollment.explain(try question(.idevid, .swap, .unknown))
    #expect(no.outcome == "refused" && no.because.count == 9)
    let blocked = enrollment.explain(try question(.ticket, .new, .blocked))
    #expect(blocked.because == ["expected hardware that is not on the blocklist, found it there"])
  }

  static func file(_ rules: String) -> String {
    """
    version: 1
    profiles: {device: device, operator: operator, hub: hub, server: server, ocsp-responder: ocsp-responder}
    rules:
    \(rules)
    """
  }

  private func question(
    _ evidence: Evidence.Kind, _ act: EnrollmentQuestion.Act, _ standing: Standing, group name: String? = "meters",
    profile: String? = nil
  ) throws -> EnrollmentQuestion {
    let meter = try #require(DeviceID("meter-7"))
    let claims: AttestationResult.Claims =
      switch evidence {
      case .ticket: .ticket(ticket, deviceID: meter)
      case .idevid: .idevid(.init(group: group, anchor: .sha256([]), certificate: .sha256([]), serialNumber: "7"))
      case .station: .station(order: record(.order), deviceID: meter)
      case .groupKey: .groupKey(group: group, key: record(.key))
      case .tpm:
        .tpm(
          TPMClaims(
            hardware: try HardwareID.parse(.tpmEK, Digest.sha256([1]).hex).get(), endorsement: Endorsement(nil),
            attestationKey: [0, 0x0b], deviceKey: .sha256([2]), firmwareVersion: 1, weakness: nil, boot: nil))
      case .ldevid: .ldevid(certificate: certificate, device: Self.bound, deviceID: meter)
      }
    return try question(claims, act, standing, group: name, profile: profile)
  }

  private func question(
    _ claims: AttestationResult.Claims, _ act: EnrollmentQuestion.Act, _ standing: Standing,
    group name: String? = "meters", profile: String? = nil, isWeaker: Bool = false
  ) throws -> EnrollmentQuestion {
    let board = try HardwareID.parse("mac:aabbcc001122").get()
    return EnrollmentQuestion(
      act: act, result: try AttestationResult([.init(board, .asserted)], claimed: [], claims), standing: standing,
      group: try name.map { .init(record: group, name: try PolicyTests.name($0), profile: profile, hub: nil) },
      device: Self.bound, deviceID: try #require(DeviceID("meter-7")), isWeaker: isWeaker,
      reads: ReadSet([.record(device): 7]))
  }
}

extension EnrollmentDecision {
  var permit: IssuancePermit? {
    switch self {
    case .permit(let permit): permit
    case .refused: nil
    }
  }

  var code: String? {
    switch self {
    case .permit: nil
    case .refused(_, let refusal): refusal.code
    }
  }

  var rule: String {
    switch self {
    case .permit(let permit): permit.decidedBy.rule
    case .refused(let reference, _): reference.rule
    }
  }
}
