import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// A device with a TPM and no program of ours: the script of `Docs/`, against swtpm and a served instance.
  @Suite(.enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools")) struct TPMDeviceTests {
    private func script(_ tpm: SoftwareTPM, _ arguments: String..., kind: String = "rsa") async throws -> Ran {
      try await run(
        Project.root.appending(path: "Docs/enroll-tpm.sh").path, arguments,
        environment: ["TPM2TOOLS_TCTI": tpm.tcti, "EK_KIND": kind])
    }

    @Test(arguments: ["rsa", "ecc"])
    func `a TPM enrolls by tpm2-tools, openssl and curl alone, once it is allowed`(kind: String) async throws {
      let tpm = try SoftwareTPM()
      try await ServedInstance.with { instance in
        let state = tpm.folder.path("state")
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        let hardware = try await script(tpm, "--endorsement-key", state, kind: kind).succeeded()
          .trimmingCharacters(in: .newlines)
        let refused = try await script(tpm, instance.service.server, instance.root, state, kind: kind)
        #expect(refused.status == 1 && refused.errors.contains("ek-untrusted"), "\(refused.errors)")

        _ = try await instance.muster("hardware", "allow", hardware, "--group", "pumps").succeeded()
        let first = try await script(tpm, instance.service.server, instance.root, state, kind: kind).succeeded()
        let name = "tpm-" + hardware.split(separator: ":")[1].prefix(40)
        #expect(first.contains("enrolled as \(name)"))
        let certificate = try tpm.folder.read("state/certificate.pem")
        try OpenSSL().succeed(
          "verify -x509_strict -purpose sslclient -CAfile \(instance.root) -untrusted \(state)/certificate.pem "
            + "\(state)/certificate.pem")
        // Again, as after an answer that was lost.
        #expect(try await script(tpm, instance.service.server, instance.root, state, kind: kind).succeeded() == first)
        #expect(try tpm.folder.read("state/certificate.pem") == certificate)

        let shown = try await instance.muster("device", "show", name).succeeded()
        #expect(shown.contains("in a TPM, which it cannot leave") && shown.contains("\(hardware) by the allowlist"))
        let history = try await instance.muster("device", "history", name).succeeded()
        #expect(history.contains("attested: a TPM holds the key"))
        try await instance.expectWholeLedger()
      }
    }

    @Test(arguments: ["rsa", "ecc"])
    func `it enrolls by the certificate that its maker left in it`(kind: String) async throws {
      let tpm = try SoftwareTPM()
      let start = SystemClock().now() - .seconds(86_400)
      let maker = try TPMMaker(from: start)
      try await ServedInstance.with { instance in
        let state = tpm.folder.path("state")
        _ = try await script(tpm, "--endorsement-key", state, kind: kind).succeeded()
        try tpm.store(certificate: try maker.certify(try tpm.endorsementPublicKey(), from: start), ofRSA: kind == "rsa")
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        let arguments = (instance.service.server, instance.root)
        let refused = try await script(tpm, arguments.0, arguments.1, state, "pumps", kind: kind)
        #expect(refused.status == 1 && refused.errors.contains("certificate-untrusted"), "\(refused.errors)")
        let bundle = try instance.folder.write(maker.pem, to: "maker.pem")
        _ = try await instance.muster("ca", "trust", "import", bundle).succeeded()
        let enrolled = try await script(tpm, arguments.0, arguments.1, state, "pumps", kind: kind)
        #expect(try enrolled.succeeded().contains("enrolled as tpm-"))
      }
    }

    @Test func `a request beside a client certificate, and a challenge's ID that is none, are refused`() async throws {
      try await ServedInstance.with { instance in
        try await instance.withClient(instance.administrator) { client in
          let answer = try await client.json(
            .POST, "/v1/attestations", ["ekPublic": "", "akPublic": "", "keyPublic": ""])
          #expect(answer.status == 403 && answer.code == "evidence-ambiguous")
        }
        try await instance.withClient { client in
          let answer = try await client.json(.POST, "/v1/attestations/tkt_1/answer", ["secret": "AA=="])
          #expect(answer.status == 400 && answer.code == "attestation-malformed")
          let unread = try await client.json(
            .POST, "/v1/attestations", ["ekPublic": "AAA=", "akPublic": "AAA=", "keyPublic": "AAA="])
          #expect(unread.status == 401 && unread.code == "evidence-unreadable")
        }
      }
    }
  }
}
