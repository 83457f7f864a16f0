import Enrollment
import Foundation
import HubAccess
import KeyVault
import MusterModel
import MusterTesting
import NIOHTTP1
import Testing

@testable import muster

extension ServiceTests {
  /// A rollover by the command line over a running service, which is killed in the middle of it.
  @Suite struct RolloverServiceTests {
    private typealias Keys = [UInt32: DeviceKey]

    /// Meters of a group with keys, the hub that sees them, and what they hold.
    private func prepare(_ instance: ServedInstance, _ count: Int) async throws -> (
      hub: String, devices: [String: Keys]
    ) {
      _ = try await instance.muster("group", "add", "meters").succeeded()
      let hub = instance.folder.file("plant.pem")
      _ = try await instance.muster(
        "hub", "add", "plant", "--host", "mqtt.example", "--group", "meters", "--out", hub
      ).succeeded()
      var devices: [String: Keys] = [:]
      for number in 0..<count {
        let (device, out) = ("meter-\(number)", instance.folder.file("keys-\(number)"))
        _ = try await instance.enroll(device, "cpu-serial:feed0000\(number)", ["--group", "meters"])
        _ = try await instance.muster("device", "rekey", device, "--out", out).succeeded()
        let keys = try JSONDecoder().decode(IssuedKeys.self, from: Data(contentsOf: URL(fileURLWithPath: out)))
        devices[device] = [
          keys.primary.version: try key(keys.primary.key), keys.secondary.version: try key(keys.secondary.key),
        ]
      }
      return (hub, devices)
    }

    private func key(_ text: String) throws -> DeviceKey {
      try #require(Data(base64Encoded: text).flatMap { DeviceKey(SecretBytes(copying: $0)) })
    }

    private func verify(_ device: String, _ key: DeviceKey, _ hub: TestClient) async throws -> TokenResult {
      struct Answer: Decodable { let results: [TokenResult] }
      let token = SharedAccessToken.make(
        host: "mqtt.example", deviceID: try #require(DeviceID(device)), expires: SystemClock().now() + .seconds(600),
        key: key)
      let answer = try await hub.json(.POST, "/v1/hub/tokens/verify", ["tokens": [token]])
      try #require(answer.status == 200, "\(answer.text)")
      return try #require(try JSONDecoder().decode(Answer.self, from: Data(answer.body)).results.first)
    }

    /// As a device without a certificate asks; nil while there is none.
    private func fetch(_ device: String, by old: DeviceKey, _ client: TestClient) async throws -> FetchedKey? {
      let token = IdentityToken.make(
        trustDomain: "test.example", deviceID: try #require(DeviceID(device)),
        expires: SystemClock().now() + .seconds(600), key: old)
      let answer = try await client.send(.GET, "/v1/identity/key", [("Authorization", token)])
      if answer.code == "no-new-key" { return nil }
      try #require(answer.status == 200, "\(answer.text)")
      return try JSONDecoder().decode(FetchedKey.self, from: Data(answer.body))
    }

    private func status(_ rollover: String, _ instance: ServedInstance) async throws -> RolloverSummary {
      let line = try await instance.muster("rollover", "status", rollover, "--output", "json").succeeded()
      return try JSONDecoder().decode(RolloverSummary.self, from: Data(line.utf8))
    }

    /// Asks again and again until it is so.
    private func status(
      _ rollover: String, _ instance: ServedInstance, until isSo: (RolloverSummary) -> Bool
    ) async throws -> RolloverSummary {
      while true {
        let found = try await status(rollover, instance)
        if isSo(found) { return found }
      }
    }

