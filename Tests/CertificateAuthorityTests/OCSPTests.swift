import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority

@Suite struct OCSPTests {
  let instance: Instance
  let openssl: OpenSSL
  let issued: IssuedCertificate

  init() async throws {
    instance = try Instance()
    openssl = try OpenSSL()
    issued = try await instance.issueDevice()
    try openssl.write(pem: [instance.hierarchy.root.issuer.certificate], "root.pem")
    try openssl.write(pem: [instance.devices.certificate], "issuer.pem")
    try openssl.write(pem: [issued.der], "leaf.pem")
  }

  private func request(_ more: String...) throws -> OCSPRequest {
    let outcome = try openssl.run(
      ["ocsp"] + more + ["-issuer", "issuer.pem", "-cert", "leaf.pem", "-reqout", "request.der"])
    #expect(outcome.status == 0, "\(outcome.text)")
    return try #require(OCSPRequest.parse(openssl.read("request.der")))
  }

  private func respond(
    _ request: OCSPRequest, _ status: CertificateStatus, nonce: [UInt8]?
  ) async throws -> OpenSSL.Outcome {
    let (responder, _) = try await instance.responder(instance.devices)
    let response = try await responder.respond(
      to: request.certificates.map { ($0, status) }, nonce: nonce, producedAt: instance.now, thisUpdate: instance.now,
      nextUpdate: instance.now + .seconds(86_400))
    try openssl.write(response.der, "response.der")
    // The fixed clock is past: openssl's own is let off by the validity period, its path check by -attime. The request
    // is taken as it was made, its nonce too.
    return try openssl.run(
      "ocsp", "-reqin", "request.der", "-no_nonce", "-respin", "response.der", "-CAfile", "root.pem", "-verify_other",
      "issuer.pem", "-attime", instance.attime, "-validity_period", "4000000000", "-resp_text")
  }

  @Test(arguments: ["-sha1", "-sha256"])
  func `openssl takes the delegated responder's answer, by either hash`(hash: String) async throws {
    let request = try request(hash)
    #expect(request.certificates.map(\.serialHex) == [issued.facts.serial])
    let outcome = try await respond(request, .good, nonce: request.nonce)
    #expect(outcome.text.contains("Response verify OK"), "\(outcome.text)")
    #expect(outcome.text.contains("Cert Status: good"), "\(outcome.text)")
    #expect(!outcome.text.contains("Nonce Verify error") && !outcome.text.contains("no nonce"), "\(outcome.text)")
    #expect(outcome.text.contains("OCSP Nonce"))
    let other = try await respond(request, .good, nonce: [UInt8](repeating: 1, count: 16))
    #expect(other.text.contains("Nonce Verify error"), "\(other.text)")
  }

