import Foundation
import HTTPTypes
import MusterModel
import Testing

@testable import HTTPService

private func basic(_ pair: String) -> String { "Basic " + Data(pair.utf8).base64EncodedString() }

@Suite struct BasicCredentialsTests {
  @Test(arguments: ["Basic", "basic", "BASIC"])
  func `a device ID and a code are read as they were sent`(scheme: String) throws {
    let field = scheme + basic("Pump-7:AB:CD").dropFirst(5)
    let read = try #require(try BasicCredentials.read(field))
    #expect(read.deviceID.text == "Pump-7")
    #expect(read.code.isEqual(to: SecretBytes(copying: Array("AB:CD".utf8))))
  }

  @Test func `an absent field is no refusal`() throws {
    let read = try BasicCredentials.read(nil)
    #expect(read == nil)
  }

  @Test(arguments: [
    "", "Basic", "Basic ", "Bearer abc", "Basic !!!", "Basic cHVtcA", basic("pump"), basic(":code"), basic("pump:"),
    basic("pu mp:code"), basic("pump\0:code"), basic("pump:co de"), basic("pump:co\nde"), basic("pümp:code"),
    basic("pump:\u{7f}"), basic("pump:" + String(repeating: "x", count: 65)),
    basic(String(repeating: "p", count: 65) + ":code"), "Basic " + String(repeating: "A", count: 400),
    basic("pump:code") + " x", "Basic /////w==",
  ])
  func `anything else is refused with a challenge, and not repeated`(field: String) throws {
    let problem = try #require(throws: Problem.self) { try BasicCredentials.read(field) }
    #expect(problem.status == .unauthorized)
    #expect(problem.headers[.wwwAuthenticate] == "Basic realm=\"muster\", charset=\"UTF-8\"")
    let usual = try #require(throws: Problem.self) { try BasicCredentials.read("") }
    #expect(problem == usual)
  }
}

@Suite struct ESTBodyTests {
  @Test(arguments: ["AAEC", "AAE=\n", "AAEC\r\nAwQF\r\n", "AA\nEC", "AA==", "\r\nAAEC"])
  func `base64 is read with line breaks and without`(text: String) throws {
    let plain = text.filter { !$0.isNewline }
    let read = try #require(Base64.decode(Array(text.utf8)))
    #expect(Data(read) == Data(base64Encoded: plain))
  }

  @Test(arguments: [
    "A", "AA", "AAE", "AAE=x", "AAE= ", " AAEC", "AA EC", "AAEC====", "=", "A===", "AAF=", "AB==", "AA_-", "AAEC\0",
    "AAEC=", "data:AAEC", "AAE=AAEC",
  ])
  func `anything else is not`(text: String) {
    #expect(Base64.decode(Array(text.utf8)) == nil)
  }

  @Test(arguments: ["application/pkcs10", "Application/PKCS10", "application/pkcs10; charset=utf-8"])
  func `a request says that it is PKCS #10`(type: String) throws {
    #expect(try ESTBody.request(Array("AAEC".utf8), headers: [.contentType: type]) == [0, 1, 2])
  }

  @Test func `of two types none counts`() {
    var headers: HTTPFields = [.contentType: "application/pkcs10; charset=utf-8"]
    headers.append(HTTPField(name: .contentType, value: "text/plain"))
    #expect(throws: Problem.self) { try ESTBody.request(Array("AAEC".utf8), headers: headers) }
  }

  @Test(arguments: [nil, "", "text/plain", "application/pkcs10x", "multipart/mixed; application/pkcs10"])
  func `another type is refused as such`(type: String?) throws {
    var headers: HTTPFields = [:]
    headers[.contentType] = type
    let problem = try #require(throws: Problem.self) { try ESTBody.request(Array("AAEC".utf8), headers: headers) }
    #expect(problem.status == .unsupportedMediaType)
  }

