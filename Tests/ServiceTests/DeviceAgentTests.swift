import Crypto
import Foundation
import MusterModel
import MusterTesting
import SwiftASN1
import Testing

@testable import muster_device

extension ServiceTests {
  /// `muster-device`, the program, against a served instance.
  @Suite struct DeviceAgentTests {
    /// A device: where its agent keeps what it has.
    struct Agent: Sendable {
      let instance: ServedInstance
      let state: String

      init(_ instance: ServedInstance, _ name: String = "device") {
        self.instance = instance
        state = instance.folder.file(name)
      }

      static func path() throws -> String {
        URL(filePath: try Program.path()).deletingLastPathComponent().appending(path: "muster-device").path
      }

      func run(_ arguments: [String], input: String = "") async throws -> Ran {
        try await MusterTesting.run(
          try Agent.path(), arguments + ["--state", state], input: Array(input.utf8))
      }

      func run(_ arguments: String...) async throws -> Ran { try await run(arguments) }

      var enroll: [String] { ["enroll", "--server", instance.service.server, "--ca", instance.root] }

      func enroll(_ device: String, _ code: String, _ more: [String] = []) async throws -> Ran {
        try await run(enroll + ["--device", device, "--ticket", "-"] + more, input: code + "\n")
      }

      func ticket(_ device: String) async throws -> String {
        try await instance.muster(
          "ticket", "issue", "--hardware", "cpu-serial:feed00\(device.utf8.count)a", "--device", device
        )
        .succeeded().trimmingCharacters(in: .newlines)
      }

      func file(_ name: String) throws -> String { try String(contentsOfFile: "\(state)/\(name)", encoding: .utf8) }
      func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(state)/\(name)") }
      func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(state)/\(name)") }

      /// What the daemon does, look by look, while what holds the key is away, and after `putBack`.
      func expectRenewal(onceBack putBack: () throws -> Void) async throws {
        let certificate = try file("certificate.pem")
        var renewal = Renewal(state: state, isWanted: true)
        #expect((30...60).contains(try await renewal.look()))
        #expect((60...120).contains(try await renewal.look()))
        #expect(try file("certificate.pem") == certificate)
        try putBack()
        #expect(try await renewal.look() == 3600)
        let renewed = try file("certificate.pem")
        #expect(renewed != certificate)
        #expect(try await renewal.look() == 3600 && file("certificate.pem") == renewed)
      }

      func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      }
    }