  @Test func `revoked, held and unknown are said as such`() async throws {
    let request = try request("-no_nonce")
    #expect(request.nonce == nil)
    let revoked = try await respond(request, .revoked(.keyCompromise, at: instance.now), nonce: nil)
    #expect(
      revoked.text.contains("Cert Status: revoked") && revoked.text.contains("Revocation Reason: keyCompromise"),
      "\(revoked.text)")
    let held = try await respond(request, .revoked(.certificateHold, at: instance.now), nonce: nil)
    #expect(held.text.contains("Revocation Reason: certificateHold"), "\(held.text)")
    let unsaid = try await respond(request, .revoked(.unspecified, at: instance.now), nonce: nil)
    #expect(unsaid.text.contains("Cert Status: revoked") && !unsaid.text.contains("Reason:"), "\(unsaid.text)")
    let unknown = try await respond(request, .unknown, nonce: nil)
    #expect(unknown.text.contains("Cert Status: unknown"), "\(unknown.text)")
  }

  @Test func `an answer made ahead is the answer to a question by openssl`() async throws {
    let request = try request("-sha1", "-no_nonce")
    let serial = try #require(Hex.decode(issued.facts.serial))
    let ahead = OCSPCertificateID(issuer: instance.devices, serial: serial, hashAlgorithm: .sha1)
    #expect(request.certificates == [ahead])
  }

  @Test func `a question about another issuer is not answered`() async throws {
    let request = try request()
    let (responder, _) = try await instance.responder(instance.service)
    #expect(!responder.answers(request.certificates[0]))
    let response = try await responder.respond(
      to: request.certificates.map { ($0, .good) }, nonce: nil, producedAt: instance.now, thisUpdate: instance.now,
      nextUpdate: instance.now + .seconds(60))
    #expect(response == .unauthorized)
  }

  @Test(arguments: [
    (OCSPResponse.malformedRequest, "malformedrequest"), (.tryLater, "trylater"), (.unauthorized, "unauthorized"),
    (.internalError, "internalerror"),
  ])
  func `an error is told without a signature`(response: OCSPResponse, word: String) throws {
    try openssl.write(response.der, "response.der")
    let text = try openssl.run("ocsp", "-respin", "response.der", "-noverify").text
    #expect(text.contains("Responder Error: \(word)"), "\(text)")
  }

  private static func question(serials: Int = 1, nonce: [UInt8]? = nil, extension more: CertificateExtension? = nil)
    -> [UInt8]
  {
    let hash = TLV.octetString([UInt8](repeating: 7, count: 20))
    let id = TLV.sequence(TLV.sequence(OID.sha1, TLV.null), hash, hash, TLV.integer(5))
    var extensions: [UInt8] = []
    if let nonce { extensions += CertificateExtension(OID.ocspNonce, TLV.octetString(nonce)).der }
    if let more { extensions += more.der }
    let list = TLV.sequence(of: Array(repeating: TLV.sequence(id), count: serials))
    let body = extensions.isEmpty ? list : list + TLV.tagged(2, TLV.sequence(extensions))
    return TLV.sequence(TLV.sequence(body))
  }

  @Test func `a question within bounds is read`() throws {
    let one = try #require(OCSPRequest.parse(Self.question(nonce: [UInt8](repeating: 1, count: 128))))
    #expect(one.nonce?.count == 128 && one.certificates.count == 1)
    #expect(OCSPRequest.parse(Self.question(serials: 8))?.certificates.count == 8)
    #expect(OCSPRequest.parse(Self.question(extension: CertificateExtension(OID.crlNumber, []))) != nil)
  }

  @Test func `a question beyond its bounds is refused`() {
    let refused: [[UInt8]] = [
      [], [5, 0], Self.question(serials: 0), Self.question(serials: 9), Self.question(nonce: []),
      Self.question(nonce: [UInt8](repeating: 1, count: 129)), Self.question() + [0],
      Self.question(extension: CertificateExtension(OID.crlNumber, isCritical: true, [])),
      Array(Self.question().dropLast()), [UInt8](repeating: 0x30, count: 5000), RawDER.nested(1000),
    ]
    for der in refused { #expect(OCSPRequest.parse(der) == nil, "\(der.prefix(20))") }
  }

  @Test func `a nonce that is too short or too long is not echoed`() async throws {
    let (responder, _) = try await instance.responder(instance.devices)
    let serial = try #require(Hex.decode(issued.facts.serial))
    let id = OCSPCertificateID(issuer: instance.devices, serial: serial, hashAlgorithm: .sha256)
    for (count, echoed) in [(15, false), (16, true), (32, true), (33, false)] {
      let response = try await responder.respond(
        to: [(id, .good)], nonce: [UInt8](repeating: 0xa5, count: count), producedAt: instance.now,
        thisUpdate: instance.now, nextUpdate: instance.now + .seconds(60))
      let nonce = [UInt8](repeating: 0xa5, count: 15)
      #expect((response.der.firstRange(of: nonce) != nil) == echoed, "\(count)")
    }
  }

  @Test func `a certificate that is no responder's makes none`() async throws {
    let (_, signer) = try SoftwareSigner.generate(.p256)
    #expect(throws: CertificationError.self) {
      try OCSPResponder(issuer: instance.devices, certificate: issued.der, signer: signer)
    }
    let (_, certificate) = try await instance.responder(instance.devices)
    #expect(throws: CertificationError.self) {
      try OCSPResponder(issuer: instance.devices, certificate: certificate, signer: signer)
    }
    #expect(throws: CertificationError.self) {
      try OCSPResponder(issuer: instance.service, certificate: certificate, signer: signer)
    }
  }
}
