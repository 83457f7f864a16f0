import Enrollment
import Foundation
import Logging
import MusterModel
import MusterTesting
import NIOCore
import Policy
import ServiceLifecycle
import Synchronization

@testable import HTTPService

/// A service on free ports of the loopback, with routes of the test's own, for the length of one closure.
struct RunningService: Sendable {
  let port: Int
  let plainPort: Int
  let credential: CurrentCredential
  let log: LogLines
  let pki: ScratchPKI
  /// Asks the service to end, as SIGTERM does.
  let end: @Sendable () async -> Void

  /// What curl answers for `path`: its output, the status last on a line of its own.
  func curl(_ path: String, _ arguments: [String] = [], trust: String = "root.pem") async throws -> Ran {
    try await run(
      "curl",
      ["-sS", "--max-time", "60", "--cacert", pki.path(trust), "-w", "\n%{http_code}"] + arguments
        + ["https://localhost:\(port)\(path)"])
  }

  func identity(_ name: String, chain: String? = nil) -> [String] {
    ["--cert", pki.path(chain ?? "\(name).pem"), "--key", pki.path("\(name).key")]
  }
}

/// Log lines as they were written.
final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])
  func append(_ data: Data) { lines.withLock { $0.append(String(decoding: data, as: UTF8.self)) } }
  var all: [String] { lines.withLock { $0 } }
}

/// `plainly` puts all routes on the plain listener too.
func serving(
  _ routes: [Route] = TestRoutes.all, limits: ConnectionLimits = ConnectionLimits(),
  findings: [HealthFinding] = [], plainly: Bool = false,
  admit: @escaping @Sendable (PeerIdentity, Policy.Operation) async throws -> CallerIdentity = { _, _ in
    CallerIdentity(principal: .anonymous, reads: ReadSet())
  },
  _ body: @escaping @Sendable (RunningService) async throws -> Void
) async throws {
  let routes = plainly ? routes.map(\.plain) : routes
  let pki = try await ScratchPKI.shared.value
  let credential = CurrentCredential(
    try ServerCredential(
      chainPEM: pki.bytes("server.pem"), keyPEM: SecretBytes(copying: pki.bytes("server.key"))))
  let log = LogLines()
  let bound = AsyncStream<Listening.Bound>.makeStream()
  let loopback = Listening.Address(host: "127.0.0.1", port: 0)
  let listening = Listening(
    address: loopback, plain: loopback, credential: credential, limits: limits,
    onReady: { bound.continuation.yield($0) })
  let logger = Logger(label: "muster") { _ in JSONLogHandler(clock: FixedClock()) { log.append($0) } }
  let (metrics, load) = (Metrics(MetricNames.families), ServiceLoad(limits: limits))
  let monitoring = MonitoringRoutes(
    findings: { findings }, metrics: metrics, load: load, keys: { [] }, clock: SystemClock(), rollovers: { [] },
    rewrapped: { 0 }, admit: { _ in })
  let dispatcher = Dispatcher(
    table: RouteTable(routes: monitoring.routes + routes), clock: SystemClock(),
    observation: RequestObservation(logger: logger, metrics: metrics), strangers: StrangerLimits(),
    load: load, admit: admit)
  let service = Listeners(listening: listening, dispatcher: dispatcher, logger: logger)
  let group = ServiceGroup(configuration: .init(services: [.named(service)], logger: Logger(label: "test")))
  try await withThrowingTaskGroup { tasks in
    tasks.addTask { try await group.run() }
    var ready = bound.stream.makeAsyncIterator()
    if let ports = await ready.next(), let plainPort = ports.plainPort {
      let running = RunningService(
        port: ports.port, plainPort: plainPort, credential: credential, log: log, pki: pki,
        end: { await group.triggerGracefulShutdown() })
      let result = await Result { try await body(running) }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      try result.get()
    }
  }
}

extension Result where Failure == any Error {
  init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}

extension Route {
  /// The same on the plain listener, where raw bytes can be sent.
  var plain: Route {
    var shape = shape
    shape.isPlain = true
    guard case .open(let handler) = work else { return self }
    return .anyone(method, path, shape, handler)
  }
}

/// Routes that show what a handler sees.
enum TestRoutes {
  static let all: [Route] = [
    .anyone(.get, "/public.txt", .init(isPlain: true)) { _ in .text("public") },
    .anyone(.get, "/whoami") { request in
      .text(request.peer.chain.map { Digest.sha256($0).hex }.joined(separator: ",") + " \(request.peer.source)")
    },
    .anyone(.post, "/count", .init(bodyLimit: 1024)) { .text(String($0.body.count)) },
    .anyone(.get, "/things/{id}/parts/{part}.bin", .init(parameters: ["limit"])) { request in
      let limit = try request.query.number("limit", in: 1...1000)
      return .text("\(try request.parameter("id")) \(try request.parameter("part")) \(limit ?? 100)")
    },
    .anyone(.get, "/tail/{rest...}") { .text(try $0.parameter("rest")) },
    .anyone(.get, "/pieces") { _ in
      .pieces(type: "text/plain") { $0 < 100 ? Array(repeating: UInt8(ascii: "x"), count: 10_000) : nil }
    },
    .anyone(.get, "/long") { _ in Answer(type: "text/plain", (0..<1_000_000).map { UInt8($0 % 251) }) },
    .anyone(.get, "/breaks") { _ in
      .pieces(type: "text/plain") { index in
        guard index < 2 else { throw Unforeseen(secret: "hunter2") }
        return Array("piece\n".utf8)
      }
    },
    .anyone(.get, "/fails") { _ in throw Unforeseen(secret: "hunter2") },
    .operation(.deviceList, .get, "/known") { _, caller in .text("\(caller.principal)") },
    .device(.post, "/est-like", .init(manner: .est)) { _ in throw Problem(.conflict, "ticket-spent", detail: "used") },
  ]

  struct Unforeseen: Error { let secret: String }
}
