import Crypto
import Enrollment
import Foundation
import HTTPTypes
import HummingbirdCore
import MusterModel
import MusterTesting
import NIOCore
import Policy
import Synchronization
import Testing

@testable import HTTPService
@testable import muster

/// Each route against each role, as the route table and `access.yaml` have it, on a real instance.
@Suite struct AccessTests {
  private func example(_ route: Route) -> String {
    "/"
      + route.pattern.segments.map { segment in
        switch segment {
        case .literal(let text): text
        case .capture("rollover", let suffix): RecordID(.rollover, UUIDv7(at: FixedClock().now())).description + suffix
        case .capture("ticket", _): RecordID(.ticket, UUIDv7(at: FixedClock().now())).description
        case .capture("certificate", let suffix): String(repeating: "0", count: 31) + "1" + suffix
        case .capture("fingerprint", _): String(repeating: "0", count: 64)
        case .capture(_, let suffix): "1" + suffix
        case .rest: "0/000.p/1"
        }
      }.joined(separator: "/") + query(route)
  }

  /// The parameters without which a route reads nothing.
  private func query(_ route: Route) -> String {
    let parameters = route.shape.parameters
    let batch = RecordID(.batch, UUIDv7(at: FixedClock().now()))
    if parameters.contains("first") { return "?first=0&last=0" }
    return parameters.contains("position") ? "?position=0" : parameters.contains("batch") ? "?batch=\(batch)" : ""
  }

  /// A sound body, for what cannot be read is refused before anyone is.
  private func body(_ route: Route) throws -> [UInt8] {
    guard route.method == .post else { return [] }
    guard route.path != "/v1/makers" else {
      let bundle = Project.root.appending(path: "PKI/trust-anchors/tpm/nationz.pem")
      return Array(try JSONEncoder().encode(["certificates": [String(contentsOf: bundle, encoding: .utf8)]]))
    }
    let csr = Data(try PeerKey().request(commonName: "newcomer")).base64EncodedString()
    let sealKey = P256.KeyAgreement.PrivateKey().publicKey.pemRepresentation.replacing("\n", with: "\\n")
    let bodies = [
      "/v1/tickets": #"{"hardware":"mac:aabbcc001122","deviceID":"a"}"#, "/v1/groups": #"{"name":"a"}"#,
      "/v1/hardware/import": #"[{"hardware":"mac:aabbcc001122"}]"#, "/v1/vault/unseal": #"{"passphrase":"x"}"#,
      "/v1/policy/explain": #"{"position":1}"#,
      "/v1/identity/renew": #"{"csr":"\#(csr)"}"#,
      "/v1/operators": #"{"name":"newcomer","role":"auditor","csr":"\#(csr)"}"#,
      "/v1/hubs": #"{"name":"newcomer","host":"h","csr":"\#(csr)"}"#,
      "/v1/hubs/{name}/seal-key": #"{"sealKey":"\#(sealKey)"}"#,
      "/v1/ledger/{position}/erase": #"{"reason":"x"}"#,
      "/v1/orders/{name}/confirmations": #"{"devices":["a"]}"#,
      "/v1/orders": #"{"name":"newcomer","station":"line","group":"pumps","count":1}"#,
    ]
    let key = RouteBodies.body(of: route.path)
    let hardware = route.path.hasPrefix("/v1/hardware/") ? #"{"hardware":"mac:aabbcc001122"}"# : nil
    return Array((bodies[route.path] ?? key ?? hardware ?? "{}").utf8)
  }

  private func headers(_ route: Route) -> HTTPFields {
    route.shape.isStreamed ? [.contentType: BatchRoutes.mediaType] : [:]
  }

