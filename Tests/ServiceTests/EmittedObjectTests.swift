import Enrollment
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// Each kind of object that a served instance emits, as relying parties get it.
  @Suite struct EmittedObjectTests {
    @Test func `every certificate, CRL and OCSP answer is clean under openssl's strict checks and pkilint`()
      async throws
    {
      try await ServedInstance.with(["--publish-url", "http://muster.plant.example:8080"]) { instance in
        let openssl = try OpenSSL()
        let device = try await instance.enroll("pump-7", "cpu-serial:00000000e4b1c9d2")
        let hub = instance.folder.file("hub.pem")
        _ = try await instance.muster("hub", "add", "plant", "--host", "mqtt.example", "--out", hub).succeeded()
        let files = [
          "device": device, "operator": try await instance.add("anna", .fieldEngineer), "hub": hub,
          "administrator": instance.administrator, "server": instance.data + "/service/tls.pem",
        ]
        for (name, file) in files {
          try openssl.succeed(
            "verify -x509_strict -CAfile \(instance.root) -untrusted \(instance.data)/trust/chain.pem \(file)")
          try openssl.succeed("x509 -in \(file) -outform DER -out \(name).der")
          try expectClean("lint_pkix_cert", [], openssl, "\(name).der")
        }
        try await instance.withClient { client in
          try await expectCleanLists(instance, openssl, client)
          try await expectCleanStatus(of: device, instance, openssl, client)
        }
      }
    }

    /// The CAs' own certificates, their full CRLs, and the first shard of those that issue.
    private func expectCleanLists(_ instance: ServedInstance, _ openssl: OpenSSL, _ client: TestClient) async throws {
      let issuers = try await instance.muster("ca", "show", "--output", "json").succeeded().split(separator: "\n")
        .map { try JSONDecoder().decode(IssuerSummary.self, from: Data($0.utf8)) }
      #expect(issuers.count == 3)
      for issuer in issuers {
        let isRoot = issuer.use == "root"
        let certificate = "\(issuer.use).pem"
        try openssl.write(Array(issuer.certificate.utf8), certificate)
        try openssl.succeed("verify -x509_strict -CAfile \(instance.root) \(certificate)")
        try openssl.succeed("x509 -in \(certificate) -outform DER -out \(issuer.use).der")
        try expectClean("lint_pkix_cert", [], openssl, "\(issuer.use).der")
        for path in isRoot ? [issuer.issuerKeyID] : [issuer.issuerKeyID, issuer.issuerKeyID + "/0"] {
          let list = try await client.send(.GET, "/crl/\(path).crl")
          #expect(list.status == 200, "\(path)")
          try openssl.write(list.body, "list.crl")
          let verified = try openssl.succeed("crl -inform DER -in list.crl -noout -CAfile \(certificate)")
          #expect(verified.text.contains("verify OK"), "\(path): \(verified.text)")
          try expectClean("lint_crl", ["-t", isRoot ? "ARL" : "CRL", "-p", "PKIX"], openssl, "list.crl")
        }
      }
    }

    private func expectCleanStatus(
      of device: String, _ instance: ServedInstance, _ openssl: OpenSSL, _ client: TestClient
    ) async throws {
      let question = "-issuer devices.pem -cert \(device)"
      for nonce in ["-nonce", "-no_nonce"] {
        try openssl.succeed("ocsp -reqout request.der \(nonce) \(question)")
        let answer = try await client.send(
          .POST, "/ocsp", [("Content-Type", "application/ocsp-request")], body: try openssl.read("request.der"))
        try openssl.write(answer.body, "response.der")
        let verified = try openssl.succeed(
          // No other nonce than the request has.
          "ocsp -respin response.der -reqin request.der -no_nonce \(question) -CAfile \(instance.root) -x509_strict"
            + " -verify_other devices.pem")
        #expect(verified.text.contains("Response verify OK") && verified.text.contains("\(device): good"))
        try expectClean("lint_ocsp_response", [], openssl, "response.der")
      }
    }

    /// Where pkilint is not installed, openssl judges alone. It takes no single word for a host: `localhost` is the name
    /// by which this test reaches the service.
    private func expectClean(
      _ program: String, _ arguments: [String], _ openssl: OpenSSL, _ name: String
    ) throws {
      guard PKILint.isInstalled else { return }
      let findings = try PKILint.findings(program, arguments, openssl.path(name))
        .filter { !$0.hasSuffix("\"\"localhost\"\"\"") }
      #expect(findings == [], "\(program) \(name)")
    }
  }
}
