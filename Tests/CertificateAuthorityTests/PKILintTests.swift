import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority
@testable import Policy

/// pkilint over every kind of object that Muster emits.
@Suite(.enabled(if: PKILint.isInstalled, Comment(rawValue: PKILint.absence)))
struct PKILintTests {
  let instance: Instance
  let openssl: OpenSSL

  init() throws {
    instance = try Instance()
    openssl = try OpenSSL()
  }

  @Test func `certificates are clean but for the scheme spiffe`() async throws {
    let name = try #require(RecordName("anna@plant.example"))
    let request = try Instance.request()
    let subjects: [(IssuancePermit.Subject, String)] = [
      (.operator(RecordID(.operator, UUIDv7(at: instance.now)), name), "operator"),
      (.hub(RecordID(.hub, UUIDv7(at: instance.now)), name, host: "hub.plant.example"), "hub"),
      (.server(hostnames: ["muster.plant.example", "127.0.0.1"]), "server"), (.ocspResponder, "ocsp-responder"),
    ]
    var emitted = [("device", try await instance.issueDevice().der)]
    for (subject, profile) in subjects {
      let issued = try await instance.certification(profile).issue(
        instance.permit(subject, profile: profile), key: request.key, identity: instance.identity(), now: instance.now
      ).get()
      emitted.append((profile, issued.der))
    }
    for (use, authority) in [
      ("root", instance.hierarchy.root), ("devices", instance.hierarchy.devices),
      ("service", instance.hierarchy.service),
    ] {
      emitted.append((use, authority.issuer.certificate))
    }
    for (name, der) in emitted {
      try openssl.write(der, name + ".der")
      #expect(try PKILint.findings("lint_pkix_cert", [], openssl.path(name + ".der")) == [], "\(name)")
    }
    for (issuer, subject) in [("root", "devices"), ("root", "service"), ("devices", "device"), ("service", "server")] {
      let findings = try PKILint.findings(
        "lint_pkix_signer_signee_cert_chain", [openssl.path(issuer + ".der")], openssl.path(subject + ".der"))
      #expect(findings == [], "\(issuer) → \(subject)")
    }
  }

  @Test(arguments: [nil, 3] as [UInt32?])
  func `CRLs are clean`(shard: UInt32?) async throws {
    let revoked = RevocationReason.allCases.map {
      RevokedCertificate(serial: UUIDv7(at: instance.now).bytes, at: instance.now, reason: $0)
    }
    let crl = try await RevocationList.sign(
      by: instance.devices, shard: shard, number: 7, thisUpdate: instance.now,
      nextUpdate: instance.now + .seconds(86_400), revoked: revoked)
    try openssl.write(crl.der, "list.crl")
    #expect(try PKILint.findings("lint_crl", ["-t", "CRL", "-p", "PKIX"], openssl.path("list.crl")) == [])
    let root = try await RevocationList.sign(
      by: instance.hierarchy.root.issuer, shard: nil, number: 1, thisUpdate: instance.now,
      nextUpdate: instance.now + .seconds(365 * 86_400), revoked: [])
    try openssl.write(root.der, "root.crl")
    #expect(try PKILint.findings("lint_crl", ["-t", "ARL", "-p", "PKIX"], openssl.path("root.crl")) == [])
  }

  @Test(
    arguments: [
      .good, .unknown, .revoked(.keyCompromise, at: Instance.time), .revoked(.unspecified, at: Instance.time),
    ] as [CertificateStatus])
  func `OCSP responses are clean`(status: CertificateStatus) async throws {
    let (responder, _) = try await instance.responder(instance.devices)
    let id = OCSPCertificateID(issuer: instance.devices, serial: UUIDv7(at: instance.now).bytes, hashAlgorithm: .sha1)
    let response = try await responder.respond(
      to: [(id, status)], nonce: [UInt8](repeating: 7, count: 32), producedAt: instance.now, thisUpdate: instance.now,
      nextUpdate: instance.now + .seconds(86_400))
    try openssl.write(response.der, "response.der")
    #expect(try PKILint.findings("lint_ocsp_response", [], openssl.path("response.der")) == [])
  }
}