    @Test func `meters get new keys by token and by their hub, over a kill, and the old ones end`() async throws {
      try await ServedInstance.with { instance in
        var (plant, devices) = try await prepare(instance, 3)
        let officer = try await instance.add("olga", .securityOfficer)
        let planned = try await instance.muster(
          "rollover", "plan", "--group", "meters", "--deadline", "30d", "--canary", "34", "--step", "66", "--soak",
          "1s",
          "--overlap", "1s", as: officer
        ).succeeded()
        let rollover = planned.trimmingCharacters(in: .newlines)
        #expect(rollover.hasPrefix("rol_"))
        #expect(
          try await instance.muster("rollover", "start", rollover, as: officer).succeeded() == "\(rollover) running\n")
        #expect(try await status(rollover, instance) { $0.entered == 2 }.devices["waiting"] == 2)
        let listed = try await instance.muster("rollover", "status", rollover, "--stragglers", "--output", "csv")
          .succeeded()
        let canaries = listed.split(separator: "\n").dropFirst().compactMap {
          $0.split(separator: ",").first.map(String.init)
        }
        #expect(canaries.count == 2 && canaries.allSatisfy { devices[$0] != nil }, "\(listed)")

        let device = try #require(canaries.first)
        let old = try #require(devices[device]?[2])
        try await instance.withClient { client in
          var found: FetchedKey?
          while found == nil { found = try await fetch(device, by: old, client) }
          devices[device]?[3] = try key(try #require(found).key)
          #expect(found?.version == 3)
        }
        try await instance.withClient(plant) { hub in
          let new = try #require(devices[device]?[3])
          #expect(try await verify(device, new, hub).keyVersion == 3)
          let other = try #require(devices[canaries[1]]?[1])
          #expect(try await verify(canaries[1], other, hub).keyVersion == 1)
        }
        // What was told before the kill is on disk.
        try await instance.killAndStartAgain()
        _ = try await status(rollover, instance) { $0.devices["settled"] == 1 && $0.devices["made"] == 1 }
        try await instance.withClient(plant) { hub in
          let (before, after) = (
            try await verify(device, old, hub), try await verify(device, try #require(devices[device]?[3]), hub)
          )
          #expect(before.code == "token-signature" && after.valid)
        }
        // The second wave waits for the first one's second device.
        for device in [canaries[1]] + devices.keys.filter({ !canaries.contains($0) }) {
          let held = try #require(devices[device]?[1])
          try await instance.withClient { client in
            var found: FetchedKey?
            while found == nil { found = try await fetch(device, by: held, client) }
            devices[device]?[3] = try key(try #require(found).key)
          }
          try await instance.withClient(plant) { hub in
            let result = try await verify(device, try #require(devices[device]?[3]), hub)
            #expect(result.keyVersion == 3)
          }
        }
        let done = try await status(rollover, instance) { $0.state == .finished }
        #expect(done.devices["settled"] == 3 && done.cause == .done)
        try await instance.withClient(plant) { hub in
          for (device, keys) in devices {
            for (version, key) in keys {
              let result = try await verify(device, key, hub)
              #expect(result.valid == (version == 3))
            }
          }
        }
        let history = try await instance.muster("device", "history", device, "--output", "csv").succeeded()
        #expect(history.contains("key 3 made by a rollover") && history.contains("key 3 alone from here on: overlap"))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a device fetches its new key by its certificate, and an abort takes it back`() async throws {
      try await ServedInstance.with { instance in
        let (plant, devices) = try await prepare(instance, 1)
        let identity = try await instance.enroll("meter-9", "cpu-serial:feed00009", ["--group", "meters"])
        let out = instance.folder.file("keys-9")
        _ = try await instance.muster("device", "rekey", "meter-9", "--out", out).succeeded()
        let keys = try JSONDecoder().decode(IssuedKeys.self, from: Data(contentsOf: URL(fileURLWithPath: out)))
        let old = try key(keys.primary.key)
        let rollover = try await instance.muster(
          "rollover", "plan", "--all", "--deadline", "30d", "--canary", "100"
        ).succeeded().trimmingCharacters(in: .newlines)
        _ = try await instance.muster("rollover", "start", rollover).succeeded()
        _ = try await status(rollover, instance) { $0.entered == 2 }
        try await instance.withClient(plant) { hub in
          #expect(try await verify("meter-9", old, hub).valid)
          _ = try await status(rollover, instance) { $0.devices["made"] == 1 }
          let fetched = try await instance.withClient(identity) { client in
            try JSONDecoder().decode(
              FetchedKey.self, from: Data(try await client.send(.GET, "/v1/identity/key").body))
          }
          #expect(fetched.version == 3)
          let aborted = try await instance.muster("rollover", "abort", rollover).succeeded()
          #expect(aborted.hasPrefix(rollover))
          _ = try await status(rollover, instance) { $0.state == .aborted }
          #expect(try await verify("meter-9", try key(fetched.key), hub).code == "token-signature")
          #expect(try await verify("meter-9", old, hub).valid)
          for (version, key) in try #require(devices["meter-0"]) {
            #expect(try await verify("meter-0", key, hub).keyVersion == version)
          }
        }
        #expect(try await instance.muster("rollover", "resume", rollover).errors.contains("rollover-state"))
        #expect(try await instance.muster("rollover", "list", "--output", "csv").succeeded().contains(",aborted,"))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a CA is walked out of the fleet by devices that renew when they are asked to`() async throws {
      try await ServedInstance.with { instance in
        let agents = [DeviceAgentTests.Agent(instance, "first"), DeviceAgentTests.Agent(instance, "second")]
        for (agent, device) in zip(agents, ["pump-7", "pump-77"]) {
          _ = try await agent.enroll(device, try await agent.ticket(device)).succeeded()
          #expect(try await agent.run("renew").succeeded().hasPrefix("not due before"))
        }
        let old = try agents.map { try $0.file("certificate.pem") }
        let address = String(instance.service.server.dropFirst("https://".count))
        await instance.service.end()
        let rotated = try await instance.onFolder(
          "ca", "rotate", "--recovery-code-file", instance.folder.file("recovery-code")
        ).succeeded().split(separator: " ").map(String.init)
        let (new, before) = (try #require(rotated.first), try #require(rotated.last).trimmingCharacters(in: .newlines))
        instance.service = try await ServiceProcess(
          data: instance.data, log: instance.folder.file("log"), ["--listen", address])
        #expect(try await instance.muster("ca", "show", "--output", "csv").succeeded().contains(new))

        let inUse = try await instance.muster(
          "rollover", "plan", "--certificates", "--issuer", new, "--all", "--deadline", "30d")
        #expect(inUse.errors.contains("issuer-in-use"))
        let rollover = try await instance.muster(
          "rollover", "plan", "--certificates", "--issuer", before, "--all", "--deadline", "30d", "--canary", "50",
          "--step", "50", "--soak", "1s", "--overlap", "1s"
        ).succeeded().trimmingCharacters(in: .newlines)
        _ = try await instance.muster("rollover", "start", rollover).succeeded()
        _ = try await status(rollover, instance) { $0.entered == 1 }
        var renewed = 0
        for agent in agents where try await agent.run("renew").succeeded().hasPrefix("renewed until") { renewed += 1 }
        #expect(renewed == 1, "one is in the first wave")
        _ = try await status(rollover, instance) { $0.devices["settled"] == 1 && $0.entered == 2 }
        for agent in agents { _ = try await agent.run("renew").succeeded() }
        let done = try await status(rollover, instance) { $0.state == .finished }
        #expect(done.kind == .certificates && done.issuerKeyID == before && done.devices["settled"] == 2)
        for (agent, old) in zip(agents, old) {
          #expect(try agent.file("certificate.pem") != old)
          #expect(try await agent.run("connect").succeeded().contains("enabled"))
          #expect(try await agent.run("renew").succeeded().hasPrefix("not due before"))
          let identity = instance.folder.file("old.pem")
          try Data((old + (try agent.file("private-key.pem"))).utf8).write(to: URL(fileURLWithPath: identity))
          try await instance.withClient(identity) { client in
            let refused = try await client.send(.GET, "/v1/identity")
            #expect(refused.code == "certificate-revoked")
          }
        }
        let history = try await instance.muster("device", "history", "pump-7", "--output", "csv").succeeded()
        #expect(history.contains("certificates that were to leave ended: overlap"))
        #expect(try await instance.muster("rollover", "list", "--output", "csv").succeeded().contains(",certificates,"))
        try await instance.expectWholeLedger()
      }
    }
  }
}
