import Foundation
import MusterModel
import MusterTesting
import Synchronization

import enum Crypto.P256

@testable import CertificateAuthority
@testable import Policy
@testable import Publication

/// Issuers that can be taken away and given back.
final class SealableAuthorities: SigningAuthorities {
  private let all: (issuers: [Issuer], responders: [OCSPResponder])
  private let sealed = Mutex(false)

  init(_ issuers: [Issuer], _ responders: [OCSPResponder]) { all = (issuers, responders) }

  var issuers: [Issuer] { sealed.withLock { $0 } ? [] : all.issuers }
  var responders: [OCSPResponder] { sealed.withLock { $0 } ? [] : all.responders }
  func seal(_ isSealed: Bool) { sealed.withLock { $0 = isSealed } }
}

/// An instance's CAs over a ledger in memory.
struct World {
  static let start = Timestamp(milliseconds: 1_750_000_000_000)

  let hierarchy: Hierarchy
  let profiles: ProfileSet
  let authorities: SealableAuthorities
  let ledger = MemoryLedger()
  let clock = FixedClock(World.start)

  init() async throws {
    let points = try World.required(
      TrustDomain("plant.example").flatMap {
        PublicationPoints(trustDomain: $0, publishURL: "http://muster.plant.example:8080")
      })
    hierarchy = try Hierarchy.make(organization: "Acme", points: points, now: World.start - .seconds(86_400))
    profiles = try ProfileSet.load(files: Project.profiles())
    let issuers = [hierarchy.devices.issuer, hierarchy.service.issuer]
    var responders: [OCSPResponder] = []
    for issuer in issuers { responders.append(try await World.responder(issuer, profiles)) }
    authorities = SealableAuthorities(issuers, responders)
  }

  struct Missing: Error {}

  static func required<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
  }

  private static func responder(_ issuer: Issuer, _ profiles: ProfileSet) async throws -> OCSPResponder {
    let (_, signer) = try SoftwareSigner.generate(.p256)
    let certification = try Certification(profile: required(profiles["ocsp-responder"]), issuer: issuer)
    let issued = try await certification.issue(
      permit(.ocspResponder, "ocsp-responder"), key: signer.publicKey, identity: identity(start), now: start
    ).get()
    return try OCSPResponder(issuer: issuer, certificate: issued.der, signer: signer)
  }

  private static func permit(_ subject: IssuancePermit.Subject, _ profile: String) -> IssuancePermit {
    IssuancePermit(
      subject: subject, profile: profile, decidedBy: PolicyReference(digest: .sha256([]), rule: "test"),
      reads: ReadSet())
  }

  private static func identity(_ time: Timestamp, shard: UInt32 = 0) -> CertificateIdentity {
    CertificateIdentity(
      certificate: RecordID(.certificate, UUIDv7(at: time)), serial: UUIDv7(at: time), shard: shard)
  }

  var devices: Issuer { hierarchy.devices.issuer }

  /// A certificate for a device with a new key, committed.
  func issue(shard: UInt32 = 0) async throws -> IssuedCertificate {
    let now = clock.now()
    let key = try SubjectPublicKey.check(
      Array(P256.Signing.PrivateKey().publicKey.derRepresentation), blocked: .none
    ).get()
    let name = try World.required(DeviceID("meter-7"))
    let certification = try Certification(profile: World.required(profiles["device"]), issuer: devices)
    let issued = try await certification.issue(
      World.permit(.device(RecordID(.device, UUIDv7(at: now)), name), "device"), key: key,
      identity: World.identity(now, shard: shard), now: now
    ).get()
    try await commit(CertificateIssued(issued: issued.facts), on: issued.facts)
    return issued
  }

  /// The facts of a certificate that nobody signed, committed: for what looks at events alone.
  @discardableResult
  func record(
    shard: UInt32 = 0, validity: Duration = .seconds(397 * 86_400), renewing: CertificateFacts? = nil,
    overlap: Duration = .zero
  ) async throws -> CertificateFacts {
    let now = clock.now()
    let identity = World.identity(now, shard: shard)
    let facts = CertificateFacts(
      certificate: identity.certificate, subject: RecordID(.device, UUIDv7(at: now)), issuerKeyID: devices.keyID,
      serial: identity.serialHex, profile: "device", notBefore: now, notAfter: now + validity, shard: shard,
      publicKey: .sha256([1]), der: .sha256([2]), request: nil)
    let body = CertificateIssued(
      issued: facts, replaces: renewing?.certificate, overlapUntil: renewing.map { _ in now + overlap })
    try await commit(body, on: facts)
    return facts
  }

  private func commit(_ body: CertificateIssued, on facts: CertificateFacts) async throws {
    let event = try Event(
      at: clock.now(), by: .service, on: [.record(facts.certificate)], body, details: .init(source: nil, decision: nil))
    _ = try await ledger.commit(UnitOfWork(events: [event]))
  }

  func revoke(_ facts: CertificateFacts, _ reason: RevocationReason = .keyCompromise) async throws {
    let body = CertificateRevoked(
      certificate: facts.certificate, issuerKeyID: facts.issuerKeyID, serial: facts.serial, reason: reason)
    let event = try Event(at: clock.now(), by: .service, on: [.record(facts.certificate)], body)
    _ = try await ledger.commit(UnitOfWork(events: [event]))
  }

  func release(_ facts: CertificateFacts) async throws {
    let body = CertificateReleased(
      certificate: facts.certificate, issuerKeyID: facts.issuerKeyID, serial: facts.serial)
    let event = try Event(at: clock.now(), by: .service, on: [.record(facts.certificate)], body)
    _ = try await ledger.commit(UnitOfWork(events: [event]))
  }

  // MARK: Publishing

  func name(_ shard: UInt32?) -> CRLName { CRLName(issuerKeyID: devices.keyID, shard: shard) }

  func round(epoch: UInt32 = 0, report: @escaping @Sendable (any Error) -> Void = { _ in }) async throws
    -> PublishingRound
  {
    PublishingRound(
      store: ledger, reader: ledger, authorities: authorities, clock: clock, epoch: epoch,
      offered: OfferedCRLs(try await ledger.publishedCRLs().map { try OfferedCRL($0) }), signal: WakeSignal(),
      report: report)
  }

  /// What a CRL must revoke now.
  func expected(_ shard: UInt32?) -> Digest {
    let due = ledger.state.withLock {
      $0.revocations(devices.keyID, clock.now() - PublicationTimes.expiredKept)
    }
    return RevocationList.contents(of: due.filter { shard == nil || $0.shard == shard }.map(\.certificate))
  }
}
