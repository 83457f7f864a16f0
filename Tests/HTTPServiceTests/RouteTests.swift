import CertificateAuthority
import Enrollment
import Foundation
import HTTPTypes
import MusterModel
import Testing

@testable import HTTPService

private func basic(_ pair: String) -> HTTPFields {
  [.authorization: "Basic " + Data(pair.utf8).base64EncodedString(), .contentType: "application/pkcs10"]
}

@Suite struct ESTRouteTests {
  private let enroll = "/.well-known/est/simpleenroll"

  @Test func `who brings no evidence is asked for a ticket`() async throws {
    let answer = try await FakeInstance().ask(
      .post, enroll, [.contentType: "application/pkcs10"], body: Array("MAA=".utf8))
    #expect(answer.status == .unauthorized)
    #expect(answer.headers[.wwwAuthenticate] == BasicCredentials.challenge)
    #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
  }

  @Test func `a ticket and a certificate are one evidence too many`() async throws {
    let answer = try await FakeInstance().ask(
      .post, enroll, basic("pump-7:0000-0000-0000-0000"), body: Array("MAA=".utf8), showing: [[1]])
    #expect(answer.status == .badRequest)
    #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix("evidence-ambiguous"))
  }

  @Test(arguments: ["Basic cHVtcC03OjAwMDAtMDAwMC0wMDAwLTAwMDA=", "Basic !", "Bearer x"])
  func `who renews by a certificate and sends credentials beside it is refused, whatever they are`(
    field: String
  ) async throws {
    let headers: HTTPFields = [.authorization: field, .contentType: "application/pkcs10"]
    let path = "/.well-known/est/simplereenroll"
    let answer = try await FakeInstance().ask(.post, path, headers, body: Array("MAA=".utf8), showing: [[1]])
    #expect(answer.status == .badRequest)
    #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix("evidence-ambiguous"))
    let alone = try await FakeInstance().ask(.post, path, headers, body: Array("MAA=".utf8))
    #expect(alone.status == .unauthorized, "a code renews nothing")
  }

