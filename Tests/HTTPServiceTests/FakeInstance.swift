import CertificateAuthority
import DeviceRegistry
import Enrollment
import Foundation
import KeyVault
import Logging
import MusterModel
import Policy
import Synchronization

@testable import HTTPService

/// The shipped policies and profiles over a registry that knows what a test tells it and no more.
struct FakeInstance: Sendable {
  let rooms: ServiceRooms
  let registry: FakeRegistry

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  init(registry: FakeRegistry = FakeRegistry(), access: String? = nil) async throws {
    self.registry = registry
    let authorities = Authorities(
      profiles: try ProfileSet.load(
        files: FakeInstance.files("PKI/profiles").map { ($0.name, String(decoding: $0.bytes, as: UTF8.self)) }),
      blockedKeys: BlockedKeys(digests: []), root: [0x30, 0], issued: [:])
    let instance = Instance(
      store: registry, facts: registry, listings: registry, ledger: registry, vault: Vault(),
      policies: try Policies.load(
        files: FakeInstance.files("Policies").map { file in
          let written = file.name == "access.yaml" ? access.map { Array($0.utf8) } : nil
          return PolicyFile(name: file.name, bytes: written ?? file.bytes)
        }),
      authorities: authorities, clock: FixedClock(), epoch: 0)
    guard let domain = TrustDomain("muster.test"),
      let points = PublicationPoints(trustDomain: domain, publishURL: "http://muster.test")
    else { throw Missing() }
    rooms = ServiceRooms(
      instance: instance, reader: registry,
      vault: VaultAdministration(instance, reader: registry, points: points), points: points, status: registry)
  }

  private struct Missing: Error {}

  private static func files(_ folder: String) throws -> [(name: String, bytes: [UInt8])] {
    try FileManager.default.contentsOfDirectory(at: root.appending(path: folder), includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "yaml" }
      .map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
      .sorted { $0.name < $1.name }
  }

  /// The whole service's dispatcher, as the listener with TLS has it.
  func dispatcher(
    strangers: StrangerLimits = StrangerLimits(), log: LogLines = LogLines()
  ) -> Dispatcher {
    Dispatcher(
      rooms, strangers: strangers, census: ConnectionCensus(limits: ConnectionLimits()),
      logger: Logger(label: "muster") { _ in JSONLogHandler(clock: FixedClock()) { log.append($0) } }, findings: { [] })
  }

  var table: RouteTable { dispatcher().table }
}

/// A registry, ledger and publisher of a test's own.
final class FakeRegistry: Sendable {
  struct Contents: Sendable {
    var identities: [Digest: IdentityFacts.Subject] = [:]
    var devices: [DeviceDetail] = []
    var facts = Facts()
    var committed: [UnitOfWork] = []
    var outage: StoreOutage?
    var decisions: [UInt64: RecordedDecision] = [:]
    var issuers: [IssuerRecord] = []
    var lists: [String: SignedStatus] = [:]
  }

  private let contents: Mutex<Contents>

  init(_ contents: Contents = Contents()) { self.contents = Mutex(contents) }

  func change(_ body: (inout Contents) -> Void) { contents.withLock { body(&$0) } }
  var now: Contents { contents.withLock { $0 } }
}

extension FakeRegistry: Store {
  func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    if let outage = now.outage { throw Failure(outage: outage) }
    contents.withLock { $0.committed.append(unit) }
    return .committed(LedgerPosition(first: 0, count: unit.events.count))
  }
}

private struct Failure: StoreFailure { let outage: StoreOutage? }

extension FakeRegistry: FactsReader {
  func facts(for query: FactsQuery) async throws -> Facts { now.facts }
  func answer(to operator: RecordID, key: String) async throws -> IdempotentAnswer? { nil }

  func isInForce(_ position: UInt64) async throws -> Bool { false }

  func trustAnchors(of group: RecordName?) async throws -> [GroupAnchor] { [] }

  func identity(fingerprint: MusterModel.Digest) async throws -> IdentityFacts? {
    guard let subject = now.identities[fingerprint] else { return nil }
    return IdentityFacts(certificate: .valid(fingerprint: fingerprint), subject: subject)
  }
}

