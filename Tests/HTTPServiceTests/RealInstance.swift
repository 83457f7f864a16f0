import CertificateAuthority
import Enrollment
import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import MusterModel
import MusterTesting
import Policy
import SQLiteStore
import Testing

@testable import HTTPService
@testable import muster

/// A real instance in a folder of its own, founded and opened as the program does it, with the CRLs of its CAs signed.
struct RealInstance: Sendable {
  let opened: OpenInstance
  let status: PublishedStatus
  let clock: FixedClock

  var instance: Instance { opened.instance }
  var administration: Administration { Administration(instance) }

  var rooms: ServiceRooms {
    ServiceRooms(
      instance: instance, reader: opened.readers, vault: opened.vault, points: opened.points, status: status,
      hubs: opened.readers, ledger: opened.record.origin)
  }

  /// Runs `body` on a copy of an instance that was founded once, and removes it. `rights` are the hubs' beside what is shipped.
  static func with<Value: Sendable>(
    hubsMay rights: [Policy.Operation] = [], _ body: (RealInstance) async throws -> Value
  ) async throws -> Value {
    let folder = newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let copied = try await run("cp", ["-a", try await template.value, folder])
    try #require(copied.status == 0, "\(copied.errors)")
    let (access, last) = (folder + "/policies/access.yaml", "    - \(Policy.Operation.hubVerifyTokens.rawValue)\n")
    let policy = try String(contentsOfFile: access, encoding: .utf8)
    try policy.replacing(last, with: last + rights.map { "    - \($0.rawValue)\n" }.joined())
      .write(toFile: access, atomically: true, encoding: .utf8)
    return try await open(folder, body)
  }

  private static let template = Task {
    let folder = newFolder()
    SharedFolders.removeAtExit(folder)
    let plan = FoundingPlan(
      organization: "Test Works", trustDomain: try #require(TrustDomain("test.example")), hostnames: ["localhost"],
      publishURL: "http://localhost:8080", passphrase: nil)
    _ = try await Founding(plan: plan, rules: try Rules.shipped(), clock: FixedClock()).found(at: folder)
    try await open(folder) { try await $0.publish() }
    return folder
  }

  private static func newFolder() -> String {
    FileManager.default.temporaryDirectory.appending(path: "rooms-\(UUID().uuidString)").path
  }

  private static func open<Value: Sendable>(
    _ folder: String, _ body: (RealInstance) async throws -> Value
  ) async throws -> Value {
    let clock = FixedClock()
    let opened = try await OpenInstance.open(folder, clock: clock)
    let result = await Result {
      let status = try await PublishedStatus(opened, logger: Logger(label: "muster") { _ in SwiftLogNoOpLogHandler() })
      return try await body(RealInstance(opened: opened, status: status, clock: clock))
    }
    await opened.store.close()
    return try result.get()
  }

  /// Until each CA has its full CRL and its first shard.
  private func publish() async throws {
    let publishing = Task { try await status.run() }
    defer { publishing.cancel() }
    for issuer in try await opened.readers.issuers() where issuer.use != .root {
      for shard in [nil, 0] as [UInt32?] {
        while try await status.revocationList(of: issuer.keyID, shard: shard) == nil { await Task.yield() }
      }
    }
  }

  // MARK: - Asking

  /// The whole service's dispatcher, as the listener with TLS has it.
  func dispatcher(strangers: StrangerLimits = StrangerLimits(), on other: Instance? = nil) -> Dispatcher {
    let rooms = ServiceRooms(
      instance: other ?? instance, reader: opened.readers, vault: opened.vault, points: opened.points, status: status,
      hubs: opened.readers, ledger: opened.record.origin)
    return Dispatcher(
      rooms, strangers: strangers, load: ServiceLoad(limits: ConnectionLimits()),
      logger: Logger(label: "muster") { _ in SwiftLogNoOpLogHandler() }, findings: { [] })
  }

  /// The same instance under other policies, or committing elsewhere.
  func instance(under policies: Policies, store: any Store) -> Instance {
    Instance(
      store: store, facts: instance.facts, listings: instance.listings, ledger: instance.ledger, vault: instance.vault,
      policies: policies, authorities: instance.authorities, clock: instance.clock, epoch: instance.epoch)
  }

  var table: RouteTable { dispatcher().table }

  /// What the whole service answers, without a network between.
  func ask(
    _ method: HTTPRequest.Method, _ target: String, _ headers: HTTPFields = [:], body: [UInt8] = [],
    stream: RequestBody? = nil, showing chain: [[UInt8]] = [], by dispatcher: Dispatcher? = nil
  ) async throws -> Answer {
    var head = HTTPRequest(method: method, scheme: "https", authority: "localhost", path: target, headerFields: headers)
    if !body.isEmpty, headers[.contentType] == nil { head.headerFields[.contentType] = "application/json" }
    let dispatcher = dispatcher ?? self.dispatcher()
    let source = try #require(SourceAddress(bytes: [192, 0, 2, 1]))
    let exchange = Exchange(
      Request(head: head, body: stream ?? RequestBody(buffer: .init(bytes: body))),
      of: PeerIdentity(chain: chain, source: source, isSecure: true), at: clock.now(), dispatcher.load)
    return try await dispatcher.outcome(of: exchange).0
  }

  // MARK: - Who and what is on record

  /// Adds an operator of `role`, or a hub, by the folder's authority; the certificate that shows it, DER.
  func peer(_ role: Role) async throws -> [UInt8] {
    let csr = try PeerKey().request(commonName: role.rawValue)
    let added =
      role == .hub
      ? try await administration.addHub(
        HubInput(name: "plant", host: "mqtt.example", groups: [], csr: ""), csr: csr, by: try await administrator())
      : try await administration.addOperator(
        OperatorInput(name: role.rawValue, role: role.rawValue, groups: [], csr: ""), csr: csr, by: .folder())
    return try #require(try added.get().chain.first)
  }

  /// The one whom `init` added: a hub is not the folder's to add.
  private func administrator() async throws -> Caller {
    let leaf = try PEM.firstCertificate(opened.folder.read(.administrator))
    guard case .known(let principal, let reads) = try await Authentication(instance).identify(leaf: leaf) else {
      throw CancellationError()
    }
    return Caller(principal: principal, reads: reads, source: "192.0.2.1")
  }

  func keyID(of use: IssuerUse) async throws -> String {
    try #require(try await opened.readers.issuers().first { $0.use == use }).keyID
  }

  /// The ledger's lines from `first` on.
  func events(from first: Int = 0) async throws -> [[UInt8]] {
    var events: [[UInt8]] = []
    while let event = try await instance.ledger.event(at: UInt64(first + events.count)) { events.append(event) }
    return events
  }
}

extension Answer {
  /// The code of a problem; nil for another answer.
  var code: String? {
    struct Document: Decodable { let code: String }
    return try? JSONDecoder().decode(Document.self, from: Data(body)).code
  }
}
