import Foundation
import HubAccess
import MusterTesting
import NIOHTTP1
import ServiceAnswers
import Testing

@testable import muster_device

extension ServiceTests {
  /// `muster-device` with symmetric keys, through rollovers of them.
  @Suite struct AgentKeyTests {
    typealias Agent = DeviceAgentTests.Agent

    /// A group, and the identity of the hub that sees its devices.
    private func prepare(_ instance: ServedInstance) async throws -> String {
      _ = try await instance.muster("group", "add", "meters").succeeded()
      let plant = instance.folder.file("plant.pem")
      _ = try await instance.muster(
        "hub", "add", "plant", "--host", "mqtt.example", "--group", "meters", "--out", plant
      ).succeeded()
      return plant
    }

    private func enroll(_ name: String, _ instance: ServedInstance) async throws -> Agent {
      let agent = Agent(instance, name)
      let code = try await instance.muster(
        "ticket", "issue", "--hardware", "cpu-serial:board-\(name)", "--device", name, "--group", "meters"
      ).succeeded().trimmingCharacters(in: .newlines)
      _ = try await agent.enroll(name, code, ["--credentials", "both"]).succeeded()
      return agent
    }

    /// Whose version of the device's keys the hub finds in what its agent prints.
    private func version(_ agent: Agent, _ plant: String) async throws -> UInt32? {
      let token = try await agent.run("token", "--host", "mqtt.example").succeeded()
      return try await verify(token.trimmingCharacters(in: .newlines), agent.instance, plant).keyVersion
    }

    private func verify(_ token: String, _ instance: ServedInstance, _ plant: String) async throws -> TokenResult {
      struct Answer: Decodable { let results: [TokenResult] }
      return try await instance.withClient(plant) { hub in
        let answer = try await hub.json(.POST, "/v1/hub/tokens/verify", ["tokens": [token]])
        try #require(answer.status == 200, "\(answer.text)")
        return try #require(try JSONDecoder().decode(Answer.self, from: Data(answer.body)).results.first)
      }
    }

    private func keys(_ agent: Agent) throws -> SymmetricKeys {
      try #require(try SymmetricKeys.read(try StateFolder.existing(at: agent.state)))
    }

    private func versions(_ agent: Agent) throws -> [UInt32] {
      let keys = try keys(agent)
      return [keys.primary.number] + [keys.secondary?.number].compactMap(\.self)
    }

    @Test func `an agent brings its tokens through a rollover`() async throws {
      try await ServedInstance.with { instance in
        let plant = try await prepare(instance)
        let agent = try await enroll("meter-7", instance)
        #expect(try agent.mode("\(agent.state)/device-keys.json") == 0o600)
        #expect(try await agent.run("status").succeeded().contains("signed with key 1; key 2 is there too"))
        let old = try await agent.run("token", "--host", "mqtt.example").succeeded().trimmingCharacters(in: .newlines)
        #expect(try await verify(old, instance, plant).keyVersion == 1)
        let rollover = try await instance.startRollover(
          "--group", "meters", "--deadline", "30d", "--canary", "100", "--soak", "1s", "--overlap", "1s"
        ) { $0.entered == 1 }
        // By calling in it says which of its keys it uses.
        #expect(try await agent.run("renew").succeeded().hasPrefix("not due before"))
        #expect(try versions(agent) == [1, 2])
        try await instance.rollover(rollover) { $0.devices["made"] == 1 }
        #expect(try await agent.run("renew").succeeded().contains("tokens are signed with key 3"))
        #expect(try versions(agent) == [3] && agent.mode("\(agent.state)/device-keys.json") == 0o600)
        #expect(try await agent.run("status").succeeded().contains("tokens   signed with key 3\n"))
        let done = try await instance.rollover(rollover) { $0.state == .finished }
        #expect(done.devices["settled"] == 1)
        #expect(try await version(agent, plant) == 3)
        #expect(try await verify(old, instance, plant).code == "token-signature")
        let kept = try agent.file("device-keys.json")
        #expect(try await agent.run("renew").status == 0 && agent.file("device-keys.json") == kept)
        _ = try await agent.run("unenroll").succeeded()
        #expect(!FileManager.default.fileExists(atPath: agent.state))
        try await instance.expectWholeLedger()
      }
    }

    /// The service's answer to a question that the agent did not live to hear.
    private func ask(_ agent: Agent, _ name: String, by key: SymmetricKeys.Version) async throws
      -> SymmetricKeys.Version
    {
      let token = key.token(for: "test.example/identity/\(name)", until: Date() + 600)
      return try await agent.instance.withClient { client in
        let answer = try await client.send(.GET, "/v1/identity/key", [("Authorization", token)])
        try #require(answer.status == 200, "\(answer.text)")
        return SymmetricKeys.Version(try ServiceAnswer.decode(Data(answer.body)) as DeviceKeyAnswer)
      }
    }

