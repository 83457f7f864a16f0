import AsyncHTTPClient
import Enrollment
import Foundation
import MusterModel
import NIOCore
import NIOSSL
import Synchronization

/// Devices that enroll by EST with a ticket each, over connections that are kept open.
struct EnrollmentBench {
  let server: BenchServer
  let count: Int
  let connections: Int

  private struct Device: Sendable {
    let id: String
    let request: ByteBuffer
    let authorization: String
  }

  func run(unit: SignatureUnit) async throws -> BenchResult {
    let idle = server.megabytes
    let devices = try await withClient(try configuration(isOperator: true)) { try await prepare($0) }
    return try await withClient(try configuration(isOperator: false)) {
      try await measure(devices, $0, unit: unit, idle: idle)
    }
  }

  private func withClient<Result>(
    _ configuration: HTTPClient.Configuration, _ body: (HTTPClient) async throws -> Result
  ) async throws -> Result {
    let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
      let result = try await body(http)
      try await http.shutdown()
      return result
    } catch {
      try? await http.shutdown()
      throw error
    }
  }

  private func measure(
    _ devices: [Device], _ http: HTTPClient, unit: SignatureUnit, idle: Double
  ) async throws -> BenchResult {
    let clock = ContinuousClock()
    let before = server.cpuMicroseconds
    let began = clock.now
    let latencies = try await enroll(devices, http)
    let elapsed = clock.now - began
    let cpu = (server.cpuMicroseconds - before) / Double(count)
    return BenchResult(
      enrollments: count, connections: connections, perSecond: Double(count) / elapsed.seconds, cpuMicroseconds: cpu,
      unitMicroseconds: unit.microseconds, units: cpu / unit.microseconds,
      p50Milliseconds: latencies[count / 2], p99Milliseconds: latencies[min(count - 1, count * 99 / 100)],
      coldStartMilliseconds: server.coldStart.seconds * 1000, idleMegabytes: idle, peakMegabytes: server.megabytes)
  }

  /// The operator's identity is for the tickets; a device shows its ticket and no certificate.
  private func configuration(isOperator: Bool) throws -> HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .file(server.folder.path(of: .root))
    if isOperator {
      let file = server.folder.path(of: .administrator)
      tls.certificateChain = [.certificate(try NIOSSLCertificate.fromPEMFile(file)[0])]
      tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.httpVersion = .http1Only
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
    return configuration
  }

  /// Keys, requests and tickets, before anything is measured.
  private func prepare(_ http: HTTPClient) async throws -> [Device] {
    try await inParallel(count) { index in
      let id = "bench-\(index)"
      let input = TicketInput(
        hardware: "cpu-serial:b\(index)", deviceID: id, swap: nil, validSeconds: nil, group: nil)
      var request = HTTPClientRequest(url: server.address + "/v1/tickets")
      request.method = .POST
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(data: try JSONEncoder().encode(input)))
      let body = try await answer(request, http)
      let ticket = try JSONDecoder().decode(IssuedTicket.self, from: Data(buffer: body))
      let csr = Data(try PeerKey().request(commonName: id)).base64EncodedString()
      let basic = Data("\(id):\(ticket.code)".utf8).base64EncodedString()
      return Device(id: id, request: ByteBuffer(string: csr), authorization: "Basic \(basic)")
    }
  }

  /// Milliseconds of each, in ascending order.
  private func enroll(_ devices: [Device], _ http: HTTPClient) async throws -> [Double] {
    let clock = ContinuousClock()
    return try await inParallel(devices.count) { index in
      var request = HTTPClientRequest(url: server.address + "/.well-known/est/simpleenroll")
      request.method = .POST
      request.headers.add(name: "Content-Type", value: "application/pkcs10")
      request.headers.add(name: "Authorization", value: devices[index].authorization)
      request.body = .bytes(devices[index].request)
      let began = clock.now
      _ = try await answer(request, http)
      return (clock.now - began).seconds * 1000
    }.sorted()
  }

  private func answer(_ request: HTTPClientRequest, _ http: HTTPClient) async throws -> ByteBuffer {
    let answer = try await http.execute(request, timeout: .seconds(60))
    let body = try await answer.body.collect(upTo: 1 << 20)
    guard answer.status == .ok || answer.status == .created else {
      throw CommandFailure("expected 200, found \(answer.status): \(String(buffer: body).prefix(300))")
    }
    return body
  }

  /// As many at once as there are connections, each taking the next that nobody has.
  private func inParallel<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) async throws -> Value
  ) async throws -> [Value] {
    let turn = Turn()
    return try await withThrowingTaskGroup(of: [Value].self) { group in
      for _ in 0..<connections {
        group.addTask {
          var values: [Value] = []
          while true {
            let index = turn.take()
            guard index < count else { return values }
            values.append(try await body(index))
          }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
  }
}

/// Numbers, each given once.
private final class Turn: Sendable {
  private let next = Atomic<Int>(0)

  func take() -> Int { next.wrappingAdd(1, ordering: .relaxed).oldValue }
}

extension Duration {
  fileprivate var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
