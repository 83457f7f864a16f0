import CertificateAuthority
import Enrollment
import KeyVault
import MusterModel
import Policy
import Publication

/// Renews the root's CRL for a year with the root's own key, which is offline: for as long as the signing takes, its
/// sealed file and the recovery code are together.
struct RootListRenewal {
  let opened: OpenInstance

  static let lifetime = Duration.seconds(365 * 86_400)
  /// From so long before its end on, health warns.
  static let warning = Duration.seconds(30 * 86_400)

  func renew(sealedKey: [UInt8], code: RecoveryCode) async throws -> CRLPublished {
    let grant = try await opened.folderGrant(.caCRL)
    let root = try OpenedRoot(opened, sealedKey: sealedKey, code).issuer
    let now = opened.instance.clock.now()
    let list = try await RevocationList.sign(
      by: root, shard: nil, number: try await nextNumber(root.keyID), thisUpdate: now,
      nextUpdate: min(now + RootListRenewal.lifetime, root.notAfter), revoked: [])
    let event = try Event(
      at: now, by: .folder, on: [.instance], policy: grant.decidedBy, list.published,
      attachments: [Attachment(list.der)])
    guard case .committed = try await opened.store.commit(UnitOfWork(events: [event])) else {
      throw CommandFailure("expected to record the root's CRL, found the store refusing it: try again")
    }
    return list.published
  }

  /// CRL numbers are epoch · 2³² + n.
  private func nextNumber(_ root: String) async throws -> UInt64 {
    let last = try await opened.store.publishedCRLs().map(\.published).filter { $0.issuerKeyID == root }.map(\.number)
      .max()
    return max(last ?? 0, UInt64(opened.instance.epoch) << 32) + 1
  }
}
