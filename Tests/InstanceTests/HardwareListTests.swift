import DeviceRegistry
import Enrollment
import Foundation
import MusterModel
import Policy
import Testing

@testable import muster

private let board = "mac:aabbcc001122"

@Suite struct HardwareListTests {
  @Test func `a blocked pattern shuts out all that begin alike, until it is unblocked`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator)
      #expect(try await test.list("mac:aabbcc*", .block, by: administrator).get().listing == .blocked)
      let ticket = TicketInput(hardware: board, deviceID: "pump-7", swap: nil, validSeconds: nil, group: nil)
      #expect(try await test.administration.issueTicket(ticket, by: administrator).refusalCode == "hardware-blocked")
      #expect(try await test.list("mac:aabbcc*", .allow, by: administrator).refusalCode == "hardware-blocked")
      #expect(try await test.list("mac:aabbcc*", .unblock, by: administrator).get().listing == .none)
      _ = try await test.administration.issueTicket(ticket, by: administrator).get()
      try test.expectWholeLedger()
    }
  }

  @Test func `patterns are listed before hardware, page by page`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator)
      _ = try await test.administration.addGroup(
        GroupInput(name: "pumps", profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: administrator
      ).get()
      _ = try await test.list(board, .allow, by: administrator).get()
      _ = try await test.list("mac:aabb*", .allow, group: "pumps", reason: "ours", by: administrator).get()
      _ = try await test.list("imei:35*", .block, by: administrator).get()
      var names: [String] = []
      var request = try #require(PageRequest(limit: 1))
      while true {
        let page = try await test.instance.listings.hardware(request)
        names += page.rows.map { $0.pattern?.description ?? $0.hardware?.description ?? "erased" }
        guard let next = page.next else { break }
        request = try #require(PageRequest(limit: 1, after: next))
      }
      #expect(names == ["mac:aabb*", "imei:35*", board])
      let first = try await test.instance.listings.hardware(try #require(PageRequest())).rows[0]
      #expect(first.group?.text == "pumps" && first.reason == "ours" && first.record == nil)
    }
  }

  @Test func `unblocking takes nothing off the allowlist`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator)
      for name in [board, "mac:aabb*"] {
        _ = try await test.list(name, .allow, by: administrator).get()
        #expect(try await test.list(name, .unblock, by: administrator).get().listing == .allowed)
      }
      let rows = try await test.instance.listings.hardware(try #require(PageRequest())).rows
      #expect(rows.map(\.listing) == [.allowed, .allowed])
    }
  }

  @Test(arguments: ["mac:AABB*", "mac:*", "mac:a*b*", "nothing:aa*", "*", "cpu-serial:\u{1b}*"])
  func `a malformed pattern is refused`(_ text: String) async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator)
      #expect(try await test.list(text, .block, by: administrator).refusalCode == "hardware-pattern-malformed")
    }
  }

  @Test func `who is limited to groups reaches no other group's hardware by naming their own`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator)
      for name in ["pumps", "valves"] {
        _ = try await test.administration.addGroup(
          GroupInput(name: name, profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: administrator
        ).get()
      }
      _ = try await test.list(board, .allow, group: "valves", by: administrator).get()
      let officer = try await test.caller(.securityOfficer, groups: ["pumps"])
      let engineer = try await test.caller(.fieldEngineer, groups: ["pumps"])
      let own = "mac:aabbcc001133"
      #expect(try await test.list(board, .block, group: "pumps", by: officer).refusalCode == "not-allowed-in-group")
      #expect(try await test.list("mac:aa*", .block, group: "pumps", by: officer).refusalCode == "not-allowed-in-group")
      #expect(try await test.list(board, .allow, group: "pumps", by: engineer).refusalCode == "not-allowed-in-group")
      #expect(try await test.list(own, .allow, group: "pumps", by: engineer).get().listing == .allowed)
      #expect(try await test.list(own, .block, by: officer).get().listing == .blocked)
    }
  }

  @Test func `a device shows what it was made from, and that nothing attests where its key lives`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board, "pump-7", by: try await test.caller(.fieldEngineer))
      let enrolled = try await test.enroll("pump-7", code, PeerKey()).get()
      let shown = try #require(try await test.instance.listings.device(enrolled.deviceID))
      #expect(shown.evidence == .ticket && shown.keyResidence == .notAttested)
    }
  }
}

extension TestInstance {
  fileprivate func list(
    _ hardware: String, _ change: Administration.HardwareChange, group: String? = nil, reason: String? = nil,
    by caller: Caller
  ) async throws -> Outcome<HardwareSummary> {
    try await administration.list(HardwareInput(hardware: hardware, group: group, reason: reason), change, by: caller)
  }
}
