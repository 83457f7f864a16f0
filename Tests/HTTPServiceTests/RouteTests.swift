import CertificateAuthority
import Enrollment
import Foundation
import HTTPTypes
import HummingbirdCore
import Ledger
import MusterModel
import MusterTesting
import NIOCore
import Testing

@testable import HTTPService
@testable import muster

private func basic(_ pair: String) -> HTTPFields {
  [.authorization: "Basic " + Data(pair.utf8).base64EncodedString(), .contentType: "application/pkcs10"]
}

@Suite struct ESTRouteTests {
  private let enroll = "/.well-known/est/simpleenroll"

  @Test func `who brings no evidence is asked for a ticket`() async throws {
    try await RealInstance.with { real in
      let answer = try await real.ask(
        .post, enroll, [.contentType: "application/pkcs10"], body: Array("MAA=".utf8))
      #expect(answer.status == .unauthorized)
      #expect(answer.headers[.wwwAuthenticate] == BasicCredentials.challenge)
      #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
    }
  }

  @Test func `a ticket and a certificate are one evidence too many`() async throws {
    try await RealInstance.with { real in
      let answer = try await real.ask(
        .post, enroll, basic("pump-7:0000-0000-0000-0000"), body: Array("MAA=".utf8), showing: [[1]])
      #expect(answer.status == .badRequest)
      #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix("evidence-ambiguous"))
    }
  }

  @Test(arguments: ["Basic cHVtcC03OjAwMDAtMDAwMC0wMDAwLTAwMDA=", "Basic !", "Bearer x"])
  func `who renews by a certificate and sends credentials beside it is refused, whatever they are`(
    field: String
  ) async throws {
    try await RealInstance.with { real in
      let headers: HTTPFields = [.authorization: field, .contentType: "application/pkcs10"]
      let path = "/.well-known/est/simplereenroll"
      let answer = try await real.ask(.post, path, headers, body: Array("MAA=".utf8), showing: [[1]])
      #expect(answer.status == .badRequest)
      #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix("evidence-ambiguous"))
      let alone = try await real.ask(.post, path, headers, body: Array("MAA=".utf8))
      #expect(alone.status == .unauthorized, "a code renews nothing")
    }
  }