  @Test(arguments: [("-----BEGIN CERTIFICATE REQUEST-----\n", "PEM"), ("0\u{1}", "DER"), ("", "nothing")])
  func `what was sent instead is named`(body: String, found: String) throws {
    let problem = try #require(throws: Problem.self) {
      try ESTBody.request(Array(body.utf8), headers: [.contentType: "application/pkcs10"])
    }
    #expect(problem.detail?.contains(found) == true)
  }

  @Test func `an answer is base64 in one line`() {
    let der = [UInt8](repeating: 0xab, count: 300)
    let answer = ESTBody.certificates(der)
    #expect(!answer.body.contains(UInt8(ascii: "\n")))
    #expect(Base64.decode(answer.body) == der)
    #expect(answer.headers[.contentType] == "application/pkcs7-mime; smime-type=certs-only")
  }
}

@Suite struct ConditionTests {
  @Test(arguments: ["a", "0192f3c4-…".filter(\.isASCII), String(repeating: "~", count: 64)])
  func `an idempotency key is kept as it is`(text: String) throws {
    #expect(try IdempotencyKey.read([.idempotencyKey: text])?.text == text)
  }

  @Test(arguments: ["", " ", "a b", "é", String(repeating: "x", count: 65)])
  func `another is refused`(text: String) {
    #expect(throws: Problem.self) { try IdempotencyKey.read([.idempotencyKey: text]) }
  }

  @Test func `two keys are one too many`() {
    var headers: HTTPFields = [:]
    headers[values: .idempotencyKey] = ["a", "a"]
    #expect(throws: Problem.self) { try IdempotencyKey.read(headers) }
  }

  @Test(arguments: [("\"0\"", 0), ("\"18446744073709551615\"", UInt64.max), ("*", nil)])
  func `an entity tag is a version`(field: String, version: UInt64?) throws {
    #expect(try EntityTag.ifMatch([.ifMatch: field]) == version)
  }

  @Test(arguments: ["", "7", "\"7", "\"07\"", "W/\"7\"", "\"7\", \"8\"", "\"-7\"", "\"18446744073709551616\"", "\"\""])
  func `another tag is refused`(field: String) {
    #expect(throws: Problem.self) { try EntityTag.ifMatch([.ifMatch: field]) }
  }
}

@Suite struct RequestTargetTests {
  @Test func `a path is taken apart and decoded once`() throws {
    let target = try RequestTarget("/v1/hardware/mac%3Aaabb%2525?limit=10&after=a%26b")
    #expect(target.path.segments == ["v1", "hardware", "mac:aabb%25"])
    #expect(target.query["limit"] == "10")
    #expect(target.query["after"] == "a&b")
  }

  @Test(arguments: [
    "", "*", "http://host/path", "v1", "/a b", "/a\u{e9}", "/%", "/%4", "/%zz", "/%00", "/%0a", "/%7f", "/%ff",
    "/%c0%af",
    "/a#b", "/a/../b", "/a/./b", "/%2e%2e/b", "/?a", "/?=1", "/?a=1&a=2", "/?a=%", "/?a=%00",
    "/?" + (0...32).map { "p\($0)=1" }.joined(separator: "&"), "/" + String(repeating: "a", count: 8192),
  ])
  func `a hostile target is refused`(text: String) {
    #expect(throws: Problem.self) { try RequestTarget(text) }
  }

  @Test(arguments: [
    ("0", nil), ("1", 1), ("1000", 1000), ("1001", nil), ("-1", nil), ("+1", nil), ("1.0", nil), ("0x10", nil),
    ("", nil), (" 1", nil), ("١", nil), ("99999999999999999999999", nil), ("1e3", nil),
  ])
  func `a number is plain digits within its range`(text: String, number: Int?) throws {
    let escaped = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let ascii = escaped.filter(\.isASCII)
    let query = try RequestTarget("/?limit=\(ascii)").query
    if let number {
      #expect(try query.number("limit", in: 1...1000) == number)
    } else {
      #expect(throws: Problem.self) { try query.number("limit", in: 1...1000) as Int? }
    }
  }