  @Test func `the 21st wrong code of a minute has to wait`() async throws {
    let fake = try await FakeInstance()
    let dispatcher = fake.dispatcher()
    func ask() async throws -> Answer {
      try await fake.ask(.post, enroll, basic("pump-7:WRONG"), body: Array("MAA=".utf8), by: dispatcher)
    }
    for _ in 0..<20 { #expect(try await ask().status == .unauthorized) }
    let answer = try await ask()
    #expect(answer.status == .tooManyRequests)
    #expect(answer.headers[.retryAfter] == "60")
  }

  @Test(arguments: ["/.well-known/est/a%20b/cacerts", "/.well-known/est/.pumps/csrattrs"])
  func `a label that is no group's name is refused`(path: String) async throws {
    #expect(try await FakeInstance().ask(.get, path).status == .badRequest)
  }

  @Test func `the CA certificates come as certs-only CMS that openssl reads`() async throws {
    let fake = try await FakeInstance()
    let pki = try await ScratchPKI.shared.value
    let ran = try await run("openssl", ["x509", "-in", pki.path("root.pem"), "-outform", "DER", "-out", "/dev/stdout"])
    #expect(ran.status == 0)
    let der = try #require(try PEMText.certificates([String(decoding: pki.bytes("root.pem"), as: UTF8.self)]).first)
    fake.registry.change { $0.issuers = [IssuerRecord(use: .root, keyID: "ab", key: nil, der: der, issued: 0)] }
    let answer = try await fake.ask(.get, "/.well-known/est/cacerts")
    #expect(answer.headers[.contentType] == "application/pkcs7-mime; smime-type=certs-only")
    let cms = try #require(ESTBody.base64(answer.body))
    let read = try await run("openssl", ["pkcs7", "-inform", "DER", "-print_certs", "-noout"], input: cms)
    #expect(read.output.contains("CN = root"), "\(read.errors)")
  }

  @Test func `what a request should look like is read by openssl`() async throws {
    let answer = try await FakeInstance().ask(.get, "/.well-known/est/csrattrs")
    let der = try #require(ESTBody.base64(answer.body))
    let read = try await run("openssl", ["asn1parse", "-inform", "DER"], input: der)
    #expect(read.status == 0)
    for name in ["ecdsa-with-SHA256", "id-ecPublicKey", "prime256v1"] { #expect(read.output.contains(name)) }
  }
}

@Suite struct PublicRouteTests {
  @Test func `a CRL is given out, kept for a minute, and not again to who has it`() async throws {
    let fake = try await FakeInstance()
    let next = FixedClock().now() + .seconds(3600)
    fake.registry.change {
      $0.lists["ab"] = SignedStatus(der: [1, 2], nextUpdate: next, entityTag: "\"x\"")
      $0.lists["ab/3"] = SignedStatus(der: [3], nextUpdate: FixedClock().now() + .seconds(7))
    }
    let full = try await fake.ask(.get, "/crl/ab.crl")
    #expect(full.body == [1, 2])
    #expect(full.headers[.contentType] == "application/pkix-crl")
    #expect(full.headers[.cacheControl] == "max-age=60, public, no-transform, must-revalidate")
    #expect(try await fake.ask(.get, "/crl/ab.crl", [.ifNoneMatch: "\"x\""]).status == .notModified)
    #expect(try await fake.ask(.get, "/crl/ab/3.crl").headers[.cacheControl]?.hasPrefix("max-age=7,") == true)
  }

  @Test(arguments: ["/crl/cd.crl", "/crl/ab/03.crl", "/crl/ab/-1.crl", "/crl/ab/4294967296.crl", "/ca/ab.cer"])
  func `what is not there is not found`(path: String) async throws {
    #expect(try await FakeInstance().ask(.get, path).status == .notFound)
  }

  @Test(arguments: ["/ocsp/MEIw%2FA%3D%3D", "/ocsp/MEIw/A=="])
  func `an OCSP request in a path is read with its slashes escaped or not`(path: String) async throws {
    let answer = try await FakeInstance().ask(.get, path)
    let request = try #require(Data(base64Encoded: "MEIw/A=="))
    #expect(answer.body == Array("status of ".utf8) + request)
    #expect(answer.headers[.contentType] == "application/ocsp-response")
  }

  @Test func `an OCSP request is no longer than a question`() async throws {
    let body = [UInt8](repeating: 0, count: OCSPRequest.sizeLimit + 1)
    let answer = try await FakeInstance().ask(
      .post, "/ocsp", [.contentType: "application/ocsp-request"], body: body)
    #expect(answer.status == .contentTooLarge)
  }
}

@Suite struct LedgerRouteTests {
  private func ask(_ path: String) async throws -> Answer {
    let fake = try await FakeInstance()
    return try await fake.ask(.get, path, showing: [fake.peer(.auditor)])
  }

  @Test func `tiles are hashes, entries are events after their length`() async throws {
    let hashes = try await ask("/ledger/tile/0/000.p/3")
    #expect(hashes.body == (0..<3).flatMap { Digest.sha256([UInt8($0)]).bytes })
    let entries = try await ask("/ledger/tile/entries/000.p/2")
    #expect(entries.body == [0, 7] + Array("event 0".utf8) + [0, 7] + Array("event 1".utf8))
  }

  @Test(arguments: [
    "/ledger/tile/0/000.p/4", "/ledger/tile/0/001", "/ledger/tile/entries/000", "/ledger/tile/7/000",
    "/ledger/tile/0/0",
    "/ledger/tile/entries/000.p/0", "/ledger/tile/0/x000/000", "/v1/ledger/proof?position=3",
  ])
  func `what is past the end or not in its form is not found`(path: String) async throws {
    #expect(try await ask(path).status == .notFound)
  }

  @Test func `an export comes piece by piece, its length untold`() async throws {
    let answer = try await ask("/v1/ledger/export")
    let pieces = try #require(answer.pieces)
    var sent: [UInt8] = []
    var index: UInt64 = 0
    while let piece = try await pieces(index) {
      sent += piece
      index += 1
    }
    #expect(String(decoding: sent, as: UTF8.self) == "piece 0\npiece 1\npiece 2\n")
  }

  @Test(arguments: ["/v1/ledger/proof", "/v1/ledger/proof?position=-1", "/v1/ledger/proof?position=x"])
  func `a proof is of a position`(path: String) async throws {
    #expect(try await ask(path).status == .badRequest)
  }
}
