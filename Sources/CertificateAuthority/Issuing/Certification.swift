public import MusterModel
public import Policy

/// Issues certificates of one profile under one issuer. Make it once and keep it: what they share is encoded once.
public final class Certification: Sendable {
  public let profile: Profile
  public let issuer: Issuer
  private let template: CertificateTemplate

  /// Throws `CertificationError.profile` unless the profile is for this issuer.
  public init(profile: Profile, issuer: Issuer) throws(CertificationError) {
    guard profile.issuers.contains(issuer.use) else {
      throw .profile("expected a profile for the issuer \(issuer.use.rawValue), found \(profile.name)")
    }
    self.profile = profile
    self.issuer = issuer
    template = CertificateTemplate(profile: profile, issuer: issuer)
  }

  /// From a permit and a request: prepared, signed, read back, checked. Throws `CertificationError.differs` where what
  /// was signed is not what was permitted, and whatever the signer throws.
  public func issue(
    _ permit: IssuancePermit, request: VerifiedRequest, identity: CertificateIdentity, now: Timestamp
  ) async throws -> Result<IssuedCertificate, IssuanceRefusal> {
    try await sign(prepare(permit, request: request, identity: identity, now: now))
  }

  /// The same for a key of the service's own, for which there is no request.
  public func issue(
    _ permit: IssuancePermit, key: SubjectPublicKey, identity: CertificateIdentity, now: Timestamp
  ) async throws -> Result<IssuedCertificate, IssuanceRefusal> {
    try await sign(prepare(permit, key: key, identity: identity, now: now))
  }

  /// What is to be signed. For callers that sign at once, or many in a row; `UnsignedCertificate.signed(with:)` is the
  /// only way on.
  public func prepare(
    _ permit: IssuancePermit, request: VerifiedRequest, identity: CertificateIdentity, now: Timestamp
  ) -> Result<UnsignedCertificate, IssuanceRefusal> {
    prepare(permit, key: request.key, request: request, identity: identity, now: now)
  }

  public func prepare(
    _ permit: IssuancePermit, key: SubjectPublicKey, identity: CertificateIdentity, now: Timestamp
  ) -> Result<UnsignedCertificate, IssuanceRefusal> {
    prepare(permit, key: key, request: nil, identity: identity, now: now)
  }

  private func prepare(
    _ permit: IssuancePermit, key: SubjectPublicKey, request: VerifiedRequest?, identity: CertificateIdentity,
    now: Timestamp
  ) -> Result<UnsignedCertificate, IssuanceRefusal> {
    guard permit.profile == profile.name else {
      return .failure(.profile("expected the profile \(permit.profile), found \(profile.name)"))
    }
    guard profile.keyAlgorithms.contains(key.algorithm) else {
      return .failure(.keyAlgorithm("expected a key that \(profile.name) allows, found \(key.algorithm.rawValue)"))
    }
    guard let validity = CertificateValidity(profile: profile, issuer: issuer, now: now) else {
      return .failure(.issuerOutOfTime)
    }
    do {
      let names = try SubjectNames(permit.subject, profile: profile, issuer: issuer, serial: identity.serialHex)
      let toBeSigned = template.toBeSigned(names: names, key: key, identity: identity, validity: validity)
      let unsigned = UnsignedCertificate(
        toBeSigned: toBeSigned, permit: permit, profile: profile, issuer: issuer, identity: identity, key: key,
        request: request, now: now, record: names.record)
      if profile.excess == .refuse, let request { try RequestExcess.check(request, against: toBeSigned) }
      return .success(unsigned)
    } catch {
      return .failure(error)
    }
  }

  private func sign(
    _ prepared: Result<UnsignedCertificate, IssuanceRefusal>
  ) async throws -> Result<IssuedCertificate, IssuanceRefusal> {
    switch prepared {
    case .failure(let refusal): return .failure(refusal)
    case .success(let unsigned):
      return .success(try await unsigned.signed())
    }
  }
}
