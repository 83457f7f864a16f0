import CertificateAuthority
import Enrollment
import KeyVault
import MusterModel
import Policy
import Publication
import X509

/// Renews the root's CRL for a year with the root's own key, which is offline: for as long as the signing takes, its
/// sealed file and the recovery code are together.
struct RootListRenewal {
  let opened: OpenInstance

  static let lifetime = Duration.seconds(365 * 86_400)
  /// From so long before its end on, health warns.
  static let warning = Duration.seconds(30 * 86_400)

  func renew(sealedKey: [UInt8], code: RecoveryCode) async throws -> CRLPublished {
    try await sign(OpenedRoot(opened, sealedKey: sealedKey, code), by: try await opened.folderGrant(.caCRL))
  }

  /// The same, and one more CA is on it from now on.
  func revoke(_ keyID: String, cuttingOff: Bool, sealedKey: [UInt8], code: RecoveryCode) async throws -> CRLPublished {
    let grant = try await opened.folderGrant(.caRevoke)
    let root = try OpenedRoot(opened, sealedKey: sealedKey, code)
    let issuers = try await opened.readers.issuers().filter { $0.revoked == nil && $0.use != .root }
    guard let issuer = issuers.first(where: { $0.keyID == keyID }) else {
      throw CommandFailure("expected the key ID of an issuing CA (muster ca show), found another")
    }
    guard issuers.last(where: { $0.use == issuer.use })?.keyID != keyID else {
      throw CommandFailure(
        "expected a CA that another took over from, found the one that issues: muster ca rotate first")
    }
    let left = try await opened.readers.certificatesInForce(ofIssuer: keyID)
    guard left == 0 || cuttingOff else {
      throw CommandFailure(
        "expected a CA without certificates in force, found \(left): walk them out (muster rollover plan --certificates "
          + "--issuer \(keyID)), or give --cut-off")
    }
    let list = try await sign(root, by: grant, revoking: issuer)
    try await opened.writeChain()
    return list
  }

  private func sign(
    _ root: OpenedRoot, by grant: AccessGrant, revoking issuer: IssuerRecord? = nil
  ) async throws -> CRLPublished {
    let now = opened.instance.clock.now()
    var revoked = try await opened.readers.issuers().compactMap { issuer in
      try issuer.revoked.map { try issuer.entry(at: $0) }
    }
    if let issuer { revoked.append(try issuer.entry(at: now)) }
    revoked.sort { $0.serial.lexicographicallyPrecedes($1.serial) }
    let list = try await RevocationList.sign(
      by: root.issuer, shard: nil, number: try await nextNumber(root.issuer.keyID), thisUpdate: now,
      nextUpdate: min(now + RootListRenewal.lifetime, root.issuer.notAfter), revoked: revoked)
    var events = [
      try Event(
        at: now, by: .folder, on: [.instance], policy: grant.decidedBy, list.published,
        attachments: [Attachment(list.der)])
    ]
    if let issuer {
      events.append(
        try Event(
          at: now, by: .folder, on: [.instance], policy: grant.decidedBy, IssuerRevoked(issuerKeyID: issuer.keyID)))
    }
    guard case .committed = try await opened.store.commit(UnitOfWork(events: events)) else {
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

extension IssuerRecord {
  /// Without a reason: what became of the CA is the ledger's to say.
  fileprivate func entry(at time: Timestamp) throws -> RevokedCertificate {
    RevokedCertificate(
      serial: Array(try Certificate(derEncoded: der).serialNumber.bytes), at: time, reason: .unspecified)
  }
}

extension OpenInstance {
  /// Brings `trust/chain.pem` to what the ledger says.
  func writeChain() async throws {
    let issuers = try await readers.issuers().filter { $0.use != .root && $0.revoked == nil }
    let chain = Array(issuers.map { PEM.certificate($0.der) }.joined().utf8)
    if folder.readIfThere(.chain) != chain { try folder.write(.chain, chain) }
  }
}