  @Test(arguments: Role.allCases)
  func `a role may do what access-yaml lists, and nothing else`(role: Role) async throws {
    try await RealInstance.with { real in
      let certificate = try await real.peer(role)
      guard case .known(let principal, _) = try await Authentication(real.instance).identify(leaf: certificate) else {
        Issue.record("\(role) is not known")
        return
      }
      for route in real.table.routes {
        guard case .operation(let operation) = route.access else { continue }
        let answer = try await real.ask(
          route.method, example(route), headers(route), body: try body(route), showing: [certificate])
        let what: Comment = "\(role) \(route.method) \(route.path): \(answer.status) \(answer.code ?? "")"
        switch real.instance.policies.decide(principal, operation, group: nil) {
        case .allowed: #expect(answer.status != .unauthorized && answer.code?.hasPrefix("not-allowed") != true, what)
        case .refused: #expect(answer.status == .forbidden && answer.code == "not-allowed", what)
        }
        #expect(answer.status != .internalServerError, what)
      }
    }
  }

  @Test(arguments: [[], [Array("a stranger's".utf8)]] as [[[UInt8]]])
  func `who is nobody here is asked who they are, at each route with an operation`(chain: [[UInt8]]) async throws {
    try await RealInstance.with { real in
      let strangers = StrangerLimits()
      let dispatcher = real.dispatcher(strangers: strangers)
      let before = try await real.events().count
      var asked: UInt64 = 0
      for route in real.table.routes {
        guard case .operation = route.access else { continue }
        let answer = try await real.ask(
          route.method, example(route), headers(route), body: try body(route), showing: chain, by: dispatcher)
        asked += 1
        #expect(answer.status == .unauthorized && answer.code == "not-authenticated", "\(route.method) \(route.path)")
        #expect(answer.headers[.wwwAuthenticate] != nil)
      }
      #expect(asked > 35)
      #expect(try #require(strangers.take(at: real.clock.now())).event.total == asked)
      #expect(try await real.events().count == before, "a stranger made us write")
    }
  }

  @Test func `a stranger's body is not read where it would be for nothing`() async throws {
    try await RealInstance.with { real in
      let isRead = Mutex(false)
      let stream = RequestBody(
        asyncSequence: AsyncStream<ByteBuffer> {
          isRead.withLock { $0 = true }
          return nil
        })
      var asked = 0
      for route in real.table.routes where route.method == .post {
        if case .operation = route.access {} else if route.shape.manner != .est { continue }
        let answer = try await real.ask(.post, example(route), headers(route), stream: stream)
        #expect(answer.status == .unauthorized, "\(route.path)")
        asked += 1
      }
      #expect(asked > 25 && isRead.withLock { !$0 })
      _ = try await real.ask(.post, "/v1/enrollments", [.contentType: "application/json"], stream: stream)
      #expect(isRead.withLock { $0 }, "what is open to strangers by what it says is read")
    }
  }

  @Test func `what a known caller is refused is an event, and not counted as a stranger's`() async throws {
    try await RealInstance.with { real in
      let strangers = StrangerLimits()
      let certificate = try await real.peer(.factoryLine)
      let before = try await real.events().count
      let answer = try await real.ask(
        .get, "/v1/operators", showing: [certificate], by: real.dispatcher(strangers: strangers))
      #expect(answer.status == .forbidden)
      #expect(try await real.events(from: before).map { try EventEnvelope($0).kind } == ["request-refused"])
      #expect(strangers.take(at: real.clock.now()) == nil)
    }
  }

  @Test func `past a known caller's events the rest is counted`() async throws {
    try await RealInstance.with { real in
      let strangers = StrangerLimits()
      let (dispatcher, certificate) = (real.dispatcher(strangers: strangers), try await real.peer(.factoryLine))
      let before = try await real.events().count
      for _ in 0..<10 {
        let answer = try await real.ask(.get, "/v1/operators", showing: [certificate], by: dispatcher)
        #expect(answer.status == .forbidden && answer.code == "not-allowed")
      }
      let kinds = try await real.events(from: before).map { try EventEnvelope($0).kind }
      #expect(kinds == Array(repeating: "request-refused", count: 4))
      let counted = try #require(strangers.take(at: real.clock.now()))
      #expect(counted.details.rows.map(\.code) == ["not-allowed"] && counted.event.total == 6)
    }
  }

