import CertificateAuthority
import MusterModel
import Publication
import Synchronization

/// A store in memory that keeps of events what publication reads. It checks reads as a store does.
final class MemoryLedger: Store, RevocationReader {
  struct Entry: Sendable {
    let facts: CertificateFacts
    var version: UInt64
    var revoked: (reason: RevocationReason, at: Timestamp)?
    var overlapUntil: Timestamp?

    var status: CertificateStatus { revoked.map { .revoked($0.reason, at: $0.at) } ?? .good }
  }

  struct State: Sendable {
    var size: UInt64 = 0
    var entries: [RecordID: Entry] = [:]
    var lists: [CRLName: PublishedCRL] = [:]
    var signed = 0
    var units = 0
    var isFailing = false
    /// Runs before the next commit: what others do in between.
    var meanwhile: (@Sendable (MemoryLedger) async throws -> Void)?
  }

  struct Broken: Error {}

  let state = Mutex(State())

  func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    let meanwhile = state.withLock { state in
      defer { state.meanwhile = nil }
      return state.meanwhile
    }
    try await meanwhile?(self)
    return try state.withLock { try $0.commit(unit) }
  }

  func submit(_ units: [UnitOfWork], answer: @escaping @Sendable ([Result<CommitOutcome, any Error>]) -> Void) {
    let outcomes = state.withLock { state in units.map { unit in Result { try state.commit(unit) } } }
    answer(outcomes)
  }

  func publishedCRLs() async throws -> [PublishedCRL] { state.withLock { Array($0.lists.values) } }

  func lastShard(ofIssuer keyID: String) async throws -> UInt32? { state.withLock { $0.lastShard(keyID) } }

  func revocations(ofIssuer keyID: String, unexpiredAt time: Timestamp) async throws -> Revocations {
    state.withLock { Revocations(lastShard: $0.lastShard(keyID), certificates: $0.revocations(keyID, time)) }
  }

  func statuses(of serials: [String], issuer keyID: String) async throws -> [CertificateStatus] {
    try state.withLock { state in
      if state.isFailing { throw Broken() }
      return serials.map { serial in
        state.entries.values.first { $0.facts.issuerKeyID == keyID && $0.facts.serial == serial }?.status ?? .unknown
      }
    }
  }

  func superseded(at time: Timestamp, limit: Int) async throws -> [SupersededCertificate] {
    try state.withLock { state in
      if state.isFailing { throw Broken() }
      return state.entries.values.filter { entry in
        guard let end = entry.overlapUntil else { return false }
        return end <= time && end < entry.facts.notAfter && entry.revoked == nil && entry.facts.notAfter > time
      }.prefix(limit).map {
        SupersededCertificate(
          record: $0.facts.certificate, version: $0.version, subject: $0.facts.subject,
          issuerKeyID: $0.facts.issuerKeyID, serial: $0.facts.serial)
      }
    }
  }
}

extension MemoryLedger.State {
  mutating func commit(_ unit: UnitOfWork) throws -> CommitOutcome {
    if isFailing { throw MemoryLedger.Broken() }
    for (aggregate, version) in unit.reads.versions {
      guard entries.values.first(where: { .record($0.facts.certificate) == aggregate })?.version ?? 0 == version else {
        return .stale(aggregate)
      }
    }
    let first = size
    for event in unit.events { apply(event) }
    units += 1
    return .committed(LedgerPosition(first: first, count: unit.events.count))
  }

  private mutating func apply(_ event: Event) {
    size += 1
    switch event.body {
    case let body as CertificateIssued:
      entries[body.issued.certificate] = .init(facts: body.issued, version: size)
      if let replaced = body.replaces { entries[replaced]?.overlapUntil = body.overlapUntil }
    case let body as CertificateRevoked:
      let since = entries[body.certificate]?.revoked?.at ?? event.at
      entries[body.certificate]?.revoked = (body.reason, since)
    case let body as CertificateReleased: entries[body.certificate]?.revoked = nil
    case let body as CRLPublished:
      signed += 1
      let der = event.attachments.first { $0.digest == body.der }?.bytes ?? []
      lists[CRLName(issuerKeyID: body.issuerKeyID, shard: body.shard)] = PublishedCRL(published: body, der: der)
    default: break
    }
    for aggregate in event.on where event.changesRecords {
      guard let record = aggregate.record else { continue }
      entries[record]?.version = size
    }
  }

  func lastShard(_ keyID: String) -> UInt32? {
    entries.values.filter { $0.facts.issuerKeyID == keyID }.map(\.facts.shard).max()
  }

  func revocations(_ keyID: String, _ time: Timestamp) -> [ShardedRevocation] {
    entries.values.filter { $0.facts.issuerKeyID == keyID && $0.facts.notAfter > time }
      .sorted { $0.facts.serial < $1.facts.serial }
      .compactMap { entry in
        entry.revoked.map {
          ShardedRevocation(
            shard: entry.facts.shard,
            certificate: RevokedCertificate(
              serial: Hex.decode(entry.facts.serial) ?? [], at: $0.at, reason: $0.reason))
        }
      }
  }
}
