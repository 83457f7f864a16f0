import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// A service that wants Secure Boot of each TPM: by the agent, by tpm2-tools, and offline.
  @Suite(.enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools")) struct MeasuredAgentTests {
    private static let rules = """
      version: 1
      profiles: {device: device, operator: operator, hub: hub, server: server, ocsp-responder: ocsp-responder}
      rules:
        - {name: measured, verdict: permit, evidence: [tpm], secure-boot: required}

      """

    private func withMachine(
      _ body: (ServedInstance, SoftwareTPM, _ log: String, _ otherLog: String) async throws -> Void
    ) async throws {
      let tpm = try SoftwareTPM()
      try tpm.extend(.start())
      try tpm.folder.write(MadeEventLog.start().bytes, "log")
      try tpm.folder.write(MadeEventLog.start(secureBoot: [0]).bytes, "other-log")
      try await ServedInstance.with(prepare: { folder in
        try Self.rules.write(
          toFile: folder.file("data/policies/enrollment.yaml"), atomically: true, encoding: .utf8)
      }) { instance in
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        try await body(instance, tpm, tpm.folder.path("log"), tpm.folder.path("other-log"))
      }
    }

    @Test func `the agent shows the registers that the policy looks at, with the firmware's log`() async throws {
      try await withMachine { instance, tpm, log, otherLog in
        let agent = DeviceAgentTests.Agent(instance)
        let enroll = agent.enroll + ["--tpm", tpm.tcti]
        let unknown = try await agent.run(enroll)
        let hardware = try #require(unknown.errors.firstMatch(of: /tpm-ek:[0-9a-f]{64}/), "\(unknown.errors)").output
        _ = try await instance.muster("hardware", "allow", String(hardware), "--group", "pumps").succeeded()
        let without = try await agent.run(enroll)
        #expect(without.status == 1 && without.errors.contains("secure-boot-required"), "\(without.errors)")
        let other = try await agent.run(enroll + ["--event-log", otherLog])
        #expect(other.status == 1 && other.errors.contains("event-log-wrong"), "\(other.errors)")
        let absent = try await agent.run(enroll + ["--event-log", log + "s"])
        #expect(absent.status == 2 && absent.errors.contains("event log"), "\(absent.errors)")
        _ = try await agent.run(enroll + ["--event-log", log]).succeeded()
        let name = "tpm-" + hardware.dropFirst("tpm-ek:".count).prefix(40)
        let shown = try await instance.muster("device", "show", name).succeeded()
        let value = Hex.encode(MadeEventLog.start().value(of: 7))
        #expect(shown.contains("Secure Boot") && shown.contains("PCR 7") && shown.contains(value), "\(shown)")
        try await instance.expectWholeLedger()
      }
    }

    @Test func `tpm2-tools show them too, and what they showed is appraised offline`() async throws {
      try await withMachine { instance, tpm, log, otherLog in
        let state = tpm.folder.path("state")
        func script(_ arguments: String..., log: String) async throws -> Ran {
          try await run(
            Project.root.appending(path: "Docs/enroll-tpm.sh").path, arguments,
            environment: ["TPM2TOOLS_TCTI": tpm.tcti, "EVENT_LOG": log, "KEEP": tpm.folder.path("kept")])
        }
        let hardware = try await script("--endorsement-key", state, log: log).succeeded()
          .trimmingCharacters(in: .newlines)
        _ = try await instance.muster("hardware", "allow", hardware, "--group", "pumps").succeeded()
        let refused = try await script(instance.service.server, instance.root, state, log: otherLog)
        #expect(refused.status == 1 && refused.errors.contains("event-log-wrong"), "\(refused.errors)")
        _ = try await script(instance.service.server, instance.root, state, log: log).succeeded()

        let accepted = try await appraise(tpm)
        #expect(accepted.status == 0 && accepted.lines.last == "accepted", "\(accepted.output)")
        #expect(accepted.output.contains("Secure Boot             holds      on"), "\(accepted.output)")
        let spoiled = try await appraise(tpm, ["eventLog": Data(tpm.folder.read("other-log")).base64EncodedString()])
        #expect(spoiled.status == 1 && spoiled.output.contains("event-log-wrong"), "\(spoiled.output)")
        let alone = try await appraise(tpm, ["quote": nil, "quoteSignature": nil])
        #expect(alone.status == 1 && alone.output.contains("beside a quote"), "\(alone.output)")
      }
    }

    /// `muster evidence appraise` of what the script kept, with changes.
    private func appraise(_ tpm: SoftwareTPM, _ changes: [String: String?] = [:]) async throws -> Ran {
      func object(_ name: String) throws -> [String: String] {
        let read = try JSONSerialization.jsonObject(with: Data(try tpm.folder.read("kept/\(name).json")))
        return try #require(read as? [String: Any]).compactMapValues { $0 as? String }
      }
      var evidence = try object("answer").filter { $0.key != "secret" }
      evidence["nonce"] = try object("challenge")["nonce"]
      for (name, value) in changes { evidence[name] = value }
      let file = tpm.folder.path("evidence.json")
      try JSONSerialization.data(withJSONObject: evidence).write(to: URL(filePath: file))
      return try await Program.muster(["evidence", "appraise", file])
    }
  }
}