  @Test func `a parameter that the route does not know is refused`() throws {
    let query = try RequestTarget("/?limt=1").query
    #expect(throws: Problem.self) { try query.check(known: ["limit"]) }
  }
}

@Suite struct PathPatternTests {
  @Test(arguments: [
    ("/v1/devices/{id}", "/v1/devices/a%20b", ["id": "a b"]), ("/crl/{issuer}.crl", "/crl/ab.crl", ["issuer": "ab"]),
    ("/crl/{issuer}/{shard}.crl", "/crl/ab/3.crl", ["issuer": "ab", "shard": "3"]),
    ("/ocsp/{request...}", "/ocsp/MEIw/Q%2FDz==", ["request": "MEIw/Q/Dz=="]),
    ("/ledger/tile/{tile...}", "/ledger/tile/0/x001/067.p/3", ["tile": "0/x001/067.p/3"]),
  ])
  func `a path fills the places of its pattern`(pattern: String, path: String, filled: [String: String]) throws {
    #expect(PathPattern(pattern).match(try RequestTarget(path).path) == filled)
  }

  @Test(arguments: [
    ("/v1/devices", "/v1/devices/"), ("/v1/devices/{id}", "/v1/devices/"), ("/v1/devices/{id}", "/v1/devices/a%2Fb"),
    ("/crl/{issuer}.crl", "/crl/.crl"), ("/crl/{issuer}.crl", "/crl/a"), ("/v1/devices", "/V1/devices"),
    ("/v1/devices/{id}", "/v1/devices/a/b"), ("/ocsp/{request...}", "/ocsp"),
  ])
  func `another path does not`(pattern: String, path: String) throws {
    #expect(PathPattern(pattern).match(try RequestTarget(path).path) == nil)
  }
}

@Suite(.timeLimit(.minutes(20))) struct StrictJSONTests {
  struct Input: Codable, Equatable {
    struct Part: Codable, Equatable { let size: Int? }
    let name: String
    let count: Int?
    let parts: [Part]?
  }

  private func decode(_ text: String) throws -> Input { try StrictJSON.decode(Data(text.utf8)) }

  @Test(arguments: [
    ("{\"name\":\"a\"}", Input(name: "a", count: nil, parts: nil)),
    ("{\"name\":\"a\",\"count\":null}", Input(name: "a", count: nil, parts: nil)),
    (
      "{\"name\":\"a\",\"parts\":[{\"size\":1},{}]}",
      Input(name: "a", count: nil, parts: [.init(size: 1), .init(size: nil)])
    ),
  ])
  func `known fields are read`(text: String, input: Input) throws {
    #expect(try decode(text) == input)
  }

  @Test(arguments: [
    ("{\"name\":\"a\",\"cuont\":1}", "cuont"), ("{\"name\":\"a\",\"parts\":[{\"size\":1,\"sice\":2}]}", "parts.sice"),
    ("{}", "name"), ("{\"name\":1}", "name"), ("[]", "the body"), ("", "the body"), ("{\"name\":\"a\"", "the body"),
    ("{\"name\":\"a\",\"count\":1.5}", "JSON that can be read"),
    ("{\"name\":" + String(repeating: "[", count: 20_000), "the body"),
  ])
  func `others are refused, and named`(text: String, place: String) throws {
    let problem = try #require(throws: Problem.self) { try decode(text) }
    #expect(problem.detail?.contains(place) == true, "\(problem.detail ?? "")")
  }

  /// By a decoder of each value this took minutes.
  @Test(arguments: [1, 100, 400]) func `what is deep and wide takes no longer than what is flat`(depth: Int) throws {
    let leaves = Array(repeating: "0", count: 30_000).joined(separator: ",")
    let nested = String(repeating: "[", count: depth) + leaves + String(repeating: "]", count: depth)
    let problem = try #require(throws: Problem.self) { try decode("{\"name\":\"a\",\"more\":\(nested)}") }
    #expect(problem.code == "field-unknown")
  }
}