extension FakeRegistry: ListingReader {
  func devices(_ page: PageRequest, group: RecordName?, in scope: GroupScope) async throws -> Page<DeviceSummary> {
    Page(rows: now.devices.map(\.summary), next: nil)
  }
  func device(_ id: DeviceID, in scope: GroupScope) async throws -> DeviceDetail? {
    now.devices.first { $0.summary.deviceID == id }
  }
  func group(of device: DeviceID) async throws -> RecordID? { nil }
  func history(of device: DeviceID, _ page: PageRequest, in scope: GroupScope) async throws -> Page<HistoryEntry>? {
    nil
  }
  func hardware(_ page: PageRequest, in scope: GroupScope) async throws -> Page<HardwareSummary> {
    Page(rows: [], next: nil)
  }
  func groups(_ page: PageRequest, in scope: GroupScope) async throws -> Page<GroupSummary> {
    Page(rows: [], next: nil)
  }
  func group(_ name: RecordName) async throws -> GroupSummary? { nil }
  func tickets(
    _ page: PageRequest, at time: Timestamp, in scope: GroupScope
  ) async throws -> Page<TicketSummary> {
    Page(rows: [], next: nil)
  }
  func operators(_ page: PageRequest) async throws -> Page<OperatorSummary> { Page(rows: [], next: nil) }
  func hubs(_ page: PageRequest) async throws -> Page<HubSummary> { Page(rows: [], next: nil) }
  func certificates(
    _ page: PageRequest, of device: DeviceID?, in scope: GroupScope
  ) async throws -> Page<CertificateSummary> {
    Page(rows: [], next: nil)
  }
  func certificate(_ key: CertificateName) async throws -> CertificateSummary? { nil }
}

extension FakeRegistry: LedgerReader {
  func checkpoint() async throws -> String? { "muster.test/muster/x/0\n1\nAAAA\n" }
  func event(at position: UInt64) async throws -> [UInt8]? { position < 3 ? Array("event \(position)".utf8) : nil }
  func tile(level: Int, index: UInt64, width: Int) async throws -> [MusterModel.Digest]? {
    level == 0 && index == 0 && width <= 3 ? (0..<width).map { .sha256([UInt8($0)]) } : nil
  }
  func inclusionProof(of position: UInt64) async throws -> LedgerProof? {
    position < 3 ? LedgerProof(position: position, size: 3, event: "e", path: [], checkpoint: "c") : nil
  }
  func decision(at position: UInt64) async throws -> RecordedDecision? { now.decisions[position] }
  func export() async throws -> LedgerExportPieces? {
    LedgerExportPieces(count: 3) { index in Array("piece \(index)\n".utf8) }
  }
}

extension FakeRegistry: InstanceReader {
  func instance() async throws -> InstanceRecord? { nil }
  func issuers() async throws -> [IssuerRecord] { now.issuers }
  func policiesInForce() async throws -> [PoliciesActivated.File] { [] }
  func secrets(purpose: String) async throws -> [SealedSecret] { [] }
  func ownCertificate(profile: String, issuerKeyID: String) async throws -> CertificateSnapshot? { nil }
}

extension FakeRegistry: StatusPublisher {
  func revocationList(of issuerKeyID: String, shard: UInt32?) async throws -> SignedStatus? {
    now.lists[shard.map { "\(issuerKeyID)/\($0)" } ?? issuerKeyID]
  }
  func publishLists(by grant: AccessGrant, for caller: Caller) async throws -> Outcome<[PublishedList]> {
    .refused(.sealed)
  }
  func certificateStatus(_ request: [UInt8], source: String) async throws -> SignedStatus {
    SignedStatus(der: Array("status of ".utf8) + request, nextUpdate: nil)
  }
}

extension CertificateSnapshot {
  static func valid(fingerprint: MusterModel.Digest) -> CertificateSnapshot {
    let now = FixedClock().now()
    return CertificateSnapshot(
      record: RecordID(.certificate, UUIDv7(at: now)), version: 1, issuerKeyID: "00", serial: "00", subject: nil,
      profile: "operator", publicKey: fingerprint, fingerprint: fingerprint, notBefore: now - .seconds(60),
      notAfter: now + .seconds(60), status: .good, isHeldWithDevice: false, replaces: nil, overlapUntil: nil,
      position: 0, der: [])
  }
}