    @Test func `a device enrolls by a ticket, connects, renews and leaves`() async throws {
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        let enrolled = try await agent.enroll("pump-7", code).succeeded()
        #expect(enrolled.hasPrefix("enrolled as pump-7, until "))
        #expect(try agent.mode(agent.state) == 0o700 && agent.mode("\(agent.state)/private-key.pem") == 0o600)
        try OpenSSL().succeed(
          "verify -x509_strict -purpose sslclient -CAfile \(instance.root) -untrusted \(agent.state)/certificate.pem "
            + "\(agent.state)/certificate.pem")
        let (certificate, key) = (try agent.file("certificate.pem"), try agent.file("private-key.pem"))
        #expect(try await agent.enroll("pump-7", code).succeeded().hasPrefix("enrolled already as pump-7"))

        let status = try await agent.run("status").succeeded()
        #expect(status.contains("pump-7") && status.contains("in the file") && status.contains("renews   from"))
        let connected = try await agent.run("connect").succeeded()
        #expect(connected.contains("pump-7, enabled") && connected.contains("not-attested"))
        #expect(try await agent.run("renew").succeeded().hasPrefix("not due before"))
        #expect(try agent.file("certificate.pem") == certificate)
        #expect(try await agent.run("renew", "--now").succeeded().hasPrefix("renewed until"))
        #expect(try agent.file("certificate.pem") != certificate && agent.file("private-key.pem") == key)
        try OpenSSL().succeed(
          "verify -CAfile \(instance.root) -untrusted \(agent.state)/certificate.pem \(agent.state)/certificate.pem")
        #expect(try await agent.run("connect").status == 0)

        _ = try await instance.muster("device", "disable", "pump-7", "--reason", "lost").succeeded()
        let refused = try await agent.run("connect")
        #expect(refused.status == 1 && refused.errors.contains("certificate-held"), "\(refused.errors)")
        #expect(try await agent.run("unenroll").succeeded().contains("muster device retire pump-7"))
        #expect(!FileManager.default.fileExists(atPath: agent.state))
        let gone = try await agent.run("status")
        #expect(gone.status == 1 && gone.errors.contains("enroll first"))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `it trusts the service by a fingerprint, and no other service`() async throws {
      try await ServedInstance.with { instance in
        let root = try PEMDocument(pemString: String(contentsOfFile: instance.root, encoding: .utf8)).derBytes
        let fingerprint = MusterModel.Digest.sha256(root).hex
        let code = try await Agent(instance).ticket("pump-7")
        func enroll(_ agent: Agent, _ trust: [String]) async throws -> Ran {
          try await agent.run(
            ["enroll", "--server", instance.service.server, "--device", "pump-7", "--ticket", "-"] + trust, input: code)
        }
        let other = try await enroll(Agent(instance, "other"), ["--ca-sha256", MusterModel.Digest.sha256([1]).hex])
        #expect(other.status == 1 && other.errors.contains("is it the right service?"), "\(other.errors)")
        let maker = try await MakerPKI(instance.folder)
        let stranger = try await enroll(Agent(instance, "stranger"), ["--ca", maker.root])
        #expect(stranger.status == 1 && stranger.errors.contains("the right anchor?"), "\(stranger.errors)")
        let both = try await enroll(Agent(instance), ["--ca", instance.root, "--ca-sha256", fingerprint])
        #expect(both.status == 2)
        let agent = Agent(instance, "device")
        _ = try await enroll(agent, ["--ca-sha256", fingerprint]).succeeded()
        #expect(try PEMDocument(pemString: agent.file("trust.pem")).derBytes == root)
        #expect(try await agent.run("connect").status == 0)
      }
    }

    /// What is on disk when it is killed; the last stands for an answer that was lost on its way.
    static let moments = ["settings.json", "trust.pem", "private-key.pem", "certificate.pem"]

    @Test func `killed at any moment it goes on with the same key and gets the same certificate`() async throws {
      try await ServedInstance.with { instance in
        for (number, moment) in Self.moments.enumerated() {
          let agent = Agent(instance, "device-\(number)")
          let device = "pump-" + String(repeating: "x", count: number + 1)
          let file = try instance.folder.write(try await agent.ticket(device), to: "code-\(number)")
          let enroll = agent.enroll + ["--device", device, "--ticket", file]
          try await kill(agent, enroll) { agent.has(moment) }
          let key = agent.has("private-key.pem") ? try agent.file("private-key.pem") : nil
          _ = try await agent.run(enroll).succeeded()
          let certificate = try agent.file("certificate.pem")
          if let key { #expect(try agent.file("private-key.pem") == key) }
          try agent.remove("certificate.pem")
          _ = try await agent.run(enroll).succeeded()
          #expect(try agent.file("certificate.pem") == certificate, "\(moment)")
          #expect(try FileManager.default.contentsOfDirectory(atPath: agent.state).allSatisfy { !$0.hasSuffix(".new") })
        }
        let devices = try await instance.muster("device", "list", "--output", "csv").succeeded()
        #expect(devices.split(whereSeparator: \.isNewline).count == Self.moments.count + 1)
        try await instance.expectWholeLedger()
      }
    }

    /// SIGKILL once `moment` is there, or the program's end where it was faster.
    func kill(
      _ agent: Agent, _ arguments: [String], once moment: @Sendable @escaping () -> Bool
    ) async throws {
      let process = Process()
      process.executableURL = URL(filePath: try Agent.path())
      process.arguments = arguments + ["--state", agent.state]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      let (ends, end) = AsyncStream.makeStream(of: Int32.self)
      process.terminationHandler = {
        end.yield($0.terminationStatus)
        end.finish()
      }
      try launch(process)
      while process.isRunning, !moment() { await Task.yield() }
      Foundation.kill(process.processIdentifier, SIGKILL)
      _ = await ends.first { _ in true }
    }

    @Test func `a folder that others may look into, another key's settings, and a wrong code are refused in words`()
      async throws
    {
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        let wrong = try await agent.enroll("pump-7", "nonsense")
        #expect(wrong.status == 1 && wrong.errors.contains("both are the ticket's"), "\(wrong.errors)")
        let elsewhere = try await agent.enroll("pump-7", code, ["--key", instance.folder.file("own.pem")])
        #expect(elsewhere.status == 2 && elsewhere.errors.contains("unenroll first"), "\(elsewhere.errors)")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: agent.state)
        let open = try await agent.enroll("pump-7", code)
        #expect(open.status == 1 && open.errors.contains("chmod 700"), "\(open.errors)")
        #expect(!(wrong.errors + elsewhere.errors + open.errors).contains(code))
        for misuse in [["--tpm", "cmd:/bin/sh"], ["--key", "a", "--tpm", "tabrmd"], ["--hardware", "shoe:7"]] {
          #expect(try await Agent(instance, "b").enroll("pump-7", code, misuse).status == 2, "\(misuse)")
        }
      }
    }

