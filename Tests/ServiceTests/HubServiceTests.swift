import Enrollment
import Foundation
import HubAccess
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@testable import muster

extension ServiceTests {
  /// A hub over the network: what it sees, hears and says, and that it goes on after any kill.
  @Suite struct HubServiceTests {
    /// A group, its hub, and enrolled devices: `names` in the group, `stray` in none.
    private func prepare(_ instance: ServedInstance, _ names: [String]) async throws -> String {
      _ = try await instance.muster("group", "add", "pumps").succeeded()
      let plant = instance.folder.file("plant.pem")
      _ = try await instance.muster(
        "hub", "add", "plant", "--host", "mqtt.plant.example", "--group", "pumps", "--out", plant
      ).succeeded()
      for name in names { try await enroll(name, group: "pumps", instance) }
      try await enroll("stray", group: nil, instance)
      return plant
    }

    private func enroll(_ name: String, group: String?, _ instance: ServedInstance) async throws {
      let hardware = "cpu-serial:board-\(name)"
      let options = group.map { ["--group", $0] } ?? []
      let issued = try await Program.muster(
        ["ticket", "issue", "--hardware", hardware, "--device", name] + options,
        environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": instance.administrator])
      let code = try #require(try issued.succeeded().split(separator: "\n").first)
      let client = try instance.client()
      let answer = try await client.enroll(name, String(code), try PeerKey().request(commonName: name))
      await client.shutdown()
      try #require(answer.status == 200, "\(answer.text)")
    }

    private func credentials(_ name: String, _ client: TestClient) async throws -> HubDevice {
      let answer = try await client.send(.GET, "/v1/hub/devices/\(name)/credentials")
      try #require(answer.status == 200, "\(answer.text)")
      return try JSONDecoder().decode(HubDevice.self, from: Data(answer.body))
    }

    @Test func `a hub sees what is assigned to it, and an operator is no hub`() async throws {
      try await ServedInstance.with { instance in
        let plant = try await prepare(instance, ["pump-1"])
        let hub = try instance.client(plant)
        let device = try await credentials("pump-1", hub)
        #expect(device.state == .enabled && device.certificates.map(\.status) == [.good])
        let certificate = try #require(device.certificates.first)
        for name in [certificate.serial, certificate.fingerprint] {
          #expect(try await hub.send(.GET, "/v1/hub/certificates/\(name)").status == 200)
        }
        for path in [
          "devices/stray/credentials", "devices/nobody/credentials",
          "certificates/\(String(repeating: "0", count: 32))",
        ] {
          #expect(try await hub.send(.GET, "/v1/hub/\(path)").status == 404, "\(path)")
        }
        for path in ["devices/pump-1/credentials?keys=sealed", "devices?keys=sealed", "credentials?keys=sealed"] {
          #expect(try await hub.send(.GET, "/v1/hub/\(path)").code == "not-allowed", "\(path)")
        }
        #expect(try await hub.send(.GET, "/v1/devices").status == 403)
        #expect(
          try await hub.send(.GET, "/v1/hub/feed?after=99999&root=\(String(repeating: "0", count: 64))").code
            == "ledger-rolled-back")
        await hub.shutdown()
        let operatorClient = try instance.client(instance.administrator)
        #expect(try await operatorClient.send(.GET, "/v1/hub/devices/pump-1/credentials").code == "not-a-hub")
        await operatorClient.shutdown()
        _ = try await instance.muster("hub", "remove", "plant").succeeded()
        let gone = try instance.client(plant)
        #expect(try await gone.send(.GET, "/v1/hub/devices/pump-1/credentials").status == 401)
        await gone.shutdown()
      }
    }

