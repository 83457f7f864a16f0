import Foundation
import MusterTesting
import Testing

@testable import muster_device

extension ServiceTests {
  /// `muster-device` with its key in a token behind PKCS #11: SoftHSM2.
  @Suite(.enabled(if: SoftwareToken.isThere, "needs softhsm2")) struct TokenAgentTests {
    typealias Agent = DeviceAgentTests.Agent

    /// How many of the devices' keys a foreign tool sees in it.
    private func keys(in token: SoftwareToken) throws -> Int {
      let listed = try token.tool("--list-objects", "--type", "privkey")
      #expect(listed.status == 0, "\(listed.errors)")
      return listed.output.ranges(of: "muster device").count
    }

    private func refused(_ agent: Agent, _ arguments: String..., by words: String...) async throws {
      let ran = try await agent.run(arguments)
      #expect(ran.status == 1, "\(arguments)")
      for words in words { #expect(ran.errors.contains(words), "\(arguments): \(ran.errors)") }
      for pin in [SoftwareToken.pin, "other-horse"] { #expect(!ran.errors.contains(pin)) }
    }

    @Test func `a device whose key a token holds enrolls, connects, renews and leaves, and no PIN is kept`()
      async throws
    {
      let token = try SoftwareToken()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        let inToken = ["--pkcs11", token.uri]
        #expect(try await agent.enroll("pump-7", code, inToken).succeeded().hasPrefix("enrolled as pump-7, until "))
        #expect(!agent.has("private-key.pem") && agent.has("token-key.json"))
        let listed = try token.tool("--list-objects", "--type", "privkey")
        #expect(listed.output.contains("sensitive, always sensitive, never extractable, local"), "\(listed.output)")
        let key = try agent.file("token-key.json")
        #expect(try await agent.enroll("pump-7", code, inToken).succeeded().hasPrefix("enrolled already as pump-7"))

        #expect(
          try await agent.run("status").succeeded().contains("in the token \(token.label), which it cannot leave"))
        #expect(try await agent.run("connect").succeeded().contains("pump-7, enabled"))
        let certificate = try agent.file("certificate.pem")
        #expect(try await agent.run("renew", "--now").succeeded().hasPrefix("renewed until"))
        #expect(try agent.file("certificate.pem") != certificate && agent.file("token-key.json") == key)
        try OpenSSL().succeed(
          "verify -CAfile \(instance.root) -untrusted \(agent.state)/certificate.pem \(agent.state)/certificate.pem")
        #expect(try await agent.run("connect").status == 0)
        for name in try FileManager.default.contentsOfDirectory(atPath: agent.state) {
          #expect(try agent.mode("\(agent.state)/\(name)") == 0o600 && !agent.file(name).contains(SoftwareToken.pin))
        }
        #expect(try keys(in: token) == 1)
        _ = try await agent.run("unenroll").succeeded()
        #expect(try keys(in: token) == 0 && !FileManager.default.fileExists(atPath: agent.state))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `killed at any moment it goes on with the same key of the token`() async throws {
      let token = try SoftwareToken()
      let moments = ["settings.json", "token-key.json", "certificate.pem"]
      try await ServedInstance.with { instance in
        for (number, moment) in moments.enumerated() {
          let agent = Agent(instance, "device-\(number)")
          let device = "pump-" + String(repeating: "x", count: number + 1)
          let file = try instance.folder.write(try await agent.ticket(device), to: "code-\(number)")
          let enroll = agent.enroll + ["--device", device, "--ticket", file, "--pkcs11", token.uri]
          try await DeviceAgentTests().kill(agent, enroll) { agent.has(moment) }
          let id = agent.has("token-key.json") ? try self.id(agent) : nil
          _ = try await agent.run(enroll).succeeded()
          if let id { #expect(try self.id(agent) == id) }
          let certificate = try agent.file("certificate.pem")
          try agent.remove("certificate.pem")
          _ = try await agent.run(enroll).succeeded()
          #expect(try agent.file("certificate.pem") == certificate, "\(moment)")
          #expect(try await agent.run("connect").status == 0)
        }
        #expect(try keys(in: token) == moments.count)
        try await instance.expectWholeLedger()
      }
    }

    /// The CKA_ID, which is there before the key is.
    private func id(_ agent: Agent) throws -> String {
      String(try #require(try agent.file("token-key.json").firstMatch(of: /[0-9a-f]{32}/)).output)
    }

    /// Shown by changing the token's PIN to the one that was refused: it would be taken, were it tried.
    @Test func `a wrong PIN is tried once, and no later run tries it again`() async throws {
      let token = try SoftwareToken()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        _ = try await agent.enroll("pump-7", code, ["--pkcs11", token.uri]).succeeded()
        try token.write(pin: "other-horse")
        try await refused(agent, "connect", by: "the PIN of the token \(token.label)", "is written anew")
        let changed = try token.tool("--change-pin", "--new-pin", "other-horse")
        #expect(changed.status == 0, "\(changed.errors)")
        try await refused(agent, "connect", by: "is written anew")
        try await refused(agent, "renew", "--now", by: "is written anew")
        try token.write(pin: "other-horse")
        #expect(try await agent.run("connect").succeeded().contains("pump-7, enabled"))
        try token.write(pin: "other-horse", mode: 0o644)
        try await refused(agent, "connect", by: "open to everyone")
      }
    }

    @Test func `a token that is away, and another in its place, are said in words`() async throws {
      let (token, other) = (try SoftwareToken(), try SoftwareToken())
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        _ = try await agent.enroll("pump-7", code, ["--pkcs11", token.uri]).succeeded()
        try token.takeAway()
        try await refused(agent, "connect", by: "found none of that name", "plug the token in")
        try await refused(agent, "renew", "--now", by: "plug the token in")
        #expect(try await agent.run("status").status == 0)
        try token.putBack()
        #expect(try await agent.run("connect").status == 0)

        let settings = try agent.file("settings.json").replacing(token.uri, with: other.uri)
        try settings.write(toFile: "\(agent.state)/settings.json", atomically: true, encoding: .utf8)
        try await refused(agent, "connect", by: "is it another token?", "unenroll and enroll anew")
        try await refused(agent, "renew", "--now", by: "is it another token?")
        try other.takeAway()
        let left = try await agent.run("unenroll")
        #expect(left.status == 0 && left.errors.contains("the key stays in the token"), "\(left.errors)")
      }
    }

    @Test func `a token that is away is waited for, and the certificate renewed once it is back`() async throws {
      let token = try SoftwareToken()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let code = try await agent.ticket("pump-7")
        _ = try await agent.enroll("pump-7", code, ["--pkcs11", token.uri]).succeeded()
        try token.takeAway()
        try await agent.expectRenewal(onceBack: token.putBack)
      }
    }

    @Test func `a PIN in the URI, and a key in two places, are misuse`() async throws {
      let token = try SoftwareToken()
      try await ServedInstance.with { instance in
        let agent = Agent(instance)
        let secret = token.uri + "&pin-value=\(SoftwareToken.pin)"
        for misuse in [["--pkcs11", secret], ["--pkcs11", token.uri, "--key", "a"], ["--pkcs11", "tabrmd"]] {
          let ran = try await agent.enroll("pump-7", "any", misuse)
          #expect(ran.status == 2 && !ran.errors.contains(SoftwareToken.pin), "\(ran.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: agent.state))
      }
    }
  }
}
