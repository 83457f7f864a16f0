import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority
@testable import Publication

/// What brokers and clients make of what is published.
@Suite struct OpenSSLTests {
  let world: World
  let openssl: OpenSSL

  init() async throws {
    world = try await World()
    openssl = try OpenSSL()
    try openssl.write(pem: [world.hierarchy.root.issuer.certificate], "root.pem")
    try openssl.write(pem: [world.devices.certificate], "issuer.pem")
  }

  @Test func `openssl verify follows the offered CRLs through hold, release and revocation`() async throws {
    let (good, bad) = (try await world.issue(shard: 1), try await world.issue(shard: 1))
    var round = try await world.round()
    _ = await round.run()
    #expect(try verdicts(bad, round) == ["OK", "OK"])
    for (change, word) in [
      ({ try await world.revoke(bad.facts, .certificateHold) }, "revoked"),
      ({ try await world.release(bad.facts) }, "OK"),
      ({ try await world.revoke(bad.facts) }, "revoked"),
    ] as [(() async throws -> Void, String)] {
      world.clock.advance(.seconds(10))
      try await change()
      round.signal.change()
      _ = await round.run()
      #expect(try verdicts(bad, round) == [word, word])
      #expect(try verdicts(good, round) == ["OK", "OK"])
    }
  }

  /// By the full CRL, and by the shard's.
  private func verdicts(_ issued: IssuedCertificate, _ round: PublishingRound) throws -> [String] {
    try openssl.write(pem: [issued.der], "leaf.pem")
    return try [nil, issued.facts.shard].map { shard in
      let list = try #require(round.offered[world.name(shard)])
      try openssl.write(Array(pem(list.der, "X509 CRL").utf8), "crl.pem")
      let outcome = try openssl.run(
        "verify", "-x509_strict", "-crl_check", "-attime", "\(world.clock.now().seconds)", "-CAfile", "root.pem",
        "-untrusted", "issuer.pem", "-CRLfile", "crl.pem", "leaf.pem")
      if outcome.status == 0 { return "OK" }
      return outcome.text.contains("certificate revoked") ? "revoked" : outcome.text
    }
  }

  @Test(arguments: ["-sha1", "-sha256"])
  func `openssl ocsp takes the answers to its own requests, with nonce and without`(hash: String) async throws {
    let (good, bad) = (try await world.issue(), try await world.issue())
    try await world.revoke(bad.facts, .cessationOfOperation)
    let answers = OCSPAnswers(reader: world.ledger, authorities: world.authorities, clock: world.clock)
    for nonce in ["-nonce", "-no_nonce"] {
      for (issued, word) in [(good, "good"), (bad, "revoked")] {
        try openssl.write(pem: [issued.der], "leaf.pem")
        let question = ["-issuer", "issuer.pem", hash, "-cert", "leaf.pem"]
        try openssl.run(["ocsp", "-reqout", "request.der", nonce] + question)
        let answer = try await answers.answer(try openssl.read("request.der"), from: "192.0.2.1")
        try openssl.write(answer.der, "response.der")
        // -no_nonce: no other than the request has.
        let outcome = try openssl.run(
          [
            "ocsp", "-respin", "response.der", "-reqin", "request.der", "-no_nonce", "-CAfile", "root.pem",
            "-verify_other",
            "issuer.pem", "-attime", "\(world.clock.now().seconds)", "-validity_period", "4000000000",
          ] + question)
        #expect(outcome.status == 0 && outcome.text.contains("Response verify OK"), "\(outcome.text)")
        #expect(outcome.text.contains("leaf.pem: \(word)"), "\(outcome.text)")
        #expect(!outcome.text.contains("WARNING: no nonce") && (answer.freshness == nil) == (nonce == "-nonce"))
      }
    }
  }
}