  @Test func `each refused row of a list that is imported is told and counted`() async throws {
    try await RealInstance.with { real in
      let strangers = StrangerLimits()
      let (dispatcher, certificate) = (real.dispatcher(strangers: strangers), try await real.peer(.factoryLine))
      let rows =
        (0..<6).map { #"{"hardware":"mac:aabbcc00112\#($0)"}"# } + (0..<6).map { #"{"hardware":"mac:\#($0)"}"# }
      let body = Array("[\(rows.joined(separator: ","))]".utf8)
      let answer = try await real.ask(
        .post, "/v1/hardware/import", body: body, showing: [certificate], by: dispatcher)
      let results = try JSONDecoder().decode([HardwareResult].self, from: Data(answer.body))
      #expect(
        results.map(\.code) == Array(repeating: nil, count: 6) + Array(repeating: "hardware-id-malformed", count: 6))
      #expect(try #require(strangers.take(at: real.clock.now())).event.total == 6)
    }
  }

  @Test func `metrics are for who may read them, and for anyone where the policy says so`() async throws {
    try await RealInstance.with { real in
      let certificate = try await real.peer(.monitoring)
      #expect(try await real.ask(.get, "/metrics").status == .unauthorized)
      #expect(try await real.ask(.get, "/metrics", showing: [certificate]).status == .ok)
      #expect(try await real.ask(.get, "/v1/devices", showing: [certificate]).status == .forbidden)
      #expect(real.dispatcher().plain.table.routes.allSatisfy { $0.path != "/metrics" }, "never without TLS")
      let files = real.instance.policies.files.map { file in
        let access = "version: 1\nallow:\n  anonymous: [metrics.read]\n"
        return file.name == "access.yaml" ? PolicyFile(name: file.name, bytes: Array(access.utf8)) : file
      }
      let open = real.dispatcher(on: real.instance(under: try Policies.load(files: files), store: real.instance.store))
      #expect(try await real.ask(.get, "/metrics", by: open).status == .ok)
      #expect(try await real.ask(.get, "/v1/devices", by: open).status == .unauthorized)
    }
  }

  private struct FailingStore: StoreDouble {
    struct Failure: StoreFailure { let outage: StoreOutage? }
    let outage: StoreOutage
    func commit(_ unit: UnitOfWork) async throws -> CommitOutcome { throw Failure(outage: outage) }
  }

  @Test(arguments: [(StoreOutage.overloaded, "1"), (.full, "30"), (.stopped, "30")])
  func `what the store cannot take now is asked for again later`(outage: StoreOutage, wait: String) async throws {
    try await RealInstance.with { real in
      let certificate = try await real.peer(.administrator)
      let instance = real.instance(under: real.instance.policies, store: FailingStore(outage: outage))
      let body = Array(#"{"hardware":"mac:aabbcc001122"}"#.utf8)
      let answer = try await real.ask(
        .post, "/v1/hardware/block", body: body, showing: [certificate], by: real.dispatcher(on: instance))
      #expect(answer.status == .serviceUnavailable && answer.code == outage.code)
      #expect(answer.headers[.retryAfter] == wait)
    }
  }

  @Test func `a removed operator is shut out at the next request`() async throws {
    try await RealInstance.with { real in
      let certificate = try await real.peer(.administrator)
      #expect(try await real.ask(.get, "/v1/devices", showing: [certificate]).status == .ok)
      _ = try await real.administration.removeOperator("administrator", by: .folder()).get()
      let answer = try await real.ask(.get, "/v1/devices", showing: [certificate])
      #expect(answer.status == .unauthorized && answer.code == "operator-removed")
    }
  }

  @Test func `who is removed while the body of a request comes is shut out of that request`() async throws {
    try await RealInstance.with { real in
      let certificate = try await real.peer(.administrator)
      let pieces = Mutex([#"{"operation":"ticket.issue","role":"field-engineer"}"#])
      let stream = RequestBody(
        asyncSequence: AsyncStream<ByteBuffer> {
          guard let piece = pieces.withLock({ $0.popLast() }) else { return nil }
          _ = try? await real.administration.removeOperator("administrator", by: .folder()).get()
          return ByteBuffer(string: piece)
        })
      let answer = try await real.ask(
        .post, "/v1/policy/explain", [.contentType: "application/json"], stream: stream, showing: [certificate])
      #expect(answer.status == .unauthorized && answer.code == "operator-removed")
    }
  }
}
