import Enrollment
import Foundation
import MusterTesting
import MusterModel
import MusterTesting
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

extension ServiceTests {
  /// What goes on without the vault, and the ways back in.
  @Suite struct SealedTests {
    @Test func `an instance under a passphrase starts sealed, and goes on as far as it can`() async throws {
      let secret = try ScratchFolder()
      defer { secret.remove() }
      let passphrase = try secret.write("correct horse battery\n", to: "passphrase")
      try await ServedInstance.with(["--protector", "passphrase", "--passphrase-file", passphrase]) { instance in
        let anyone = try instance.client()
        let ready = try await anyone.send(.GET, "/health/ready")
        #expect(
          ready.status == 503 && ready.text.contains("vault-sealed") && ready.text.contains("muster vault unseal"))
        try await instance.tell([
          Step("ticket issue --hardware \(board) --device pump-7", "vault-sealed", "muster vault unseal", status: 1),
          Step("vault status", "sealed", "passphrase", "typed at each start"),
        ])
        try await instance.tell(
          [Step("vault unseal", "vault-not-opened", status: 1, never: ["horse"])], input: "wrong horse battery\n")
        try await instance.tell([Step("vault unseal", "unsealed\n")], input: "correct horse battery\n")
        #expect(try await anyone.send(.GET, "/health/ready").status == 200)
        let identity = try await instance.enroll("pump-7", board)
        let other = try await instance.enroll("pump-8", "mac:aabbcc001122")
        let third = try await instance.enroll("pump-9", "mac:aabbcc001155")
        let status = try await status(of: third, instance, anyone)
        try await instance.tell([Step("vault seal", "sealed\n")])
        try await expectGoesOn(instance, anyone, identity, other)
        #expect(try await self.status(of: third, instance, anyone) == status, "signed before, and given out still")
        let code = try instance.folder.read("recovery-code")
        try await instance.tell([Step("vault unseal --recovery-code", "unsealed\n")], input: code)
        await anyone.shutdown()
        #expect(!instance.log.contains("horse") && !instance.log.contains(code.prefix(12)))
        try await instance.expectWholeLedger()
      }
    }

    /// Sealed: nothing is issued; all that takes rights away, and all that tells, goes on.
    private func expectGoesOn(
      _ instance: ServedInstance, _ anyone: TestClient, _ identity: String, _ other: String
    ) async throws {
      let device = try instance.client(identity)
      let csr = Array(Data(try PeerKey().request(commonName: "pump-7")).base64EncodedString().utf8)
      let renewal = try await device.send(
        .POST, "/.well-known/est/simplereenroll", [("Content-Type", "application/pkcs10")], body: csr)
      #expect(renewal.status == 503 && renewal.text.hasPrefix("vault-sealed"))
      #expect(try await device.send(.GET, "/v1/issuers").status == 200)
      let serial = try await instance.serial(of: other)
      try await instance.tell(
        [
          Step("operator add anna --role auditor --out {out}", "vault-sealed", "muster vault unseal", status: 1),
          Step("device disable pump-7 --reason stolen", "pump-7 disabled\n"),
          Step("certificate revoke {serial} --reason key-compromise", "{serial} revoked\n"),
          Step("device show pump-7", "disabled"), Step("ledger verify --data {data}", "events are whole"),
          Step("ledger replay --check --data {data}", "every view agrees"),
          Step("hardware block mac:aabbcc*", "blocked"), Step("group add pumps", "pumps"),
        ], ["serial": serial, "out": instance.folder.file("anna.pem"), "data": instance.data])
      for identity in [identity, other] {
        let shutOut = try instance.client(identity)
        #expect(try await shutOut.send(.GET, "/v1/issuers").status == 401)
        await shutOut.shutdown()
      }
      await device.shutdown()
      let administrator = try instance.client(instance.administrator)
      for path in ["/ledger/checkpoint", "/ledger/tile/entries/000.p/1", "/v1/ledger/proof?position=0", "/metrics"] {
        #expect(try await administrator.send(.GET, path).status == 200, "\(path)")
      }
      await administrator.shutdown()
      for path in ["/health/live", "/.well-known/est/cacerts", "/.well-known/est/csrattrs", "/openapi.yaml"] {
        #expect(try await anyone.send(.GET, path).status == 200, "\(path)")
      }
      try await expectLists(instance, anyone)
    }

