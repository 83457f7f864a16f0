import AsyncHTTPClient
import Foundation
import MusterModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Who a client is to the service.
struct BenchIdentity: Sendable, Codable {
  /// The certificate and the key.
  let pem: String
}

/// Requests over connections that are kept open.
struct BenchClient: Sendable {
  let server: String
  private let http: HTTPClient
  private let connections: Int

  /// One thread makes the load: with more of them it is the service's processors that are taken.
  private static let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private static let answerLimit = 64 << 20
  private static let patience = TimeAmount.seconds(60)

  init(server: String, root: String, as identity: BenchIdentity?, connections: Int) throws {
    self.server = server
    self.connections = connections
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .file(root)
    if let identity {
      let bytes = [UInt8](identity.pem.utf8)
      tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(bytes).prefix(1).map { .certificate($0) }
      tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: bytes, format: .pem))
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.httpVersion = .http1Only
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
    http = HTTPClient(eventLoopGroupProvider: .shared(BenchClient.loop), configuration: configuration)
  }

  func shutdown() async throws { try await http.shutdown() }

  /// Asks as much at once as there may be connections, so that they open.
  func connect() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      for _ in 0..<connections { group.addTask { _ = try await get("/health/live") } }
    }
  }

  /// The answer's body. Throws `CommandFailure` for an answer that is no success.
  func send(
    _ method: HTTPMethod, _ path: String, type: String? = nil, authorization: String? = nil, _ body: ByteBuffer? = nil
  ) async throws -> ByteBuffer {
    var request = HTTPClientRequest(url: server + path)
    request.method = method
    if let type { request.headers.add(name: "Content-Type", value: type) }
    if let authorization { request.headers.add(name: "Authorization", value: authorization) }
    if let body { request.body = .bytes(body) }
    return try await answer(to: request, within: BenchClient.patience)
  }

  func get(_ path: String) async throws -> ByteBuffer { try await send(.GET, path) }

  func post<Answer: Decodable>(_ path: String, _ input: some Encodable) async throws -> Answer {
    let body = try await send(
      .POST, path, type: "application/json", ByteBuffer(data: try JSONEncoder().encode(input)))
    return try JSONDecoder().decode(Answer.self, from: Data(buffer: body))
  }

  /// Lines both ways: the whole answer, of whatever length.
  func stream(_ path: String, _ pieces: [ByteBuffer]) async throws -> ByteBuffer {
    var request = HTTPClientRequest(url: server + path)
    request.method = .POST
    request.headers.add(name: "Content-Type", value: "application/x-ndjson")
    request.body = .stream(pieces.async, length: .unknown)
    return try await answer(to: request, within: .hours(1))
  }

  private func answer(to request: HTTPClientRequest, within limit: TimeAmount) async throws -> ByteBuffer {
    let answer = try await http.execute(request, timeout: limit)
    let body = try await answer.body.collect(upTo: BenchClient.answerLimit)
    guard (200..<300).contains(answer.status.code) else {
      throw CommandFailure(
        "expected 200 from \(request.url), found \(answer.status): \(String(buffer: body).prefix(300))")
    }
    return body
  }
}

extension [ByteBuffer] {
  /// One after the other, as they are taken.
  fileprivate var async: AsyncStream<ByteBuffer> {
    let (stream, send) = AsyncStream.makeStream(of: ByteBuffer.self)
    for piece in self { send.yield(piece) }
    send.finish()
    return stream
  }
}

extension BenchServer {
  /// Runs `body` with a client of that identity, or of none.
  func client<Value>(
    _ identity: BenchIdentity?, connections: Int, _ body: (BenchClient) async throws -> Value
  ) async throws -> Value {
    let client = try BenchClient(
      server: address, root: folder.path(of: .root), as: identity, connections: connections)
    do {
      let value = try await body(client)
      try await client.shutdown()
      return value
    } catch {
      try? await client.shutdown()
      throw error
    }
  }
}