    @Test func `cut off between any two steps it goes on, and an abort brings it back to its old key`() async throws {
      try await ServedInstance.with { instance in
        let plant = try await prepare(instance)
        let (first, second) = (try await enroll("meter-1", instance), try await enroll("meter-2", instance))
        let rollover = try await instance.startRollover(
          "--group", "meters", "--deadline", "30d", "--canary", "100", "--soak", "1s", "--overlap", "1d"
        ) { $0.entered == 2 }
        for agent in [first, second] { #expect(try await agent.run("renew").status == 0) }
        try await instance.rollover(rollover) { $0.devices["made"] == 2 }
        let old = try keys(first)
        let new = try await ask(first, "meter-1", by: old.primary)
        #expect(try await ask(first, "meter-1", by: old.primary) == new, "the same is told again")
        let folder = try StateFolder.existing(at: first.state)
        // Killed before the answer was kept, before the new key was used, and before the old one went.
        for kept in [old, SymmetricKeys(primary: new, secondary: old.primary)] {
          try kept.write(to: folder)
          #expect(try await first.run("renew").status == 0)
          #expect(try keys(first) == SymmetricKeys(primary: new, secondary: nil))
          try await instance.rollover(rollover) { $0.devices["proved"] == 1 }
        }
        try SymmetricKeys(primary: new, secondary: old.primary).write(to: folder)
        // And as the kernel has it.
        let path = folder.path(of: .deviceKeys)
        for moment in [path + ".new", path] {
          try old.write(to: folder)
          let before = try Data(contentsOf: URL(filePath: path))
          try await DeviceAgentTests().kill(first, ["renew"]) {
            moment == path
              ? (try? Data(contentsOf: URL(filePath: path))) != before : FileManager.default.fileExists(atPath: moment)
          }
          #expect(try await first.run("renew").status == 0)
          #expect(try keys(first) == SymmetricKeys(primary: new, secondary: nil))
          #expect(try FileManager.default.contentsOfDirectory(atPath: first.state).allSatisfy { !$0.hasSuffix(".new") })
        }
        // The other has its new key, and has not used it, when the rollover is aborted.
        let held = try keys(second)
        let fetched = try await ask(second, "meter-2", by: held.primary)
        try SymmetricKeys(primary: fetched, secondary: held.primary).write(to: StateFolder.existing(at: second.state))
        _ = try await instance.muster("rollover", "abort", rollover).succeeded()
        try await instance.rollover(rollover) { $0.state == .aborted }
        #expect(try await second.run("renew").succeeded().contains("tokens are signed with key 1"))
        #expect(try keys(second) == SymmetricKeys(primary: held.primary, secondary: nil))
        #expect(try await first.run("renew").status == 0)
        #expect(try await [version(first, plant), version(second, plant)] == [3, 1])
        try await instance.expectWholeLedger()
      }
    }

    @Test func `whose old key was taken at the deadline gets the new one by its certificate, as the policy allows`()
      async throws
    {
      try await ServedInstance.with(prepare: { try $0.letRolloversBreak(1) }) { instance in
        let plant = try await prepare(instance)
        let agent = try await enroll("meter-7", instance)
        let greedy = try await instance.muster("rollover", "plan", "--all", "--deadline", "30d", "--may-break", "2")
        // Keys of which the service knows none are for the operator to replace.
        let kept = try keys(agent)
        let folder = try StateFolder.existing(at: agent.state)
        try SymmetricKeys(primary: .init(number: 7, key: .init(size: .bits256)), secondary: nil).write(to: folder)
        let lost = try await agent.run("renew")
        #expect(lost.status == 1 && lost.errors.contains("muster device rekey meter-7"), "\(lost.errors)")
        try kept.write(to: folder)
        #expect(greedy.status == 1 && greedy.errors.contains("rollover-may-break"), "\(greedy.errors)")
        _ = try await instance.startRollover(
          "--group", "meters", "--deadline", "2s", "--canary", "100", "--may-break", "1"
        ) { $0.devices["broken"] == 1 }
        let dead = try await agent.run("token", "--host", "mqtt.example").succeeded().trimmingCharacters(in: .newlines)
        #expect(try await verify(dead, instance, plant).code == "token-signature")
        #expect(try await agent.run("renew").succeeded().contains("tokens are signed with key 3"))
        #expect(try versions(agent) == [3])
        #expect(try await version(agent, plant) == 3)
        try await instance.expectWholeLedger()
      }
    }
  }
}