    @Test func `a board enrolls by its maker's certificate, with a key of its own`() async throws {
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let maker = try await MakerPKI(instance.folder)
        let enroll = agent.enroll + ["--idevid", maker.leaf, "--idevid-key", maker.key]
        let unknown = try await agent.run(enroll)
        #expect(unknown.status == 1 && unknown.errors.contains("certificate-untrusted"), "\(unknown.errors)")
        _ = try await instance.muster("group", "add", "pumps", "--trust", maker.root).succeeded()
        let enrolled = try await agent.run(enroll).succeeded()
        #expect(enrolled.hasPrefix("enrolled as SN-0001"), "\(enrolled)")
        #expect(try await agent.run("connect").succeeded().contains("SN-0001, enabled"))
        #expect(try await agent.run("renew", "--now").succeeded().hasPrefix("renewed until"))
        for misuse in [["--idevid", maker.leaf], ["--idevid-key", maker.key], ["--ticket", "-"]] {
          #expect(try await Agent(instance, "b").run(agent.enroll + misuse).status == 2, "\(misuse)")
        }
        let both = enroll + ["--device", "pump-7", "--ticket", "-"]
        #expect(try await Agent(instance, "b").run(both).status == 2)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: maker.key)
        let open = try await Agent(instance, "c").run(enroll)
        #expect(open.status == 1 && open.errors.contains("chmod 600"), "\(open.errors)")
      }
    }

    @Test func `a key that lies elsewhere is made there, used, and stays`() async throws {
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let file = instance.folder.file("own.pem")
        let code = try await agent.ticket("pump-7")
        _ = try await agent.enroll("pump-7", code, ["--key", file]).succeeded()
        #expect(try agent.mode(file) == 0o600 && !agent.has("private-key.pem"))
        #expect(try await agent.run("connect").status == 0)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        let open = try await agent.run("connect")
        #expect(open.status == 1 && open.errors.contains("chmod 600"), "\(open.errors)")
        _ = try await agent.run("unenroll").succeeded()
        #expect(FileManager.default.fileExists(atPath: file))
      }
    }
  }

  /// The same with its key in a TPM: swtpm.
  @Suite(.enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools")) struct TPMAgentTests {
    typealias Agent = DeviceAgentTests.Agent

    private func expectNothingLeft(in tpm: SoftwareTPM) throws {
      for kind in ["handles-transient", "handles-loaded-session", "handles-saved-session"] {
        try tpm.run("tpm2_getcap \(kind)")
        let ran = try runBlocking("env", ["TPM2TOOLS_TCTI=\(tpm.tcti)", "tpm2_getcap", kind])
        #expect(ran.output.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty, "\(kind): \(ran.output)")
      }
    }

    @Test(arguments: ["rsa", "ecc"])
    func `a TPM enrolls by its endorsement key alone, connects with its key, and renews`(kind: String) async throws {
      let tpm = try SoftwareTPM()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let enroll = agent.enroll + ["--tpm", tpm.tcti, "--endorsement", kind, "--group", "pumps"]
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        let unknown = try await agent.run(enroll)
        #expect(unknown.status == 1 && unknown.errors.contains("ek-untrusted"), "\(unknown.errors)")
        let hardware = try #require(unknown.errors.firstMatch(of: /tpm-ek:[0-9a-f]{64}/)).output
        _ = try await instance.muster("hardware", "allow", String(hardware), "--group", "pumps").succeeded()

        let name = "tpm-" + hardware.dropFirst("tpm-ek:".count).prefix(40)
        #expect(try await agent.run(enroll).succeeded().hasPrefix("enrolled as \(name)"))
        let certificate = try agent.file("certificate.pem")
        #expect(!agent.has("private-key.pem"))
        try agent.remove("certificate.pem")
        _ = try await agent.run(enroll).succeeded()
        #expect(try agent.file("certificate.pem") == certificate)

        let connected = try await agent.run("connect").succeeded()
        #expect(connected.contains("\(name), enabled") && connected.contains("key      tpm"), "\(connected)")
        #expect(try await agent.run("renew", "--now").succeeded().hasPrefix("renewed until"))
        try tpm.reset()
        #expect(try await agent.run("connect").succeeded().contains("key      tpm"))
        #expect(try await agent.run("status").succeeded().contains("which it cannot leave"))
        try expectNothingLeft(in: tpm)
        let shown = try await instance.muster("device", "show", name).succeeded()
        #expect(shown.contains("\(hardware) by the allowlist"), "\(shown)")
        try await instance.expectWholeLedger()
      }
    }

    @Test func `by its maker's certificate in its memory it enrolls once that maker is trusted, and not after`()
      async throws
    {
      let tpm = try SoftwareTPM()
      let start = SystemClock().now() - .seconds(86_400)
      let maker = try TPMMaker(from: start)
      try tpm.makeKeys(endorsement: "rsa", attestationKey: "ecc -g sha256 -s ecdsa", deviceKey: "ecc256")
      // A vendor whose firmware is looked at: what the agent's attestation key signs is the version itself.
      let certificate = try maker.certify(
        try tpm.endorsementPublicKey(), from: start, manufacturer: "id:49465800")
      try tpm.store(certificate: certificate, ofRSA: true)
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let enroll = agent.enroll + ["--tpm", tpm.tcti, "--group", "pumps"]
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        let unknown = try await agent.run(enroll)
        #expect(unknown.status == 1 && unknown.errors.contains("muster ca trust import"), "\(unknown.errors)")
        let bundle = try instance.folder.write(maker.pem, to: "maker.pem")
        let imported = try await instance.muster("ca", "trust", "import", bundle).succeeded()
        #expect(imported == "1 trusted, 1 of them anchors, 0 refused\n")
        _ = try await agent.run(enroll).succeeded()
        let name = try #require(try await agent.run("status").succeeded().firstMatch(of: /tpm-[0-9a-f]{40}/)).output
        let shown = try await instance.muster("device", "show", String(name)).succeeded()
        #expect(shown.contains("by its maker's certificate under") && shown.contains("MADE-UP"), "\(shown)")

        let listed = try await instance.muster("ca", "trust", "list", "--output", "csv").succeeded()
        let fingerprint = try #require(listed.firstMatch(of: /[0-9a-f]{64}/)).output
        _ = try await instance.muster("ca", "trust", "remove", String(fingerprint)).succeeded()
        #expect(try await instance.muster("ca", "trust", "remove", String(fingerprint)).status == 1)
        try agent.remove("certificate.pem")
        let refused = try await agent.run(enroll)
        #expect(refused.status == 1 && refused.errors.contains("certificate-untrusted"), "\(refused.errors)")
        try await instance.expectWholeLedger()
      }
    }

    @Test func `the issuers that its maker left in the TPM's memory are brought along`() async throws {
      let tpm = try SoftwareTPM()
      let start = SystemClock().now() - .seconds(86_400)
      let maker = try TPMMaker(from: start)
      let issuer = try TPMMaker(under: maker, from: start)
      try tpm.makeKeys(endorsement: "ecc", attestationKey: "ecc -g sha256 -s ecdsa", deviceKey: "ecc256")
      try tpm.store(certificate: try issuer.certify(try tpm.endorsementPublicKey(), from: start), ofRSA: false)
      try tpm.store(issuers: [issuer.root])
      try await ServedInstance.with { instance in
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        let bundle = try instance.folder.write(maker.pem, to: "maker.pem")
        _ = try await instance.muster("ca", "trust", "import", bundle).succeeded()
        let agent = Agent(instance)
        let enrolled = try await agent.run(agent.enroll + ["--tpm", tpm.tcti, "--group", "pumps"])
        #expect(try enrolled.succeeded().hasPrefix("enrolled as tpm-"))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a TPM whose owner set passwords is used by their files, and refused in words without`() async throws {
      let tpm = try SoftwareTPM()
      try tpm.run("tpm2_changeauth -c owner owner-password")
      try tpm.run("tpm2_changeauth -c endorsement endorsement-password")
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        let enroll = agent.enroll + ["--tpm", tpm.tcti, "--group", "pumps"]
        let without = try await agent.run(enroll)
        #expect(without.status == 1 && without.errors.contains("--owner-auth"), "\(without.errors)")
        _ = try await agent.run("unenroll").succeeded()
        let passwords = [
          "--owner-auth", try instance.folder.write("owner-password\n", to: "owner"),
          "--endorsement-auth", try instance.folder.write("endorsement-password", to: "endorsement"),
        ]
        let unknown = try await agent.run(enroll + passwords)
        let hardware = try #require(unknown.errors.firstMatch(of: /tpm-ek:[0-9a-f]{64}/), "\(unknown.errors)").output
        _ = try await instance.muster("hardware", "allow", String(hardware), "--group", "pumps").succeeded()
        _ = try await agent.run(enroll + passwords).succeeded()
        #expect(try await agent.run("connect").succeeded().contains("key      tpm"))
      }
    }

    @Test func `with a ticket the key is the TPM's too, and another TPM has it not`() async throws {
      let (tpm, other) = (try SoftwareTPM(), try SoftwareTPM())
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        _ = try await agent.enroll("pump-7", code, ["--tpm", tpm.tcti]).succeeded()
        #expect(try await agent.run("connect").succeeded().contains("pump-7, enabled"))
        let settings = try agent.file("settings.json").replacing("port=\(tpm.port)", with: "port=\(other.port)")
        try settings.write(toFile: "\(agent.state)/settings.json", atomically: true, encoding: .utf8)
        let stolen = try await agent.run("connect")
        #expect(stolen.status == 1 && stolen.errors.contains("is it another TPM?"), "\(stolen.errors)")
        let renewed = try await agent.run("renew", "--now")
        #expect(renewed.status == 1 && renewed.errors.contains("is it another TPM?"), "\(renewed.errors)")
      }
    }

    @Test func `a TPM that is away is waited for, and the certificate renewed once it is back`() async throws {
      let tpm = try SoftwareTPM()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        _ = try await agent.enroll("pump-7", code, ["--tpm", tpm.tcti]).succeeded()
        tpm.halt()
        try await agent.expectRenewal(onceBack: tpm.resume)
      }
    }

    @Test(.enabled(if: Self.hasProvider, "needs tpm2-openssl"))
    func `other programs sign with the TPM's key by the file that the agent keeps`() async throws {
      let tpm = try SoftwareTPM()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        _ = try await agent.enroll("pump-7", code, ["--tpm", tpm.tcti]).succeeded()
        #expect(try agent.mode("\(agent.state)/tpm-key.pem") == 0o600)
        #expect(try agent.file("tpm-key.pem").hasPrefix("-----BEGIN TSS2 PRIVATE KEY-----"))
        let request = instance.folder.file("request.pem")
        let provider = ["-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2"]
        _ = try await run(
          "openssl",
          ["req", "-new", "-key", "\(agent.state)/tpm-key.pem", "-subj", "/CN=any", "-out", request] + provider,
          environment: ["TPM2OPENSSL_TCTI": tpm.tcti]
        ).succeeded()
        _ = try await run("openssl", ["req", "-in", request, "-verify", "-noout"]).succeeded()
        let asked = try await run("openssl", ["req", "-in", request, "-pubkey", "-noout"]).succeeded()
        let certified = try await run(
          "openssl", ["x509", "-in", "\(agent.state)/certificate.pem", "-pubkey", "-noout"]
        ).succeeded()
        #expect(asked == certified)
      }
    }

    /// Without a TPM it cannot be asked for: whether it lies where openssl looks for it.
    private static let hasProvider: Bool = {
      let said = (try? runBlocking("openssl", ["version", "-m"]))?.output.split(separator: "\"") ?? []
      return said.dropFirst().first.map { FileManager.default.fileExists(atPath: "\($0)/tpm2.so") } ?? false
    }()

    @Test func `beside a ticket the TPM's word is on record, and where it does not hold the ticket is not spent`()
      async throws
    {
      let tpm = try SoftwareTPM()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        let attested = ["--tpm", tpm.tcti, "--attest"]
        let unknown = try await agent.enroll("pump-7", code, attested)
        #expect(unknown.status == 1 && unknown.errors.contains("ek-untrusted"), "\(unknown.errors)")
        let hardware = try #require(unknown.errors.firstMatch(of: /tpm-ek:[0-9a-f]{64}/)).output
        _ = try await instance.muster("hardware", "allow", String(hardware)).succeeded()
        let wrong = try await agent.enroll("pump-7", "0000-0000-0000-0000", attested)
        #expect(wrong.status == 1 && wrong.errors.contains("ticket-wrong"), "\(wrong.errors)")
        _ = try await agent.enroll("pump-7", code, attested).succeeded()
        #expect(try await agent.run("connect").succeeded().contains("key      tpm"))
        let shown = try await instance.muster("device", "show", "pump-7").succeeded()
        #expect(shown.contains("by ticket") && shown.contains("\(hardware) by the allowlist"), "\(shown)")
        #expect(shown.contains("\(hardware) (proved)") && shown.contains("(asserted)"), "\(shown)")
        let certificate = try agent.file("certificate.pem")
        try agent.remove("certificate.pem")
        _ = try await agent.enroll("pump-7", code, attested).succeeded()
        #expect(try agent.file("certificate.pem") == certificate)
        for misuse in [["--attest"], ["--tpm", tpm.tcti, "--attest"]] {
          #expect(try await Agent(instance, "b").run(agent.enroll + misuse).status == 2, "\(misuse)")
        }
        try await instance.expectWholeLedger()
      }
    }

    @Test func `killed between its steps it goes on with the same key of the TPM`() async throws {
      let tpm = try SoftwareTPM()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let enroll = agent.enroll + ["--tpm", tpm.tcti, "--group", "pumps"]
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        let unknown = try await agent.run(enroll)
        let key = try Data(contentsOf: URL(filePath: "\(agent.state)/tpm-key.pem"))
        let hardware = try #require(unknown.errors.firstMatch(of: /tpm-ek:[0-9a-f]{64}/)).output
        _ = try await instance.muster("hardware", "allow", String(hardware)).succeeded()
        // Between challenge and answer: the next exchange is another.
        for _ in 0..<3 {
          let (folder, before) = (instance.folder, instance.log.count)
          try await DeviceAgentTests().kill(agent, enroll) {
            ((try? folder.read("log")) ?? "").dropFirst(before).contains("attestations") || agent.has("certificate.pem")
          }
          if agent.has("certificate.pem") { try agent.remove("certificate.pem") }
        }
        _ = try await agent.run(enroll).succeeded()
        #expect(try Data(contentsOf: URL(filePath: "\(agent.state)/tpm-key.pem")) == key)
        #expect(try await agent.run("connect").succeeded().contains("key      tpm"))
        let devices = try await instance.muster("device", "list", "--output", "csv").succeeded()
        #expect(devices.split(whereSeparator: \.isNewline).count == 2)
        try await instance.expectWholeLedger()
      }
    }
  }
}