    /// What OCSP says of a device's certificate.
    private func status(
      of identity: String, _ instance: ServedInstance, _ anyone: TestClient
    ) async throws -> [UInt8] {
      let issuer = try #require(
        try await instance.muster("ca", "show", "--output", "json").succeeded().split(separator: "\n")
          .map { try JSONDecoder().decode(IssuerSummary.self, from: Data($0.utf8)) }.first { $0.use == "devices" })
      let certificate = try instance.folder.write(issuer.certificate, to: "ocsp-issuer.pem")
      let request = instance.folder.file("request.der")
      _ = try await run(
        "openssl", ["ocsp", "-reqout", request, "-no_nonce", "-issuer", certificate, "-cert", identity]
      ).succeeded()
      let answer = try await anyone.send(
        .POST, "/ocsp", [("Content-Type", "application/ocsp-request")],
        body: Array(try Data(contentsOf: URL(filePath: request))))
      #expect(answer.status == 200)
      let file = instance.folder.file("response.der")
      try Data(answer.body).write(to: URL(filePath: file))
      let verified = try await run(
        "openssl",
        ["ocsp", "-respin", file, "-issuer", certificate, "-cert", identity, "-CAfile", instance.root]
          + ["-verify_other", certificate])
      #expect((verified.output + verified.errors).contains(": good"), "\(verified.output)\(verified.errors)")
      return answer.body
    }

    /// The CRLs that were signed before are given out still, and verify.
    private func expectLists(_ instance: ServedInstance, _ anyone: TestClient) async throws {
      let issuers = try await instance.muster("ca", "show", "--output", "json").succeeded().split(separator: "\n")
        .map { try JSONDecoder().decode(IssuerSummary.self, from: Data($0.utf8)) }
      #expect(issuers.count == 3)
      for issuer in issuers {
        let list = try await anyone.send(.GET, "/crl/\(issuer.issuerKeyID).crl")
        #expect(list.status == 200, "\(issuer.use)")
        let certificate = try instance.folder.write(issuer.certificate, to: "\(issuer.use).pem")
        let verified = try await run(
          "openssl", ["crl", "-inform", "DER", "-noout", "-CAfile", certificate], input: list.body)
        #expect(verified.errors.contains("verify OK"), "\(issuer.use): \(verified.errors)")
      }
    }

    @Test func `who lost the administrator's certificate comes back in by the folder`() async throws {
      try await ServedInstance.with { instance in
        let file = instance.folder.file("back.pem")
        let arguments = ["operator", "add", "back", "--role", "administrator", "--out", file, "--data", instance.data]
        let inUse = try await Program.muster(arguments)
        #expect(inUse.status == 1 && inUse.errors.contains("stop it first"))
        #expect(await instance.service.end() == 0)
        _ = try await Program.muster(arguments).succeeded()
        let again = try await Program.muster(arguments)
        #expect(again.status == 1 && again.errors.contains("never written over"))
        try await instance.start()
        #expect(try await instance.muster("operator", "list", as: file).succeeded().contains("back"))
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        try await instance.expectWholeLedger()
      }
    }

    @Test func `the root's CRL is renewed on the folder and served afterwards`() async throws {
      try await ServedInstance.with { instance in
        let code = try instance.folder.read("recovery-code")
        let inUse = try await instance.onFolder("ca", "crl", input: code)
        #expect(inUse.status == 1 && inUse.errors.contains("stop it first"))
        await instance.service.end()
        // The key was taken away, as it is to be.
        let key = instance.folder.file("root-key.sealed")
        try FileManager.default.moveItem(atPath: instance.data + "/offline/root-key.sealed", toPath: key)
        let without = try await instance.onFolder("ca", "crl", input: code)
        #expect(without.status == 1 && without.errors.contains("--root-key"))
        let renewed = try await instance.onFolder(
          "ca", "crl", "--root-key", key, "--recovery-code-file", instance.folder.file("recovery-code"))
        #expect(try renewed.succeeded().contains("CRL 2 is good until"))
        try await instance.start()
        let issuers = try await instance.muster("ca", "show", "--output", "json").succeeded().split(separator: "\n")
          .map { try JSONDecoder().decode(IssuerSummary.self, from: Data($0.utf8)) }
        let root = try #require(issuers.first { $0.use == "root" })
        let client = try instance.client()
        let served = try await client.send(.GET, "/crl/\(root.issuerKeyID).crl")
        await client.shutdown()
        let number = try await run("openssl", ["crl", "-inform", "DER", "-noout", "-crlnumber"], input: served.body)
        #expect(try number.succeeded().trimmingCharacters(in: .whitespacesAndNewlines).hasSuffix("02"))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `an operator whose answer was lost is added by the same command again`() async throws {
      try await ServedInstance.with { instance in
        let out = instance.folder.file("anna.pem")
        let pending = try PendingIdentity.at(out, commonName: "anna")
        let csr = Data(pending.request).base64EncodedString()
        let input = OperatorInput(name: "anna", role: "auditor", groups: [], csr: csr)
        let connection = try Connection.parse(
          ["--server", instance.service.server, "--identity", instance.administrator])
        let lost: IssuedIdentity = try await connection.withClient {
          try await $0.post("/v1/operators", input, isRepeatable: true)
        }
        _ = try await instance.add("anna", .auditor)
        #expect(try String(contentsOfFile: out, encoding: .utf8).hasPrefix(lost.certificate))
        #expect(!FileManager.default.fileExists(atPath: pending.file))
        #expect(try await instance.muster("device", "list", as: out).status == 0)
        let again = try await instance.muster("operator", "add", "anna", "--role", "auditor", "--out", out)
        #expect(again.status == 1 && again.errors.contains("never written over"))
      }
    }
  }
}
