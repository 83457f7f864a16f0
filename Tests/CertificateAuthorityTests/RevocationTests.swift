import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority

@Suite struct RevocationListTests {
  let instance: Instance
  let openssl: OpenSSL

  init() throws {
    instance = try Instance()
    openssl = try OpenSSL()
    try openssl.write(pem: [instance.hierarchy.root.issuer.certificate], "root.pem")
    try openssl.write(pem: [instance.devices.certificate], "chain.pem")
  }

  private func list(shard: UInt32?, _ revoked: [RevokedCertificate]) async throws -> RevocationList {
    try await RevocationList.sign(
      by: instance.devices, shard: shard, number: 1 << 32 + 7, thisUpdate: instance.now,
      nextUpdate: instance.now + .seconds(86_400), revoked: revoked)
  }

  private func revoked(_ issued: IssuedCertificate, _ reason: RevocationReason = .keyCompromise) throws
    -> RevokedCertificate
  {
    RevokedCertificate(serial: Hex.decode(issued.facts.serial) ?? [], at: instance.now, reason: reason)
  }

  private func check(_ issued: IssuedCertificate, against crl: RevocationList) throws -> OpenSSL.Outcome {
    try openssl.write(pem: [issued.der], "leaf.pem")
    try openssl.write(Array(pem(crl.der, "X509 CRL").utf8), "crl.pem")
    return try openssl.run(
      "verify", "-x509_strict", "-crl_check", "-attime", instance.attime, "-CAfile", "root.pem", "-untrusted",
      "chain.pem", "-CRLfile", "crl.pem", "leaf.pem")
  }

  @Test(arguments: [nil, 3] as [UInt32?])
  func `openssl takes a certificate that is not in the CRL and refuses one that is`(shard: UInt32?) async throws {
    let good = try await instance.issueDevice("good", shard: 3)
    let bad = try await instance.issueDevice("bad", shard: 3)
    let crl = try await list(shard: shard, [revoked(bad)])
    let taken = try check(good, against: crl)
    #expect(taken.status == 0, "\(taken.text)")
    let refused = try check(bad, against: crl)
    #expect(refused.status != 0 && refused.text.contains("certificate revoked"), "\(refused.text)")
  }

  @Test func `another shard's CRL says nothing about a certificate`() async throws {
    let issued = try await instance.issueDevice("meter-7", shard: 3)
    let outcome = try await check(issued, against: list(shard: 4, []))
    #expect(outcome.status != 0 && outcome.text.contains("different CRL scope"), "\(outcome.text)")
  }

  @Test(arguments: RevocationReason.allCases)
  func `openssl reads each reason`(reason: RevocationReason) async throws {
    let issued = try await instance.issueDevice()
    let crl = try await list(shard: nil, [revoked(issued, reason)])
    try openssl.write(crl.der, "crl.der")
    let text = try openssl.run("crl", "-inform", "DER", "-in", "crl.der", "-noout", "-text", "-crlnumber").text
    let words: [RevocationReason: String] = [
      .keyCompromise: "Key Compromise", .affiliationChanged: "Affiliation Changed", .superseded: "Superseded",
      .cessationOfOperation: "Cessation Of Operation", .certificateHold: "Certificate Hold",
      .privilegeWithdrawn: "Privilege Withdrawn",
    ]
    if let word = words[reason] {
      #expect(text.contains("X509v3 CRL Reason Code: \n                \(word)"), "\(text)")
    } else {
      #expect(!text.contains("Reason Code"), "\(text)")
    }
    #expect(text.contains("Version 2 (0x1)") && text.lowercased().contains("100000007"), "\(text)")
    #expect(crl.published.entries == 1 && crl.published.number == 1 << 32 + 7)
  }

  @Test func `an empty CRL has no list, and the root signs one for a year`() async throws {
    let root = instance.hierarchy.root.issuer
    let crl = try await RevocationList.sign(
      by: root, shard: nil, number: 1, thisUpdate: instance.now, nextUpdate: instance.now + .seconds(365 * 86_400),
      revoked: [])
    try openssl.write(crl.der, "crl.der")
    let outcome = try openssl.run(
      "crl", "-inform", "DER", "-in", "crl.der", "-noout", "-text", "-CAfile", "root.pem", "-verify")
    #expect(outcome.text.contains("verify OK") && outcome.text.contains("No Revoked Certificates"), "\(outcome.text)")
  }

  @Test func `a CRL of a hundred thousand entries is read whole`() async throws {
    let entries = (0..<100_000).map { _ in
      RevokedCertificate(serial: UUIDv7(at: instance.now).bytes, at: instance.now, reason: .superseded)
    }
    let crl = try await list(shard: nil, entries)
    try openssl.write(crl.der, "crl.der")
    try openssl.write(pem: [instance.devices.certificate, instance.hierarchy.root.issuer.certificate], "ca.pem")
    let outcome = try openssl.run("crl", "-inform", "DER", "-in", "crl.der", "-noout", "-CAfile", "ca.pem", "-verify")
    #expect(outcome.text.contains("verify OK"), "\(outcome.text)")
    #expect(crl.der.count < 6_000_000)
  }

  @Test func `a CRL that ends before it begins is not signed`() async throws {
    await #expect(throws: CertificationError.self) {
      try await RevocationList.sign(
        by: instance.devices, shard: nil, number: 1, thisUpdate: instance.now, nextUpdate: instance.now, revoked: [])
    }
  }
}

@Suite struct CertificatesOnlyTests {
  @Test func `openssl reads the certificates of a certs-only message`() async throws {
    let instance = try Instance()
    let openssl = try OpenSSL()
    let issued = try await instance.issueDevice()
    let all = [issued.der, instance.devices.certificate, instance.hierarchy.root.issuer.certificate]
    try openssl.write(CertificatesOnly.encode(all), "chain.p7")
    let outcome = try openssl.run("pkcs7", "-inform", "DER", "-in", "chain.p7", "-print_certs")
    #expect(outcome.status == 0)
    for der in all { #expect(outcome.text.contains(pem(der, "CERTIFICATE").dropLast()), "\(outcome.text)") }
    #expect(outcome.text.components(separatedBy: "BEGIN CERTIFICATE").count == 4)
    let cms = try openssl.run("cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", "chain.p7")
    #expect(
      cms.status == 0 && cms.text.contains("signerInfos:") && !cms.text.contains("d.signedData.signerInfo:"),
      "\(cms.text.suffix(300))")
  }
}
