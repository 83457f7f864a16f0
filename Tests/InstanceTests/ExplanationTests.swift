import Enrollment
import MusterModel
import Policy
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

/// Which rule decides, and why: of what is on record, and of what is described.
@Suite struct ExplanationTests {
  @Test func `an enrollment on record is explained by its rule`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      let position = try await test.size()
      _ = try await test.enroll("pump-7", code, PeerKey()).get()
      let explained = try await test.explain(position, by: administrator).get()
      #expect(explained.recorded?.rule == "enrollment.yaml: ticket-new" && explained.recorded?.code == nil)
      #expect(explained.recorded?.policies == explained.policies)
      #expect(explained.outcome == "permitted with profile device" && explained.rule == "enrollment.yaml: ticket-new")
      #expect(explained.because.last == "enrollment.yaml: ticket-new matches and permits")
      #expect(try await test.size() == position + 2, "explaining records nothing")
    }
  }

  @Test func `an operator's refusal on record is explained by the list`() async throws {
    try await TestInstance.with { test in
      let (engineer, auditor) = (try await test.caller(.fieldEngineer), try await test.caller(.auditor))
      let position = try await test.size()
      #expect(try await test.administration.removeOperator("auditor", by: engineer).refusalCode == "not-allowed")
      let explained = try await test.explain(position, by: auditor).get()
      #expect(explained.recorded?.code == "not-allowed" && explained.outcome == "refused")
      #expect(
        explained.because.last
          == "expected operator.remove on the list of field-engineer in access.yaml, found it absent")
    }
  }

  @Test func `what was refused before a policy was asked says why`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      _ = try await test.enroll("pump-7", code, PeerKey()).get()
      let position = try await test.size()
      #expect(try await test.enroll("pump-7", code, PeerKey()).refusalCode == "ticket-spent")
      let explained = try await test.explain(position, by: administrator).get()
      #expect(explained.rule == "none: it was refused before a policy was asked")
      #expect(explained.because.count == 1 && explained.because[0].hasPrefix("expected an unused ticket"))
    }
  }

  /// Puts other policies in force, with their files kept or not.
  private func activate(_ access: String, areKept: Bool, in test: TestInstance) async throws -> Administration {
    let files = test.instance.policies.files.map { file in
      file.name == "access.yaml" ? PolicyFile(name: file.name, bytes: Array(access.utf8)) : file
    }
    let body = PoliciesActivated(files: files.map { .init(name: "policies/" + $0.name, digest: .sha256($0.bytes)) })
    let event = try Event(
      at: test.clock.now(), by: .folder, on: [.policies], body,
      attachments: areKept ? files.map { Attachment($0.bytes) } : [])
    _ = try await test.instance.store.commit(UnitOfWork(events: [event]))
    let old = test.instance
    return Administration(
      Instance(
        store: old.store, facts: old.facts, listings: old.listings, ledger: old.ledger, vault: old.vault,
        policies: try Policies.load(files: files), authorities: old.authorities, clock: old.clock, epoch: old.epoch))
  }

  @Test func `what was decided is explained by the policies of then, and where they are not kept that is said`()
    async throws
  {
    try await TestInstance.with { test in
      let (engineer, auditor) = (try await test.caller(.fieldEngineer), try await test.caller(.auditor))
      var input = ExplanationInput()
      input.position = try await test.size()
      _ = try await test.administration.removeOperator("auditor", by: engineer)
      let open = "version: 1\nallow:\n  auditor: [policy.explain]\n  field-engineer: [operator.remove]\n"
      let later = try await activate(open, areKept: true, in: test)
      let then = try await later.explain(input, by: auditor).get()
      #expect(then.outcome == "refused" && !then.isInForce)
      #expect(then.policies == then.recorded?.policies && then.policies == test.instance.policies.digest)

      let closed = "version: 1\nallow:\n  auditor: [policy.explain]\n"
      let forgetful = try await activate(closed, areKept: false, in: test)
      input.position = try await test.size()
      #expect(try await forgetful.removeOperator("auditor", by: engineer).refusalCode == "not-allowed")
      let last = try await activate(open, areKept: true, in: test)
      let now = try await last.explain(input, by: auditor).get()
      #expect(now.outcome == "allowed" && now.isInForce && now.policies != now.recorded?.policies)
      #expect(now.because.first == "the policies in force then are not kept: said by those in force now")
    }
  }

  @Test func `what is erased, no decision, and another group's are refused`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      for name in ["pumps", "valves"] {
        let group = GroupInput(name: name, profile: nil, hub: nil, trustAnchors: nil)
        _ = try await test.administration.addGroup(group, anchors: [], by: administrator).get()
      }
      let code = try await test.ticket(board, "pump-7", group: "valves", by: administrator)
      let position = try await test.size()
      _ = try await test.enroll("pump-7", code, PeerKey()).get()
      let limited = try await test.caller(.fieldEngineer, groups: ["pumps"])
      #expect(try await test.explain(position, by: limited).refusalCode == "not-allowed-in-group")
      #expect(try await test.explain(0, by: administrator).refusalCode == "decision-unknown")
      #expect(try await test.explain(10_000, by: administrator).refusalCode == "decision-unknown")
      _ = try await test.administration.change("pump-7", .retire, reason: nil, by: administrator).get()
      _ = try await test.administration.erase(position, reason: "asked to", by: administrator).get()
      #expect(try await test.explain(position, by: administrator).refusalCode == "decision-erased")
      #expect(try await test.explain(position, by: try await test.caller(.factoryLine)).refusalCode == "not-allowed")
    }
  }

  @Test func `a described enrollment is explained`() async throws {
    let permitted = "permitted with profile device"
    let rows: [(act: String, evidence: String, standing: String, endorsement: String?, outcome: String, rule: String)] =
      [
        ("new", "ticket", "blocked", nil, "refused", "blocklist"),
        ("new", "idevid", "unknown", nil, permitted, "maker-certificate"),
        ("swap", "idevid", "bound", nil, "refused", "default"), ("renew", "ldevid", "bound", nil, permitted, "renewal"),
        ("new", "tpm", "unknown", "certificate", permitted, "tpm-maker"),
        ("new", "tpm", "unknown", "allowlist", "refused", "default"), ("new", "tpm", "allowed", nil, permitted, "tpm"),
      ]
    try await TestInstance.with { test in
      for row in rows {
        var input = ExplanationInput()
        (input.act, input.evidence, input.standing) = (row.act, row.evidence, row.standing)
        input.endorsement = row.endorsement
        let explained = try await test.administration.explain(input, by: .folder()).get()
        #expect(explained.outcome == row.outcome && explained.rule == "enrollment.yaml: \(row.rule)", "\(row)")
        #expect(explained.recorded == nil)
      }
      var input = ExplanationInput()
      (input.act, input.evidence, input.endorsement) = ("new", "ticket", "certificate")
      let refused = try await test.administration.explain(input, by: .folder())
      #expect(refused.refusalCode == "endorsement-malformed")
    }
  }

  @Test func `a described request for an operation is explained with its limits`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      for name in ["pumps", "valves"] {
        let group = GroupInput(name: name, profile: nil, hub: nil, trustAnchors: nil)
        _ = try await test.administration.addGroup(group, anchors: [], by: administrator).get()
      }
      var input = ExplanationInput()
      (input.operation, input.role, input.limitedTo, input.group) = (
        "ticket.issue", "field-engineer", ["pumps"], "valves"
      )
      #expect(try await test.administration.explain(input, by: administrator).get().outcome == "refused")
      input.group = "pumps"
      #expect(try await test.administration.explain(input, by: administrator).get().outcome == "allowed")
      input.group = "nowhere"
      #expect(try await test.administration.explain(input, by: administrator).refusalCode == "group-unknown")
      // Whoever is limited learns of no other group, not even that there is one.
      let limited = try await test.caller(.fieldEngineer, groups: ["pumps"])
      for group in ["valves", "nowhere"] {
        input.group = group
        #expect(try await test.administration.explain(input, by: limited).refusalCode == "not-allowed-in-group")
        var board = ExplanationInput()
        (board.act, board.evidence, board.group) = ("new", "idevid", group)
        #expect(try await test.administration.explain(board, by: limited).refusalCode == "not-allowed-in-group")
      }
      input.act = "new"
      #expect(try await test.administration.explain(input, by: administrator).refusalCode == "question-malformed")
      #expect(
        try await test.administration.explain(ExplanationInput(), by: administrator).refusalCode == "question-malformed"
      )
    }
  }
}

extension TestInstance {
  fileprivate func explain(_ position: UInt64, by caller: Caller) async throws -> Outcome<ExplainedDecision> {
    var input = ExplanationInput()
    input.position = position
    return try await administration.explain(input, by: caller)
  }
}
