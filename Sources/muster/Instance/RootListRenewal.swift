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
    let grant = try await grant()
    let root = try issuer(sealedKey, code)
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

  private func grant() async throws -> AccessGrant {
    let caller = Caller.folder()
    switch try await Administration(opened.instance).grant(.caCRL, to: caller) {
    case .done(let grant): return grant
    case .refused(let refusal): throw CommandFailure("\(refusal.reason) (\(refusal.code))")
    }
  }

  /// The root, able to sign: another instance's key is refused, for it is not the certificate's.
  private func issuer(_ sealedKey: [UInt8], _ code: RecoveryCode) throws -> Issuer {
    do {
      let signer = try SoftwareSigner(.p384, scalar: try OfflineRoot.open(sealedKey, with: code))
      return try Issuer(
        certificate: opened.instance.authorities.root, use: .root, signer: signer, points: opened.points)
    } catch {
      throw CommandFailure("expected this instance's root key and its recovery code, found: \(error)")
    }
  }

  /// CRL numbers are epoch · 2³² + n.
  private func nextNumber(_ root: String) async throws -> UInt64 {
    let last = try await opened.store.publishedCRLs().map(\.published).filter { $0.issuerKeyID == root }.map(\.number)
      .max()
    return max(last ?? 0, UInt64(opened.instance.epoch) << 32) + 1
  }
}