    @Test func `a token is made, verified, and refused once its device is disabled or swapped`() async throws {
      try await ServedInstance.with { instance in
        let plant = try await prepare(instance, ["pump-1", "pump-2"])
        #expect(try await instance.muster("device", "token", "pump-1").errors.contains("device-without-key"))
        let keys = instance.folder.file("keys.json")
        _ = try await instance.muster("device", "rekey", "pump-1", "--out", keys).succeeded()
        let token = String(try await instance.muster("device", "token", "pump-1").succeeded().dropLast())
        let hub = try instance.client(plant)
        func verify(_ tokens: [String]) async throws -> [TokenResult] {
          struct Answer: Decodable { let results: [TokenResult] }
          let answer = try await hub.json(.POST, "/v1/hub/tokens/verify", ["tokens": tokens])
          try #require(answer.status == 200, "\(answer.text)")
          return try JSONDecoder().decode(Answer.self, from: Data(answer.body)).results
        }
        let swapped = token.replacing("pump-1", with: "pump-2")
        let first = try await verify([token, swapped, token.replacing("pump-1", with: "stray"), "nonsense"])
        #expect(first.map(\.valid) == [true, false, false, false])
        #expect(first[0].deviceID == DeviceID("pump-1") && first[0].keyVersion == 1)
        #expect(first.map(\.code) == [nil, "device-without-key", "device-unknown", "token-malformed"])
        _ = try await instance.muster("device", "rekey", "pump-1", "--out", keys + ".2").succeeded()
        #expect(try await verify([token])[0].keyVersion == 1)
        _ = try await instance.muster("device", "rekey", "pump-1", "--out", keys + ".3").succeeded()
        #expect(try await verify([token])[0].code == "token-signature")
        let newest = String(try await instance.muster("device", "token", "pump-1").succeeded().dropLast())
        #expect(try await verify([newest])[0].keyVersion == 4)
        _ = try await instance.muster("hardware", "block", "cpu-serial:board-pump-1").succeeded()
        #expect(try await verify([newest])[0].code == "hardware-blocked")
        _ = try await instance.muster("hardware", "unblock", "cpu-serial:board-pump-1").succeeded()
        _ = try await instance.muster("device", "disable", "pump-1").succeeded()
        #expect(try await verify([newest])[0].code == "device-disabled")
        await hub.shutdown()
        await instance.service.end()
        try await instance.start()
        try await instance.expectWholeLedger()
        let history = try await instance.muster("device", "history", "pump-1", "--output", "csv").succeeded()
        #expect(history.contains("token made with key 4"))
      }
    }

    /// An instance that was made 300 days ago, with a hub and its group.
    private func foundLongAgo(_ folder: ScratchFolder) async throws {
      let data = folder.file("data")
      try FileManager.default.removeItem(atPath: data)
      let clock = FixedClock(SystemClock().now() - .seconds(300 * 86_400))
      let plan = FoundingPlan(
        organization: "Test Works", trustDomain: try #require(TrustDomain("test.example")),
        hostnames: ["localhost", "127.0.0.1"], publishURL: "http://localhost:8080", passphrase: nil)
      _ = try await Founding(plan: plan, rules: try Rules.shipped(), clock: clock).found(at: data)
      let opened = try await OpenInstance.open(data, clock: clock)
      let leaf = try PEM.firstCertificate(opened.folder.read(.administrator))
      guard case .known(let principal, let reads) = try await Authentication(opened.instance).identify(leaf: leaf)
      else {
        throw CancellationError()
      }
      let caller = Caller(principal: principal, reads: reads, source: "192.0.2.1")
      let administration = Administration(opened.instance)
      _ = try await administration.addGroup(
        GroupInput(name: "pumps", profile: nil, hub: nil, trustAnchors: nil), anchors: [], by: caller
      ).get()
      let key = PeerKey()
      let added = try await administration.addHub(
        HubInput(name: "plant", host: "mqtt.example", groups: ["pumps"], csr: ""),
        csr: try key.request(commonName: "plant"), by: caller
      ).get()
      let root = try folder.read("data/trust/root.pem")
      _ = try folder.write(
        added.chain.map { PEM.certificate($0) }.joined() + root + PEM.privateKey(key.key), to: "plant.pem")
      await opened.store.close()
    }

