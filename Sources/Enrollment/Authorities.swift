public import CertificateAuthority
import Foundation
public import MusterModel
import Synchronization

/// The issuing CAs of the running instance. Their signing keys are sealed in the vault: while it is sealed, there is none.
public final class Authorities: Sendable {
  public let profiles: ProfileSet
  public let blockedKeys: BlockedKeys
  public let trustDomain: TrustDomain
  private let issuers: Mutex<[IssuerUse: Issuer]>
  /// How many certificates each issuer has issued: which CRL shard the next belongs to.
  private let issued: Mutex<[IssuerUse: UInt64]>

  public static let certificatesPerShard: UInt64 = 65_536

  public init(
    profiles: ProfileSet, blockedKeys: BlockedKeys, trustDomain: TrustDomain, issued: [IssuerUse: UInt64]
  ) {
    self.profiles = profiles
    self.blockedKeys = blockedKeys
    self.trustDomain = trustDomain
    self.issued = Mutex(issued)
    issuers = Mutex([:])
  }

  /// The vault was unsealed: these sign.
  public func unseal(_ unsealed: [Issuer]) {
    issuers.withLock { held in
      for issuer in unsealed { held[issuer.use] = issuer }
    }
  }

  /// The vault was sealed: nothing signs.
  public func seal() { issuers.withLock { $0 = [:] } }

  /// nil while the vault is sealed.
  public func issuer(for use: IssuerUse) -> Issuer? { issuers.withLock { $0[use] } }

  /// The shard of the next certificate. A certificate that is not committed leaves a number unused, which is no harm:
  /// shards are to be of like size, not exact.
  func nextShard(of use: IssuerUse) -> UInt32 {
    issued.withLock { counts in
      let count = counts[use, default: 0]
      counts[use] = count + 1
      return UInt32(count / Authorities.certificatesPerShard)
    }
  }
}

// MARK: - Issuing

extension Authorities {
  /// Issues by the permit's profile, with a serial and a record of its own. What is not committed afterwards dies with
  /// the process.
  func issue(
    _ permit: IssuancePermit, to request: VerifiedRequest, from use: IssuerUse, at time: Timestamp
  ) async throws -> Outcome<IssuedCertificate> {
    guard let issuer = issuer(for: use) else { return .refused(.sealed) }
    guard let profile = profiles[permit.profile] else {
      return .refused(
        Refusal(.unavailable, "profile-missing", "expected the profile \(permit.profile), found none of that name"))
    }
    let issued = try await issuer.issue(
      permit, to: request, profile: profile, certificate: RecordID(.certificate, UUIDv7(at: time)),
      serial: UUIDv7(at: time), shard: nextShard(of: use), at: time)
    switch issued {
    case .success(let certificate): return .done(certificate)
    case .failure(let refusal): return .refused(Refusal(.invalid, refusal.code, refusal.description))
    }
  }
}
