import AsyncHTTPClient
import Foundation
import MusterModel
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing

@testable import muster

/// HTTP over TLS with the trust anchor alone, and a client certificate where there is one.
final class TestClient: Sendable {
  let server: String
  private let http: HTTPClient

  struct Answer: Sendable, Equatable {
    let status: Int
    let body: [UInt8]
    /// Its ETag.
    var tag: String?

    var text: String { String(decoding: body, as: UTF8.self) }
    /// The code of a problem document.
    var code: String? {
      struct Document: Decodable { let code: String }
      return try? JSONDecoder().decode(Document.self, from: Data(body)).code
    }
  }

  /// `identity` is a PEM file of certificates, the leaf first, and its key; trust anchors in it are not shown.
  init(server: String, root: String, identity: String? = nil) throws {
    self.server = server
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(root))
    if let identity {
      tls.certificateChain = try NIOSSLCertificate.fromPEMFile(identity).enumerated()
        .filter { try $0 == 0 || !isSelfIssued($1.toDERBytes()) }.map { .certificate($1) }
      tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: identity, format: .pem))
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.timeout = .init(connect: .seconds(10), read: .seconds(30))
    http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  func shutdown() async { try? await http.shutdown() }

  /// A test that threw has not shut it down: that is the test's failure, and no reason for all others to end with it.
  deinit { http.shutdown { _ in } }

  func send(
    _ method: HTTPMethod, _ path: String, _ headers: [(String, String)] = [], body: [UInt8]? = nil
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: server + path)
    request.method = method
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
    let answer = try await http.execute(request, timeout: .seconds(30))
    let content = try await answer.body.collect(upTo: 16 << 20)
    return Answer(
      status: Int(answer.status.code), body: Array(content.readableBytesView), tag: answer.headers.first(name: "ETag"))
  }

  /// EST's simpleenroll with HTTP Basic (RFC 7030 §3.2.3).
  func enroll(_ device: String, _ code: String, _ csr: [UInt8], label: String = "") async throws -> Answer {
    let credentials = Data("\(device):\(code)".utf8).base64EncodedString()
    return try await send(
      .POST, "/.well-known/est/\(label)simpleenroll",
      [("Content-Type", "application/pkcs10"), ("Authorization", "Basic \(credentials)")],
      body: Array(Data(csr).base64EncodedString().utf8))
  }

  func json<Value: Encodable>(_ method: HTTPMethod, _ path: String, _ value: Value) async throws -> Answer {
    try await send(method, path, [("Content-Type", "application/json")], body: Array(try JSONEncoder().encode(value)))
  }
}

extension ServedInstance {
  /// Runs `body` with a client that is shut down whatever happens: one that is let go without would end the tests.
  func withClient<Value>(
    _ identity: String? = nil, _ body: (TestClient) async throws -> Value
  ) async throws -> Value {
    let client = try client(identity)
    do {
      let value = try await body(client)
      await client.shutdown()
      return value
    } catch {
      await client.shutdown()
      throw error
    }
  }
}
