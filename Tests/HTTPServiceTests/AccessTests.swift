import CertificateAuthority
import Enrollment
import Foundation
import HTTPTypes
import HummingbirdCore
import MusterModel
import Policy
import Testing

@testable import HTTPService

extension FakeInstance {
  /// What the whole service answers, without a network between.
  func ask(
    _ method: HTTPRequest.Method, _ target: String, _ headers: HTTPFields = [:], body: [UInt8] = [],
    showing chain: [[UInt8]] = [], by dispatcher: Dispatcher? = nil
  ) async throws -> Answer {
    var head = HTTPRequest(method: method, scheme: "https", authority: "localhost", path: target, headerFields: headers)
    if !body.isEmpty, headers[.contentType] == nil { head.headerFields[.contentType] = "application/json" }
    guard let source = SourceAddress(bytes: [192, 0, 2, 1]) else { throw CancellationError() }
    let exchange = Dispatcher.Exchange(
      id: RequestID(at: FixedClock().now()), at: FixedClock().now(),
      request: Request(head: head, body: RequestBody(buffer: .init(bytes: body))),
      peer: PeerIdentity(chain: chain, source: source, isSecure: true))
    return try await (dispatcher ?? self.dispatcher()).outcome(of: exchange).0
  }

  /// An operator of `role` on record, and the certificate that shows it.
  func peer(_ role: Role) -> [UInt8] {
    let certificate = Array("certificate of \(role)".utf8)
    let record = RecordID(.operator, UUIDv7(at: FixedClock().now()))
    guard let name = RecordName("anna") else { return [] }
    let subject: IdentityFacts.Subject =
      role == .hub
      ? .hub(
        HubSnapshot(
          record: RecordID(.hub, UUIDv7(at: FixedClock().now())), version: 1, name: name, host: "h", groups: [],
          isRemoved: false))
      : .operator(OperatorSnapshot(record: record, version: 1, name: name, role: role, groups: [], isRemoved: false))
    registry.change { $0.identities[.sha256(certificate)] = subject }
    return certificate
  }
}

extension Answer {
  /// The code of a problem; nil for another answer.
  var code: String? {
    struct Document: Decodable { let code: String }
    return try? JSONDecoder().decode(Document.self, from: Data(body)).code
  }
}

/// Each route against each role, as `openapi.yaml` and `access.yaml` have it.
@Suite struct AccessTests {
  private func example(_ route: Route) -> String {
    "/"
      + route.pattern.segments.map { segment in
        switch segment {
        case .literal(let text): text
        case .capture("ticket", _): RecordID(.ticket, UUIDv7(at: FixedClock().now())).description
        case .capture("certificate", let suffix): String(repeating: "0", count: 31) + "1" + suffix
        case .capture(_, let suffix): "1" + suffix
        case .rest: "0/000.p/1"
        }
      }.joined(separator: "/") + (route.shape.parameters.contains("position") ? "?position=0" : "")
  }

  /// A body that is read as far as access is asked for.
  private func body(_ route: Route) -> [UInt8] {
    guard route.method == .post else { return [] }
    let bodies = [
      "/v1/tickets": #"{"hardware":"mac:aabbcc001122","deviceID":"a"}"#, "/v1/groups": #"{"name":"a"}"#,
      "/v1/hardware/import": #"[{"hardware":"mac:aabbcc001122"}]"#, "/v1/vault/unseal": #"{"passphrase":"x"}"#,
      "/v1/policy/explain": #"{"position":1}"#,
      "/v1/operators": #"{"name":"a","role":"auditor","csr":"MAA="}"#,
      "/v1/hubs": #"{"name":"a","host":"h","csr":"MAA="}"#, "/v1/ledger/{position}/erase": #"{"reason":"x"}"#,
    ]
    let hardware = route.path.hasPrefix("/v1/hardware/") ? #"{"hardware":"mac:aabbcc001122"}"# : nil
    return Array((bodies[route.path] ?? hardware ?? "{}").utf8)
  }

  /// What is looked at before access: the request's proof of possession, and whether the vault can issue.
  private let before: Set<String> = ["/v1/operators", "/v1/hubs", "/v1/tickets"]

