public import Attestation
public import CertificateAuthority
public import MusterModel
public import Policy
import Synchronization

/// The issuing CAs of the running instance. Their signing keys are sealed in the vault: while it is sealed, there is none.
public final class Authorities: Sendable {
  public let profiles: ProfileSet
  public let blockedKeys: BlockedKeys
  /// The firmware of TPMs that is known to be weak.
  public let weakFirmware: WeakFirmware
  /// The trust anchor's DER.
  public let root: [UInt8]
  private let unsealed: Mutex<Unsealed?>
  /// How many certificates each issuer, by its key ID, has issued: which CRL shard the next belongs to.
  private let issued: Mutex<[String: UInt64]>

  private struct Unsealed: Sendable {
    let issuers: [Issuer]
    let responders: [String: OCSPResponder]
    var certifications: [Kind: Certification] = [:]
  }

  /// What certificates that share their beginning have in common.
  private struct Kind: Hashable {
    let issuerKeyID: String
    let profile: String
  }

  public static let certificatesPerShard: UInt64 = 65_536

  public init(
    profiles: ProfileSet, blockedKeys: BlockedKeys, weakFirmware: WeakFirmware, root: [UInt8],
    issued: [String: UInt64]
  ) {
    self.profiles = profiles
    self.blockedKeys = blockedKeys
    self.weakFirmware = weakFirmware
    self.root = root
    self.issued = Mutex(issued)
    unsealed = Mutex(nil)
  }

  /// The vault was unsealed: these sign. Of several issuers for one use the last issues; those before it still sign their
  /// CRLs. `responders` by their issuers' key IDs.
  public func unseal(_ issuers: [Issuer], responders: [String: OCSPResponder]) {
    unsealed.withLock { $0 = Unsealed(issuers: issuers, responders: responders) }
  }

  /// The vault was sealed: nothing signs.
  public func seal() { unsealed.withLock { $0 = nil } }

  /// Whether a key, by the SHA-256 of its SPKI, is one of this instance's CAs' or otherwise blocked.
  func isOwn(_ key: Digest) -> Bool { blockedKeys.contains(key) }

  /// nil while the vault is sealed.
  public func issuer(for use: IssuerUse) -> Issuer? { unsealed.withLock { $0?.issuers.last { $0.use == use } } }

  /// All that can sign, those too that another has taken over from, in the order in which they came; empty while the vault
  /// is sealed.
  public var issuers: [Issuer] { unsealed.withLock { $0?.issuers ?? [] } }

  /// Of these, the one with that key.
  func issuer(keyID: String) -> Issuer? { issuers.first { $0.keyID == keyID } }

  /// Of those issuers, where a responder has a certificate.
  public var responders: [OCSPResponder] {
    unsealed.withLock { unsealed in unsealed?.issuers.compactMap { unsealed?.responders[$0.keyID] } ?? [] }
  }

  /// The shard of the next certificate. A certificate that is not committed leaves a number unused, which is no harm:
  /// shards are to be of like size, not exact.
  private func nextShard(of issuer: Issuer) -> UInt32 {
    issued.withLock { counts in
      let count = counts[issuer.keyID, default: 0]
      counts[issuer.keyID] = count + 1
      return UInt32(count / Authorities.certificatesPerShard)
    }
  }
}

// MARK: - Issuing

extension Authorities {
  /// Issues by the permit's profile, with a serial and a record of its own. What is not committed afterwards dies with
  /// the process.
  public func issue(
    _ permit: IssuancePermit, to request: VerifiedRequest, from use: IssuerUse, at time: Timestamp
  ) async throws -> Outcome<IssuedCertificate> {
    try await signed(unsigned(permit, to: request, from: use, at: time))
  }

  /// The same, not signed yet: for callers that sign many in a row.
  func unsigned(
    _ permit: IssuancePermit, to request: VerifiedRequest, from use: IssuerUse, at time: Timestamp
  ) throws -> Outcome<UnsignedCertificate> {
    try prepare(permit, from: issuer(for: use), at: time) {
      $0.prepare(permit, request: request, identity: $1, now: time)
    }
  }

  /// The same for a key of the service's own, for which there is no request; the issuer may be one that another has taken
  /// over from. Refused where it is nil: the vault is sealed.
  public func issue(
    _ permit: IssuancePermit, for key: SubjectPublicKey, from issuer: Issuer?, at time: Timestamp
  ) async throws -> Outcome<IssuedCertificate> {
    try await signed(
      prepare(permit, from: issuer, at: time) { $0.prepare(permit, key: key, identity: $1, now: time) })
  }

  private func signed(_ unsigned: Outcome<UnsignedCertificate>) async throws -> Outcome<IssuedCertificate> {
    switch unsigned {
    case .refused(let refusal): return .refused(refusal)
    case .done(let unsigned): return .done(try await unsigned.signed())
    }
  }

  private func prepare(
    _ permit: IssuancePermit, from issuer: Issuer?, at time: Timestamp,
    _ prepare: (Certification, CertificateIdentity) -> Result<UnsignedCertificate, IssuanceRefusal>
  ) throws -> Outcome<UnsignedCertificate> {
    guard let profile = profiles[permit.profile] else {
      return .refused(
        Refusal(.unavailable, "profile-missing", "expected the profile \(permit.profile), found none of that name"))
    }
    guard let issuer, let certification = try certification(profile, issuer) else { return .refused(.sealed) }
    let identity = CertificateIdentity(
      certificate: RecordID(.certificate, UUIDv7(at: time)), serial: UUIDv7(at: time), shard: nextShard(of: issuer))
    switch prepare(certification, identity) {
    case .success(let unsigned): return .done(unsigned)
    case .failure(let refusal): return .refused(Refusal(.invalid, refusal.code, refusal.description))
    }
  }

  /// Kept once made: what the certificates of one profile share is encoded once.
  private func certification(_ profile: Profile, _ issuer: Issuer) throws -> Certification? {
    let kind = Kind(issuerKeyID: issuer.keyID, profile: profile.name)
    return try unsealed.withLock { unsealed in
      guard unsealed?.issuers.contains(where: { $0 === issuer }) == true else { return nil }
      if let certification = unsealed?.certifications[kind] { return certification }
      let certification = try Certification(profile: profile, issuer: issuer)
      unsealed?.certifications[kind] = certification
      return certification
    }
  }
}
