import CertificateAuthority
import MusterModel

/// One look at everything that may be due, again and again. It is one task's: numbers are given here.
struct PublishingRound {
  let store: any Store
  let reader: any RevocationReader
  let authorities: any SigningAuthorities
  let clock: any WallClock
  let epoch: UInt32
  let offered: OfferedCRLs
  let signal: WakeSignal
  let report: @Sendable (any Error) -> Void
  /// Issuer → how many changes its CRLs account for. Empty at first, so that after a start every list is compared with
  /// the store: the last run may have ended between a revocation and its CRL.
  private var accounted: [String: UInt64] = [:]

  static let supersededAtOnce = 256

  init(
    store: any Store, reader: any RevocationReader, authorities: any SigningAuthorities, clock: any WallClock,
    epoch: UInt32, offered: OfferedCRLs, signal: WakeSignal, report: @escaping @Sendable (any Error) -> Void
  ) {
    self.store = store
    self.reader = reader
    self.authorities = authorities
    self.clock = clock
    self.epoch = epoch
    self.offered = offered
    self.signal = signal
    self.report = report
  }

  /// Does what is due; what fails is reported and does not keep the rest from being done. The time to look again.
  mutating func run() async -> Timestamp {
    var next: [Timestamp] = []
    do { next.append(try await revokeSuperseded()) } catch { next.append(failed(error)) }
    for issuer in authorities.issuers {
      do { next.append(try await publish(issuer)) } catch { next.append(failed(error)) }
    }
    return next.min() ?? clock.now() + PublicationTimes.tick
  }

  /// Signs every list now, for one who asked.
  mutating func publishAll(by author: ListAuthor) async throws -> [OfferedCRL] {
    var all: [OfferedCRL] = []
    for issuer in authorities.issuers {
      let (now, changes) = (clock.now(), signal.changes)
      let schedule = CRLSchedule(issuerKeyID: issuer.keyID, epoch: epoch, offered: offered.ofIssuer(issuer.keyID))
      all += try await sign(
        schedule.allLists(for: try await revocations(of: issuer, at: now)), by: issuer, author, at: now)
      accounted[issuer.keyID] = changes
    }
    return all
  }

  private func revocations(of issuer: Issuer, at now: Timestamp) async throws -> Revocations {
    try await reader.revocations(ofIssuer: issuer.keyID, unexpiredAt: now - PublicationTimes.expiredKept)
  }

  private func failed(_ error: any Error) -> Timestamp {
    report(error)
    return clock.now() + PublicationTimes.retry
  }

  /// Who only reads CRLs is to see that an old certificate's overlap is over. It needs no key: sealed or not.
  private func revokeSuperseded() async throws -> Timestamp {
    let now = clock.now()
    let superseded = try await reader.superseded(at: now, limit: Self.supersededAtOnce)
    var revoked = 0
    for certificate in superseded {
      // Stale: something else happened to it. The next look sees what.
      if case .committed = try await store.commit(certificate.revocation(at: now)) { revoked += 1 }
    }
    if revoked > 0 { signal.change() }
    return revoked == Self.supersededAtOnce ? now : now + PublicationTimes.tick
  }

  private mutating func publish(_ issuer: Issuer) async throws -> Timestamp {
    let (now, changes) = (clock.now(), signal.changes)
    let schedule = CRLSchedule(issuerKeyID: issuer.keyID, epoch: epoch, offered: offered.ofIssuer(issuer.keyID))
    let lastShard = try await reader.lastShard(ofIssuer: issuer.keyID)
    let step = schedule.step(lastShard: lastShard, hasChanged: accounted[issuer.keyID] != changes, at: now)
    if case .wait(let until) = step { return until }
    let revocations = try await revocations(of: issuer, at: now)
    _ = try await sign(schedule.lists(for: revocations, at: now), by: issuer, at: now)
    accounted[issuer.keyID] = changes
    return now + PublicationTimes.tick
  }

  /// Nothing is offered before the commit that says so is on disk.
  private func sign(
    _ lists: [CRLToSign], by issuer: Issuer, _ author: ListAuthor? = nil, at now: Timestamp
  ) async throws -> [OfferedCRL] {
    guard !lists.isEmpty else { return [] }
    var signed: [OfferedCRL] = []
    for list in lists { signed.append(try await list.signed(by: issuer, at: now)) }
    let events = try signed.map {
      try Event(
        at: now, by: author?.actor ?? .service, on: [.instance], policy: author?.policy, $0.published,
        attachments: [Attachment($0.der)])
    }
    let outcome = try await store.commit(UnitOfWork(reads: author?.reads ?? ReadSet(), events: events))
    guard case .committed = outcome else { throw PublicationError.notCommitted(outcome) }
    offered.offer(signed)
    return signed
  }
}