    @Test func `a hub whose certificate is two thirds over renews it by itself, and goes on`() async throws {
      try await ServedInstance.with(
        prepare: { try await foundLongAgo($0) },
        { instance in
          let plant = instance.folder.file("plant.pem")
          try await enroll("pump-1", group: "pumps", instance)
          let before = try String(contentsOfFile: plant, encoding: .utf8)
          let follower = Process()
          follower.executableURL = URL(fileURLWithPath: try Program.path())
          follower.arguments = ["hub", "follow", "--state", instance.folder.file("follower")]
          follower.environment = ProcessInfo.processInfo.environment.merging(
            ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": plant]) { $1 }
          follower.standardOutput = FileHandle.nullDevice
          follower.standardError = FileHandle.nullDevice
          try launch(follower)
          defer {
            kill(follower.processIdentifier, SIGKILL)
            follower.waitUntilExit()
          }
          let client = try instance.client(instance.administrator)
          let page = try await client.send(.GET, "/v1/certificates?device=pump-1")
          await client.shutdown()
          let serial = try #require(
            try JSONDecoder().decode(Page<CertificateSummary>.self, from: Data(page.body)).rows.first?.serial)
          #expect(
            try await instance.muster("certificate", "revoke", serial, "--wait").succeeded().contains(
              "enforced by plant"))
          let after = try String(contentsOfFile: plant, encoding: .utf8)
          #expect(before != after && !FileManager.default.fileExists(atPath: plant + ".pending"))
          let certificates = try await instance.muster("certificate", "list", "--output", "json").succeeded()
            .split(separator: "\n").map { try JSONDecoder().decode(CertificateSummary.self, from: Data($0.utf8)) }
          #expect(certificates.count { $0.profile == "hub" } == 2, "renewed once, and not again and again")
          // The old one is good for the overlap, so that what still shows it is not cut off.
          let old = try instance.folder.write(before, to: "old.pem")
          try await instance.withClient(old) { hub in
            let answer = try await hub.send(.GET, "/v1/hub/devices/pump-1/credentials")
            #expect(answer.status == 200, "\(answer.text)")
          }
          #expect(try await instance.onFolder("ledger", "verify").succeeded().contains("receipts of hubs agree"))
          _ = try await instance.muster("operator", "renew", "--if-due").succeeded()
          _ = try await instance.muster("operator", "renew").succeeded()
          #expect(try await instance.muster("hub", "status").status == 0, "the administrator is known by the new one")
        })
    }

    @Test func `a revocation is acted on, promised and seen, though follower and service are killed`() async throws {
      try await ServedInstance.with { instance in
        let plant = try await prepare(instance, ["pump-1", "pump-2", "pump-3"])
        let acts = instance.folder.file("acts")
        let state = instance.folder.file("follower")
        let list = instance.folder.file("devices.crl")
        func follow() async throws -> Process {
          let process = Process()
          process.executableURL = URL(fileURLWithPath: try Program.path())
          process.arguments = [
            "hub", "follow", "--state", state, "--crl", list, "--exec",
            "echo $MUSTER_CHANGE $MUSTER_DEVICE_ID $MUSTER_POSITION >> \(acts)",
          ]
          process.environment = ProcessInfo.processInfo.environment.merging(
            ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": plant]) { $1 }
          process.standardOutput = FileHandle.nullDevice
          process.standardError = FileHandle.nullDevice
          try launch(process)
          return process
        }
        let client = try instance.client(instance.administrator)
        func serial(_ device: String) async throws -> String {
          let page = try await client.send(.GET, "/v1/certificates?device=\(device)")
          let rows = try JSONDecoder().decode(Page<CertificateSummary>.self, from: Data(page.body)).rows
          return try #require(rows.first?.serial)
        }
        let serials = [try await serial("pump-1"), try await serial("pump-2"), try await serial("pump-3")]
        var follower = try await follow()
        let first = try await instance.muster("certificate", "revoke", serials[0], "--wait")
        #expect(try first.succeeded().contains("enforced by plant"))
        kill(follower.processIdentifier, SIGKILL)
        follower.waitUntilExit()
        let waiting = try await instance.muster("certificate", "revoke", serials[1], "--wait", "--timeout", "1s")
        #expect(waiting.status == 3 && waiting.errors.contains("plant"))
        follower = try await follow()
        #expect(
          try await instance.muster("certificate", "revoke", serials[1], "--wait").succeeded().contains("enforced"))
        await client.shutdown()
        kill(follower.processIdentifier, SIGKILL)
        follower.waitUntilExit()
        await instance.service.end(SIGKILL)
        try await instance.start()
        follower = try await follow()
        #expect(
          try await instance.muster("certificate", "revoke", serials[2], "--wait").succeeded().contains("enforced"))
        let status = try await instance.muster("hub", "status", "--output", "csv").succeeded()
        #expect(status.contains("plant,mqtt.plant.example,") && status.contains(",0,"))
        kill(follower.processIdentifier, SIGKILL)
        follower.waitUntilExit()
        let lines = try instance.folder.read("acts").split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.filter { $0[0] == "revoked" }.map { String($0[1]) } == ["pump-1", "pump-2", "pump-3"])
        let listed = try await run("openssl", ["crl", "-inform", "DER", "-in", list, "-noout", "-text"]).succeeded()
        for serial in serials { #expect(listed.contains("Serial Number: \(serial.uppercased())")) }
        let verified = try await instance.onFolder("ledger", "verify").succeeded()
        #expect(verified.contains("receipts of hubs agree"))
        try await instance.expectWholeLedger()
      }
    }
  }
}
