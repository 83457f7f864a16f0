import CertificateAuthority
import MusterModel

/// Which CRLs of one issuer are to be signed, and when to look again: decided from what is offered and the time alone.
struct CRLSchedule: Sendable {
  let issuerKeyID: String
  let epoch: UInt32
  let offered: [CRLName: OfferedCRL]

  enum Step: Sendable, Hashable {
    /// Read what is revoked: something may be to be signed.
    case read
    case wait(until: Timestamp)
  }

  /// `hasChanged` says that what is revoked may be other than when it was last read.
  func step(lastShard: UInt32?, hasChanged: Bool, at now: Timestamp) -> Step {
    if names(lastShard).contains(where: { isDue($0, at: now) }) { return .read }
    let tick = now + PublicationTimes.tick
    guard hasChanged else { return .wait(until: tick) }
    let paced = pacedUntil(now)
    return paced <= now ? .read : .wait(until: min(paced, tick))
  }

  /// What is to be signed: lists that are due by the time, and those that revoke other than they should. A list that is
  /// as it was is not signed again.
  func lists(for revocations: Revocations, at now: Timestamp) -> [CRLToSign] {
    allLists(for: revocations).filter { isDue($0.name, at: now) || offered[$0.name]?.contents != $0.contents }
  }

  /// Every list there must be.
  func allLists(for revocations: Revocations) -> [CRLToSign] {
    let shards = Dictionary(grouping: revocations.certificates, by: \.shard)
    return names(revocations.lastShard).map { name in
      let certificates = (name.shard.map { shards[$0, default: []] } ?? revocations.certificates).map(\.certificate)
      return CRLToSign(
        name: name, number: nextNumber(name), certificates: certificates,
        contents: RevocationList.contents(of: certificates))
    }
  }

  /// The full CRL, and shards to one beyond the last in use: a new certificate never names a CRL that is not there.
  private func names(_ lastShard: UInt32?) -> [CRLName] {
    let shards = lastShard.map { 0...($0 + 1) } ?? 0...0
    return [CRLName(issuerKeyID: issuerKeyID, shard: nil)]
      + shards.map { CRLName(issuerKeyID: issuerKeyID, shard: $0) }
  }

  /// Missing, in its last third, or from a time that is yet to come, as after a clock was set back.
  private func isDue(_ name: CRLName, at now: Timestamp) -> Bool {
    guard let list = offered[name]?.published else { return true }
    let third = (list.nextUpdate.milliseconds - list.thisUpdate.milliseconds) / 3
    return now.milliseconds >= list.nextUpdate.milliseconds - third || now < list.thisUpdate
  }

  private func pacedUntil(_ now: Timestamp) -> Timestamp {
    guard let full = offered[CRLName(issuerKeyID: issuerKeyID, shard: nil)]?.published else { return now }
    let signed = full.thisUpdate + PublicationTimes.crlBackdating
    return now < signed ? now : signed + PublicationTimes.pause(afterEntries: full.entries)
  }

  /// epoch · 2³² + n, from 1 on.
  private func nextNumber(_ name: CRLName) -> UInt64 {
    max(offered[name]?.published.number ?? 0, UInt64(epoch) << 32) + 1
  }
}

/// A CRL that lacks its signature.
struct CRLToSign: Sendable, Hashable {
  let name: CRLName
  let number: UInt64
  let certificates: [RevokedCertificate]
  let contents: Digest

  func signed(by issuer: Issuer, at now: Timestamp) async throws -> OfferedCRL {
    let list = try await RevocationList.sign(
      by: issuer, shard: name.shard, number: number, thisUpdate: now - PublicationTimes.crlBackdating,
      nextUpdate: now + PublicationTimes.crl, revoked: certificates)
    return OfferedCRL(list, contents: contents)
  }
}
