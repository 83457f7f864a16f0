import DeviceRegistry
import Enrollment
import MusterModel
import Testing

@testable import muster

/// An operator who is limited to groups sees theirs, page by full page, and nothing else.
@Suite struct GroupScopeTests {
  private struct World {
    let test: TestInstance
    let administrator: Caller
    let limited: Caller
    var look: Inspection { Inspection(test.instance, for: limited) }
  }

  /// Nine devices by turns in pumps, valves and no group, and an engineer of pumps.
  private func with(_ body: (World) async throws -> Void) async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      for name in ["pumps", "valves"] {
        let group = GroupInput(name: name, profile: nil, hub: nil, trustAnchors: nil)
        _ = try await test.administration.addGroup(group, anchors: [], by: administrator).get()
      }
      for number in 0..<9 {
        let group = ["pumps", "valves", nil][number % 3]
        let code = try await test.ticket("cpu-serial:b0a\(number)", "device-\(number)", group: group, by: administrator)
        _ = try await test.enroll("device-\(number)", code, PeerKey()).get()
        let allowed = HardwareInput(hardware: "cpu-serial:a11\(number)", group: group, reason: nil)
        _ = try await test.administration.list(allowed, .allow, by: administrator).get()
        let pattern = HardwareInput(hardware: "cpu-serial:f\(number)*", group: group, reason: nil)
        _ = try await test.administration.list(pattern, .allow, by: administrator).get()
      }
      try await body(
        World(
          test: test, administrator: administrator,
          limited: try await test.caller(.fieldEngineer, groups: ["pumps"])))
    }
  }

  /// All rows, two a page: each page but the last is full.
  private func rows<Row>(_ read: (PageRequest) async throws -> Outcome<Page<Row>>) async throws -> [Row] {
    var rows: [Row] = []
    var after: String?
    repeat {
      let page = try await read(try #require(PageRequest(limit: 2, after: after))).get()
      #expect(page.next == nil || page.rows.count == 2)
      rows += page.rows
      after = page.next
    } while after != nil
    return rows
  }

  @Test func `devices are listed by group, by hub and by both, to whom it is allowed`() async throws {
    try await with { world in
      let (test, administrator) = (world.test, world.administrator)
      _ = try await test.administration.addHub(
        HubInput(name: "plant", host: "mqtt.example", groups: [], csr: ""),
        csr: try PeerKey().request(commonName: "plant"), by: administrator
      ).get()
      for name in ["meters", "gauges"] {
        let group = GroupInput(name: name, profile: nil, hub: "plant", trustAnchors: nil)
        _ = try await test.administration.addGroup(group, anchors: [], by: administrator).get()
        for number in 0..<3 {
          let code = try await test.ticket(
            "cpu-serial:\(name == "meters" ? "e" : "d")0a\(number)", "\(name)-\(number)", group: name, by: administrator
          )
          _ = try await test.enroll("\(name)-\(number)", code, PeerKey()).get()
        }
      }
      let meters = ["meters-0", "meters-1", "meters-2"]
      let look = Inspection(test.instance, for: administrator)
      for (group, hub, expected) in [
        (nil, "plant", meters + ["gauges-0", "gauges-1", "gauges-2"]), ("meters", "plant", meters),
        ("pumps", "plant", []), (nil, "gone", []), ("gone", nil, []), ("meters", nil, meters),
      ] as [(String?, String?, [String])] {
        let filter = try DeviceFilter(group: group, hub: hub, batch: nil)
        #expect(try await rows { try await look.devices($0, filter) }.map(\.deviceID.text) == expected)
        #expect(
          try await rows { try await world.look.devices($0, filter) }.isEmpty, "the engineer of pumps sees pumps alone")
      }
    }
  }

  @Test func `listings show what is in the operator's groups, in full pages`() async throws {
    try await with { world in
      let mine = ["device-0", "device-3", "device-6"]
      #expect(try await rows { try await world.look.devices($0, DeviceFilter()) }.map(\.deviceID.text) == mine)
      #expect(try await rows { try await world.look.tickets($0) }.compactMap(\.deviceID?.text) == mine)
      #expect(try await rows { try await world.look.groups($0) }.map(\.name.text) == ["pumps"])
      #expect(
        try await rows { try await world.look.certificates($0, of: nil) }.compactMap(\.subjectName) == mine)
      let hardware = try await rows { try await world.look.hardware($0) }
      #expect(
        hardware.compactMap { $0.pattern?.description ?? $0.hardware?.description } == [
          "cpu-serial:f0*", "cpu-serial:f3*", "cpu-serial:f6*", "cpu-serial:b0a0", "cpu-serial:a110",
          "cpu-serial:b0a3", "cpu-serial:a113", "cpu-serial:b0a6", "cpu-serial:a116",
        ])
      let valves = try #require(RecordName("valves"))
      #expect(try await rows { try await world.look.devices($0, DeviceFilter(group: valves)) }.isEmpty)
    }
  }

  @Test(arguments: ["device-1", "device-2", "nobody"])
  func `another group's device, one in no group and none at all are refused alike`(name: String) async throws {
    try await with { world in
      let id = try #require(DeviceID(name))
      #expect(try await world.look.device(id).refusalCode == "not-allowed-in-group")
      #expect(try await world.look.history(of: id, #require(PageRequest())).refusalCode == "not-allowed-in-group")
      #expect(try await rows { try await world.look.certificates($0, of: id) }.isEmpty)
      #expect(try await world.test.instance.listings.device(id, in: .groups([])) == nil)
    }
  }

  @Test func `a certificate of another group's device is not shown`() async throws {
    try await with { world in
      let device = try #require(DeviceID("device-1"))
      let shown = try await Inspection(world.test.instance, for: world.administrator).device(device).get()
      let certificate = try #require(shown.certificates.first)
      let serial = try #require(CertificateName(certificate.serial))
      #expect(try await world.look.certificate(serial).refusalCode == "not-allowed-in-group")
    }
  }

  @Test func `a device's history leaves out what befell its board in another group`() async throws {
    try await with { world in
      let board = "cpu-serial:b0a0"
      let mine = try #require(DeviceID("device-0"))
      _ = try await world.test.administration.change("device-0", .retire, reason: nil, by: world.administrator).get()
      let allowed = HardwareInput(hardware: board, group: "valves", reason: "sold to the valve people")
      _ = try await world.test.administration.list(allowed, .allow, by: world.administrator).get()
      let code = try await world.test.ticket(board, "device-10", group: "valves", by: world.administrator)
      _ = try await world.test.enroll("device-10", code, PeerKey()).get()
      #expect(try await world.test.enroll("device-10", code, PeerKey()).refusalCode == "ticket-spent")
      let seen = try await rows { try await world.look.history(of: mine, $0) }
      let whole = try await rows {
        try await Inspection(world.test.instance, for: world.administrator).history(of: mine, $0)
      }
      #expect(!seen.contains { $0.what.contains("valve") || $0.what.contains("ticket-spent") })
      #expect(whole.contains { $0.what.contains("sold to the valve people") })
      #expect(seen.contains { $0.what.contains("retired") }, "the operator's own is there to its end")
    }
  }
}
