import Enrollment
import Foundation
import MusterModel
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

extension ServiceTests {
  /// The command line against the service, as its users have it: what each command prints, and what it says to do next
  /// where it is refused.
  @Suite struct StoryTests {
    @Test func `operators come, are listed, and are gone at once`() async throws {
      try await ServedInstance.with { instance in
        let files = [
          "anna": instance.folder.file("anna.pem"), "other": instance.folder.file("other.pem"),
          "hub": instance.folder.file("plant.pem"),
        ]
        try await instance.tell(
          [
            Step("operator add anna --role auditor --out {anna}", "anna auditor {anna}\n"),
            Step("operator list", "NAME", "anna", "auditor", "admin", "administrator"),
            Step("operator list --output csv", "name,role,groups,added,certificate until\n", "anna,auditor,,20"),
            Step("operator add anna --role auditor --out {other}", "operator-name-taken", status: 1),
            Step("operator add ben --role auditor --group nowhere --out {other}", "muster group list", status: 1),
            Step("operator add ben --role king --out {other}", "field-engineer", #"found "king""#, status: 1),
            Step("hub add plant --host mqtt.example --out {hub}", "plant mqtt.example {hub}\n"),
            Step("hub add plant --host mqtt.example --out {other}", "hub-name-taken", status: 1),
            Step(
              "hub list --output csv", "name,host,groups,added,certificate until,seal key\n", "plant,mqtt.example,,20"),
            Step("hub remove plant", "plant removed\n"),
            Step("hub remove plant", "hub-unknown", "muster hub list", status: 1),
          ], files)
        #expect(
          try FileManager.default.contentsOfDirectory(atPath: instance.folder.path).allSatisfy {
            !$0.hasSuffix("pending")
          })
        try await instance.tell(
          [
            Step("device list", "DEVICE"), Step("vault status", "unsealed", "no protection against"),
            Step("ticket issue --hardware \(board) --device a", "not-allowed", "access.yaml", status: 1),
            Step("operator remove admin", "not-allowed", status: 1),
          ], as: files["anna"])
        try await instance.tell([
          Step("operator remove anna", "anna removed\n"),
          Step("operator remove anna", "operator-unknown", "muster operator list", status: 1),
        ])
        try await instance.tell(
          [Step("device list", "operator-removed", "muster operator add", status: 1)], as: files["anna"])
        try await instance.expectWholeLedger()
      }
    }

    @Test func `who asks another service, or as a stranger, is told what to look at`() async throws {
      try await ServedInstance.with { instance in
        let foreign = try await instance.foreignIdentity()
        let values = ["foreign": foreign, "root": instance.root, "admin": instance.administrator]
        try await instance.tell(
          [
            Step("device list --ca {foreign}", "trust anchor", "--ca FILE", status: 1, never: ["BoringSSL", "swift"]),
            Step("device list --identity {foreign}", "--ca FILE", status: 1),
            Step("device list --identity {foreign} --ca {root}", "not-authenticated", "operator add", status: 1),
            Step("device list --identity {root}", "certificate and its key", status: 1),
            Step("device list --ca {nothing}", "{nothing}", status: 1),
            Step("group add pumps --trust {nothing}", "{nothing}", status: 1),
            Step("group add pumps --trust {root}", "trust-anchor-own", status: 1),
            Step("group add pumps --profile nothing", "profile-unknown", "operator", status: 1),
            Step("group add pumps --hub nothing", "hub-unknown", "muster hub list", status: 1),
          ], values.merging(["nothing": instance.folder.file("nothing")]) { $1 })
      }
    }