  @Test(arguments: Role.allCases)
  func `a role may do what access-yaml lists, and nothing else`(role: Role) async throws {
    let fake = try await FakeInstance()
    let certificate = fake.peer(role)
    let list: AccessList = .role(role)
    for route in fake.table.routes {
      guard case .operation(let operation) = route.access else { continue }
      let answer = try await fake.ask(
        route.method, example(route), body: body(route), showing: [certificate])
      let isListed = try self.isListed(operation, list, fake)
      let isForbidden = answer.status == .forbidden && answer.code?.hasPrefix("not-allowed") == true
      if before.contains(route.path), route.method == .post, !isForbidden {
        #expect(answer.status != .ok, "\(route.path)")
      } else {
        #expect(
          isForbidden == !isListed, "\(role) \(route.method) \(route.path): \(answer.status) \(answer.code ?? "")")
      }
      #expect(answer.status != .internalServerError, "\(route.method) \(route.path)")
    }
  }

  private func isListed(_ operation: Policy.Operation, _ list: AccessList, _ fake: FakeInstance) throws -> Bool {
    let now = FixedClock().now()
    let record = RecordID(.operator, UUIDv7(at: now))
    let name = try #require(RecordName("anna"))
    let certificate = RecordID(.certificate, UUIDv7(at: now))
    let principal: Principal =
      switch list {
      case .role(.hub): .hub(record, name: name, groups: [], certificate: certificate)
      case .role(let role): .operator(record, name: name, role: role, groups: [], certificate: certificate)
      default: .anonymous
      }
    if case .allowed = fake.rooms.instance.policies.decide(principal, operation, group: nil) { return true }
    return false
  }

  @Test(arguments: [[], [Array("a stranger's".utf8)]] as [[[UInt8]]])
  func `who is nobody here is asked who they are, at each route with an operation`(chain: [[UInt8]]) async throws {
    let fake = try await FakeInstance()
    let strangers = StrangerLimits()
    let dispatcher = fake.dispatcher(strangers: strangers)
    var asked: UInt64 = 0
    for route in fake.table.routes {
      guard case .operation = route.access else { continue }
      let answer = try await fake.ask(
        route.method, example(route), body: body(route), showing: chain, by: dispatcher)
      guard answer.status == .unauthorized else {
        #expect(before.contains(route.path) && answer.status != .ok, "\(route.method) \(route.path) \(answer.status)")
        continue
      }
      asked += 1
      #expect(answer.code == "not-authenticated")
      #expect(answer.headers[.wwwAuthenticate] != nil)
    }
    #expect(asked > 30)
    #expect(try #require(strangers.take(at: FixedClock().now())).event.total >= asked)
    #expect(fake.registry.now.committed.isEmpty, "a stranger made us write")
  }

  @Test func `what a known caller is refused is an event, and not counted as a stranger's`() async throws {
    let fake = try await FakeInstance()
    let strangers = StrangerLimits()
    let answer = try await fake.ask(
      .get, "/v1/operators", showing: [fake.peer(.factoryLine)], by: fake.dispatcher(strangers: strangers))
    #expect(answer.status == .forbidden)
    #expect(fake.registry.now.committed.flatMap(\.events).map(\.kind) == ["request-refused"])
    #expect(strangers.take(at: FixedClock().now()) == nil)
  }

  @Test func `past a known caller's events the rest is counted`() async throws {
    let fake = try await FakeInstance()
    let strangers = StrangerLimits()
    let (dispatcher, certificate) = (fake.dispatcher(strangers: strangers), fake.peer(.factoryLine))
    for _ in 0..<10 {
      let answer = try await fake.ask(.get, "/v1/operators", showing: [certificate], by: dispatcher)
      #expect(answer.status == .forbidden && answer.code == "not-allowed")
    }
    #expect(fake.registry.now.committed.flatMap(\.events).map(\.kind) == Array(repeating: "request-refused", count: 4))
    let counted = try #require(strangers.take(at: FixedClock().now()))
    #expect(counted.details.rows.map(\.code) == ["not-allowed"] && counted.event.total == 6)
  }

  @Test func `metrics are for who may read them, and for anyone where the policy says so`() async throws {
    let fake = try await FakeInstance()
    #expect(try await fake.ask(.get, "/metrics").status == .unauthorized)
    #expect(try await fake.ask(.get, "/metrics", showing: [fake.peer(.monitoring)]).status == .ok)
    #expect(try await fake.ask(.get, "/v1/devices", showing: [fake.peer(.monitoring)]).status == .forbidden)
    #expect(fake.dispatcher().plain.table.routes.allSatisfy { $0.path != "/metrics" }, "never without TLS")
    let open = try await FakeInstance(access: "version: 1\nallow:\n  anonymous: [metrics.read]\n")
    #expect(try await open.ask(.get, "/metrics").status == .ok)
    #expect(try await open.ask(.get, "/v1/devices").status == .unauthorized)
  }

  @Test(arguments: [(StoreOutage.overloaded, "1"), (.full, "30"), (.stopped, "30")])
  func `what the store cannot take now is asked for again later`(outage: StoreOutage, wait: String) async throws {
    let fake = try await FakeInstance()
    let certificate = fake.peer(.administrator)
    fake.registry.change { $0.outage = outage }
    let body = Array(#"{"hardware":"mac:aabbcc001122"}"#.utf8)
    let answer = try await fake.ask(.post, "/v1/hardware/block", body: body, showing: [certificate])
    #expect(answer.status == .serviceUnavailable && answer.code == outage.code)
    #expect(answer.headers[.retryAfter] == wait)
    #expect(fake.registry.now.committed.isEmpty)
  }

  @Test func `a removed operator is shut out at the next request`() async throws {
    let fake = try await FakeInstance()
    let certificate = fake.peer(.administrator)
    #expect(try await fake.ask(.get, "/v1/devices", showing: [certificate]).status == .ok)
    let record = RecordID(.operator, UUIDv7(at: FixedClock().now()))
    let name = try #require(RecordName("anna"))
    fake.registry.change {
      $0.identities[.sha256(certificate)] = .operator(
        OperatorSnapshot(record: record, version: 2, name: name, role: .administrator, groups: [], isRemoved: true))
    }
    #expect(try await fake.ask(.get, "/v1/devices", showing: [certificate]).status == .unauthorized)
  }
}