  @Test(arguments: ["WRONG", "0000-0000-0000-0000"])
  func `the 21st wrong code of a minute has to wait`(code: String) async throws {
    try await RealInstance.with { real in
      let dispatcher = real.dispatcher()
      let csr = Array(Data(try PeerKey().request(commonName: "pump-7")).base64EncodedString().utf8)
      func ask() async throws -> Answer {
        try await real.ask(.post, enroll, basic("pump-7:\(code)"), body: csr, by: dispatcher)
      }
      for _ in 0..<20 { #expect(try await ask().status == .unauthorized) }
      let answer = try await ask()
      #expect(answer.status == .tooManyRequests)
      #expect(answer.headers[.retryAfter] == "60")
      real.clock.set(real.clock.now() + .seconds(60))
      #expect(try await ask().status == .unauthorized)
    }
  }

  @Test(arguments: ["/.well-known/est/a%20b/cacerts", "/.well-known/est/.pumps/csrattrs"])
  func `a label that is no group's name is refused`(path: String) async throws {
    try await RealInstance.with { real in
      let answer = try await real.ask(.get, path)
      #expect(answer.status == .badRequest)
    }
  }

  @Test func `the CA certificates come as certs-only CMS that openssl reads`() async throws {
    try await RealInstance.with { real in
      let answer = try await real.ask(.get, "/.well-known/est/cacerts")
      #expect(answer.headers[.contentType] == "application/pkcs7-mime; smime-type=certs-only")
      let cms = try #require(Base64.decode(answer.body))
      let read = try await run("openssl", ["pkcs7", "-inform", "DER", "-print_certs", "-noout"], input: cms)
      #expect(read.output.components(separatedBy: "subject=O = Test Works").count == 4, "\(read.output)\(read.errors)")
    }
  }

  @Test func `what a request should look like is read by openssl`() async throws {
    try await RealInstance.with { real in
      let answer = try await real.ask(.get, "/.well-known/est/csrattrs")
      let der = try #require(Base64.decode(answer.body))
      let read = try await run("openssl", ["asn1parse", "-inform", "DER"], input: der)
      #expect(read.status == 0)
      for name in ["ecdsa-with-SHA256", "id-ecPublicKey", "prime256v1"] { #expect(read.output.contains(name)) }
    }
  }
}

@Suite struct PublicRouteTests {
  @Test(arguments: [IssuerUse.root, .devices, .service], ["", "/0"])
  func `a CRL is given out, kept for a minute, and not again to who has it`(use: IssuerUse, shard: String) async throws
  {
    try await RealInstance.with { real in
      let path = "/crl/\(try await real.keyID(of: use))\(shard).crl"
      let answer = try await real.ask(.get, path)
      // The root revokes too little to have shards.
      guard use != .root || shard.isEmpty else { return #expect(answer.status == .notFound) }
      #expect(answer.headers[.contentType] == "application/pkix-crl")
      #expect(answer.headers[.cacheControl] == "max-age=60, public, no-transform, must-revalidate")
      let read = try await run("openssl", ["crl", "-inform", "DER", "-noout", "-nextupdate"], input: answer.body)
      #expect(read.output.hasPrefix("nextUpdate="), "\(read.errors)")
      let tag = try #require(answer.headers[.eTag])
      let again = try await real.ask(.get, path, [.ifNoneMatch: tag])
      #expect(again.status == .notModified && again.body.isEmpty && again.headers[.eTag] == tag)
      #expect(try await real.ask(.get, path, [.ifNoneMatch: "\"another\""]).body == answer.body)
    }
  }

  @Test(arguments: [(7, "max-age=7, public, no-transform, must-revalidate"), (0, nil)])
  func `near its end a CRL is kept until then, and past it not at all`(seconds: Int64, control: String?) async throws {
    try await RealInstance.with { real in
      let keyID = try await real.keyID(of: .devices)
      let end = try #require(try await real.status.revocationList(of: keyID, shard: nil)?.nextUpdate)
      real.clock.set(end - .seconds(seconds))
      let answer = try await real.ask(.get, "/crl/\(keyID).crl")
      #expect(answer.status == .ok && answer.headers[.cacheControl] == control)
    }
  }

  @Test(arguments: [
    "/crl/cd.crl", "/crl/ID/00.crl", "/crl/ID/-1.crl", "/crl/ID/9.crl", "/crl/ID/4294967296.crl", "/ca/ab.cer",
    "/crl/id.crl",
  ])
  func `what is not there is not found`(path: String) async throws {
    try await RealInstance.with { real in
      let path = path.replacing("ID", with: try await real.keyID(of: .devices))
      #expect(try await real.ask(.get, path).status == .notFound)
    }
  }

  @Test func `an issuer's certificate is given out`() async throws {
    try await RealInstance.with { real in
      for issuer in try await real.opened.readers.issuers() {
        let answer = try await real.ask(.get, "/ca/\(issuer.keyID).cer")
        #expect(answer.body == issuer.der && answer.headers[.contentType] == "application/pkix-cert")
      }
    }
  }

  @Test func `an OCSP request is read from a body, and from a path with its slashes escaped or not`() async throws {
    try await RealInstance.with { real in
      let request = try await requestWithSlash(real)
      let base64 = Data(request).base64EncodedString()
      let escaped = try #require(base64.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
      var answers = [
        try await real.ask(.post, "/ocsp", [.contentType: "application/ocsp-request"], body: request)
      ]
      for path in [base64, escaped] { answers.append(try await real.ask(.get, "/ocsp/\(path)")) }
      for answer in answers {
        #expect(answer.headers[.contentType] == "application/ocsp-response")
        let read = try await run(
          "openssl", ["ocsp", "-respin", "/dev/stdin", "-resp_text", "-noverify"], input: answer.body)
        #expect(read.output.contains("Cert Status: good"), "\(read.output) \(read.errors)")
      }
    }
  }

  /// By openssl, about the first administrator's certificate; its nonce is another until there is a slash.
  private func requestWithSlash(_ real: RealInstance) async throws -> [UInt8] {
    let folder = real.opened.folder
    let issuer = try #require(try await real.opened.readers.issuers().first { $0.use == .service })
    let file = folder.path + "/issuer.pem"
    try Data(PEM.certificate(issuer.der).utf8).write(to: URL(fileURLWithPath: file))
    while true {
      let made = try await run(
        "openssl",
        [
          "ocsp", "-sha256", "-issuer", file, "-cert", folder.path(of: .administrator), "-reqout",
          folder.path + "/request.der",
        ])
      try #require(made.status == 0, "\(made.errors)")
      let request = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/request.der"))
      if request.base64EncodedString().contains("/") { return Array(request) }
    }
  }

  @Test func `an OCSP request is no longer than a question`() async throws {
    try await RealInstance.with { real in
      let body = [UInt8](repeating: 0, count: OCSPRequest.sizeLimit + 1)
      let answer = try await real.ask(.post, "/ocsp", [.contentType: "application/ocsp-request"], body: body)
      #expect(answer.status == .contentTooLarge)
    }
  }
}

@Suite struct LedgerRouteTests {
  /// `N` in the path is how many events there are, `M` one more.
  private func ask(
    _ path: String, _ check: (Answer, [[UInt8]], RealInstance) async throws -> Void
  ) async throws {
    try await RealInstance.with { real in
      let auditor = try await real.peer(.auditor)
      let events = try await real.events()
      let path = path.replacing("N", with: "\(events.count)").replacing("M", with: "\(events.count + 1)")
      try await check(try await real.ask(.get, path, showing: [auditor]), events, real)
    }
  }

  @Test func `tiles are hashes, entries are events after their length`() async throws {
    try await ask("/ledger/tile/0/000.p/N") { answer, events, _ in
      #expect(events.count > 15 && answer.body == events.flatMap { MerkleHash.leaf($0).bytes })
    }
    try await ask("/ledger/tile/entries/000.p/N") { answer, events, _ in
      #expect(answer.body == events.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 })
    }
  }

  @Test func `a proof leads to the signed checkpoint`() async throws {
    try await ask("/v1/ledger/proof?position=3") { answer, events, real in
      let proof = try JSONDecoder().decode(LedgerProof.self, from: Data(answer.body))
      let checkpoint = try OpenInstance.verifier(real.opened.folder).verify(proof.checkpoint).get()
      #expect(Array(proof.event.utf8) == events[3] && checkpoint.size == UInt64(events.count))
      let path = try #require(
        InclusionProof(position: 3, size: proof.size, leaf: MerkleHash.leaf(events[3]), siblings: proof.path))
      #expect(path.verify(root: checkpoint.root))
    }
  }

  @Test(arguments: [
    "/ledger/tile/0/000.p/M", "/ledger/tile/0/001", "/ledger/tile/entries/000", "/ledger/tile/7/000",
    "/ledger/tile/0/0", "/ledger/tile/entries/000.p/0", "/ledger/tile/0/x000/000", "/v1/ledger/proof?position=N",
  ])
  func `what is past the end or not in its form is not found`(path: String) async throws {
    try await ask(path) { answer, _, _ in #expect(answer.status == .notFound) }
  }

  @Test func `an export comes piece by piece, with every event in it`() async throws {
    try await ask("/v1/ledger/export") { answer, events, _ in
      let sent = Collected()
      var writer: any ResponseBodyWriter = sent
      let stream = try #require(answer.stream)
      try await stream(&writer)
      let lines = sent.bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
      #expect(Array(lines.suffix(events.count)) == events)
      #expect(String(decoding: lines[0], as: UTF8.self).contains("muster-ledger-export/1"))
    }
  }

  @Test(arguments: ["/v1/ledger/proof", "/v1/ledger/proof?position=-1", "/v1/ledger/proof?position=x"])
  func `a proof is of a position`(path: String) async throws {
    try await ask(path) { answer, _, _ in #expect(answer.status == .badRequest) }
  }
}

/// What a body writes, in memory.
private final class Collected: ResponseBodyWriter {
  private(set) var bytes: [UInt8] = []
  func write(_ buffer: ByteBuffer) async throws { bytes += Array(buffer: buffer) }
  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