    @Test func `groups, hardware and tickets, with what is refused`() async throws {
      try await ServedInstance.with { instance in
        let file = try instance.folder.write(
          """
          # boards
          mac:aa:bb:cc:00:11:22
          mac:zz

          imei:490154203237518
          dmi-uuid:ffffffff-ffff-ffff-ffff-ffffffffffff
          """, to: "boards.txt")
        try await instance.tell(
          [
            Step("group add pumps", "pumps grp_"), Step("group add valves", "valves grp_"),
            Step("group add pumps", "group-name-taken", status: 1),
            Step("group list --output csv", "group,profile,hub,makers,devices\n", "pumps,", "valves,"),
            Step("group show pumps --output json", #""name":"pumps""#),
            Step("group remove valves", "valves removed\n"),
            Step("group show valves", "group-unknown", "muster group list", status: 1),
            Step(
              "hardware import {file} --group pumps", "mac:zz", "dmi-uuid:", "hardware-id-malformed", status: 3,
              never: ["490154203237518"]),
            Step(
              "hardware list --output csv", "mac:aabbcc001122,allowed,pumps,", "imei:490154203237518,allowed,pumps,"),
            Step("hardware allow mac:aabbcc001133", "mac:aabbcc001133 allowed\n"),
            Step("hardware block 'mac:aabbcc*' --reason 'recalled by the maker'", "mac:aabbcc* blocked\n"),
            Step(
              "ticket issue --hardware mac:aabbcc001122 --device a", "hardware-blocked", "muster hardware unblock",
              status: 1),
            Step("hardware list --output json", #""reason":"recalled by the maker""#, #""pattern":"mac:aabbcc*""#),
            Step("hardware unblock 'mac:aabbcc*'", "mac:aabbcc* none\n"),
            Step("hardware block nonsense", "hardware-id-malformed", status: 1),
            Step("ticket issue --hardware \(board) --device pump-7 --valid 60d", "ticket-lifetime", status: 1),
            Step("ticket cancel {ticket}", "ticket-unknown", "muster ticket list", status: 1),
            Step("ticket cancel pump-7", "ticket-malformed", "muster ticket list", status: 1),
          ], ["file": file, "ticket": "\(RecordID(.ticket, UUIDv7(at: SystemClock().now())))"])
        let printed = try await instance.muster("hardware", "import", file, "--group", "pumps")
        #expect(printed.output == "2 allowed, 2 refused\n" && printed.errors.split(separator: "\n").count == 2)
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a ticket tells why its redemption was refused, and is cancelled`() async throws {
      try await ServedInstance.with { instance in
        _ = try await instance.enroll("pump-7", board)
        let code = try await instance.tell([Step("ticket issue --hardware mac:aabbcc001122 --device pump-8", "-")])
        try await instance.tell([Step("hardware block mac:aabbcc001122 --reason lost", "blocked")])
        let client = try instance.client()
        let csr = try PeerKey().request(commonName: "pump-8")
        #expect(try await client.enroll("pump-8", code, csr).status == 403)
        let listed = try await instance.tell([
          Step("ticket list", "pump-7", "redeemed", "pump-8", "open", "hardware-blocked"),
          Step("ticket list --output csv", "on the blocklist"),
          Step("hardware unblock mac:aabbcc001122", "none"),
          Step("ticket list --output json", #""state":"open""#),
        ])
        let tickets = try decode(TicketSummary.self, listed)
        let open = try #require(tickets.first { $0.state == .open })
        #expect(open.lastRefusal?.code == "hardware-blocked")
        try await instance.tell(
          [
            Step("ticket cancel {ticket}", "{ticket} cancelled\n"),
            Step("ticket list", "cancelled"),
          ], ["ticket": open.record.description])
        #expect(try await client.enroll("pump-8", code, csr).status == 409)
        await client.shutdown()
      }
    }

    @Test func `an engineer of one group issues a ticket with its QR code, and sees no other group`() async throws {
      try await ServedInstance.with { instance in
        try await instance.tell([Step("group add pumps", "pumps"), Step("group add valves", "valves")])
        let engineer = try await instance.add("anna", .fieldEngineer, ["--group", "pumps"])
        let issued = try await instance.muster(
          "ticket", "issue", "--hardware", board, "--device", "pump-7", "--group", "pumps", "--qr", as: engineer)
        #expect(try issued.succeeded().trimmingCharacters(in: .newlines).count == 19 && issued.errors.contains("█"))
        #expect(!issued.errors.contains(issued.output.trimmingCharacters(in: .newlines)))
        _ = try await instance.enroll("valve-1", "mac:aabbcc001122", ["--group", "valves"])
        try await instance.tell(
          [
            Step(
              "ticket issue --hardware mac:aabbcc001133 --device valve-2 --group valves", "not-allowed-in-group",
              status: 1),
            Step("ticket list", "pump-7", never: ["valve-1"]),
            Step("device list", "DEVICE", never: ["valve-1"]),
            Step("device show valve-1", "not-allowed-in-group", status: 1, never: ["mac:"]),
            Step("device history valve-1", "not-allowed-in-group", status: 1, never: ["mac:"]),
            Step("certificate list --device valve-1", "SERIAL", never: ["valve-1", "device"]),
            Step("group list", "pumps", never: ["valves"]),
            Step("group show valves", "not-allowed-in-group", status: 1),
            Step("operator list", "not-allowed", "access.yaml", status: 1),
            Step("device disable valve-1", "not-allowed", status: 1),
          ], as: engineer)
      }
    }

    @Test func `a line of one group imports for that group alone`() async throws {
      try await ServedInstance.with { instance in
        try await instance.tell([
          Step("group add pumps", "pumps"), Step("group add valves", "valves"),
          Step("hardware allow mac:aabbcc001133 --group valves", "allowed"),
        ])
        let line = try await instance.add("line", .factoryLine, ["--group", "pumps"])
        let file = try instance.folder.write("mac:aabbcc001122\r\nmac:aabbcc001133\r\n", to: "boards.txt")
        let files = ["file": file]
        try await instance.tell(
          [
            Step("hardware import {file} --group pumps", "mac:aabbcc001133", "not-allowed-in-group", status: 3),
            Step("hardware import {file} --group valves", "not-allowed-in-group", status: 3),
            Step("hardware import {file}", "mac:aabbcc001122", "not-allowed-in-group", status: 3),
            Step("hardware allow mac:aabbcc001122", "not-allowed-in-group", status: 1),
            Step("hardware allow mac:aabbcc001122 --group pumps", "allowed"),
            Step("hardware list --output csv", "mac:aabbcc001122,allowed,pumps", never: ["001133"]),
            Step("hardware block mac:aabbcc001122", "not-allowed", status: 1),
            Step("ticket issue --hardware mac:aabbcc001122 --device a --group pumps", "not-allowed", status: 1),
          ], as: line, files)
        try await instance.tell([Step("hardware list --output csv", "mac:aabbcc001133,allowed,valves")])
      }
    }

    @Test func `a device's life, on one screen and in its history`() async throws {
      try await ServedInstance.with { instance in
        try await instance.tell([Step("group add pumps", "pumps")])
        let identity = try await instance.enroll("pump-7", board, ["--group", "pumps"])
        try await instance.tell([
          Step("device disable pump-7 --reason 'van stolen'", "pump-7 disabled\n"),
          Step("device show pump-8", "device-unknown", "muster device list", status: 1),
          Step("device list --group pumps --output csv", "device,state,group,hub,generation,last seen\n"),
          Step("group remove pumps", "group-in-use", "muster device list --group", status: 1),
        ])
        #expect(try await renew(identity, instance) == 401)
        let shown = try await instance.tell([
          Step(
            "device show pump-7", "device        pump-7", "disabled", "pumps", board, "by ticket", "not attested",
            "held, until", "last seen", "last refused", "certificate-held")
        ])
        #expect(shown.split(separator: "\n").count <= 24)
        let history = try await instance.tell([
          Step("device enable pump-7", "pump-7 enabled\n"),
          Step("device history pump-7", "disabled: van stolen", "admin", "enabled", "released from hold"),
        ])
        #expect(history.split(separator: "\n").allSatisfy { $0.count <= 120 })
        #expect(try await renew(identity, instance) == 200)
        let swapped = try await instance.tell([
          Step(
            "ticket issue --hardware \(board)3 --device pump-7", "device-bound",
            "muster device swap", status: 1),
          Step("device swap pump-7 --hardware \(board)3", "-"),
        ])
        #expect(swapped.count == 19)
        try await instance.tell([
          Step("device retire pump-7", "pump-7 retired\n"),
          Step("device enable pump-7", "device-unknown", status: 1),
          Step("certificate list --output csv", "pump-7,device,revoked,"),
          Step("group remove pumps", "pumps removed\n"),
        ])
        #expect(try await renew(identity, instance) == 401)
        try await instance.expectWholeLedger()
      }
    }

    @Test func `certificates are listed, shown, held, released and revoked by any of their names`() async throws {
      try await ServedInstance.with { instance in
        let identity = try await instance.enroll("pump-7", board)
        let listed = try await instance.tell([Step("certificate list --device pump-7 --output json", "good")])
        let certificate = try #require(try decode(CertificateSummary.self, listed).first)
        let names = [
          "serial": certificate.serial, "fingerprint": certificate.fingerprint, "record": "\(certificate.record)",
          "none": String(repeating: "0", count: 32),
        ]
        #expect(try await instance.serial(of: identity) == certificate.serial)
        try await instance.tell(
          [
            Step("certificate show {serial}", "status", "good", "pump-7", "{fingerprint}", "{record}"),
            Step("certificate show {fingerprint} --output json", #""serial":"{serial}""#),
            Step("certificate revoke {record} --reason certificate-hold", "{serial} held\n"),
            Step("certificate release {serial}", "{serial} good\n"),
            Step("certificate revoke {serial} --reason stolen", "reason-malformed", "key-compromise", status: 1),
            Step("certificate revoke {fingerprint} --reason key-compromise", "{serial} revoked\n"),
            Step("certificate show {record}", "revoked", "key-compromise"),
            Step("certificate release {serial}", "for good", status: 1, never: ["adds you anew"]),
            Step("certificate show {none}", "certificate-unknown", "muster certificate list", status: 1),
            Step("certificate show pump-7", "certificate-malformed", "record ID", status: 1),
          ], names)
        try await instance.tell(
          [
            Step("ca show", "root", "devices", "service"), Step("ca show --output json", #""use":"root""#),
            Step("ca check --data {data}", "profiles", "are sound"),
            Step("policy check --data {data}", "are sound"),
          ], ["data": instance.data])
      }
    }

    private func renew(_ identity: String, _ instance: ServedInstance) async throws -> Int {
      let client = try instance.client(identity)
      let csr = Data(try PeerKey().request(commonName: "pump-7")).base64EncodedString()
      let answer = try await client.send(
        .POST, "/.well-known/est/simplereenroll", [("Content-Type", "application/pkcs10")], body: Array(csr.utf8))
      await client.shutdown()
      return answer.status
    }

    private func decode<Row: Decodable>(_: Row.Type, _ lines: String) throws -> [Row] {
      try lines.split(separator: "\n").map { try JSONDecoder().decode(Row.self, from: Data($0.utf8)) }
    }
  }
}
