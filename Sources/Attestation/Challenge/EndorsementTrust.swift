public import MusterModel

/// By what an endorsement key is trusted to be a TPM's: the words that are on record.
public enum TPMEndorsement: String, Sendable, Hashable, Codable, CaseIterable {
  /// An operator put its very ID on the allowlist.
  case allowlist
  /// Its maker's certificate, under an anchor that an operator imported.
  case certificate
}

/// An endorsement key that is trusted, and by what. Only `EndorsementTrust` makes one.
public struct Endorsement: Sendable, Hashable {
  /// What its maker's certificate says, where it is trusted by that.
  public let certified: EndorsedKey?

  init(_ certified: EndorsedKey?) { self.certified = certified }

  public var kind: TPMEndorsement { certified == nil ? .allowlist : .certificate }
}

/// Whom to trust: makers, by their certificates, and the one key that an operator allowed.
public struct EndorsementTrust: Sendable {
  private let makers: MakerTrust
  private let isAllowed: Bool

  /// `isAllowed`: whether the very ID of the endorsement key in question is on the allowlist.
  public init(makers: MakerTrust, isAllowed: Bool) {
    self.makers = makers
    self.isAllowed = isAllowed
  }

  /// By the certificate where it holds, for that says more; else by the allowlist. One whose time is over holds here: what
  /// comes of it is the policy's to say. A certificate of another key than the one shown contradicts it, whatever else
  /// says.
  public func appraise(
    _ evidence: TPMEvidence, _ shown: ShownTPM, at time: Timestamp
  ) -> Result<Endorsement, AttestationRefusal> {
    let byList: Result<Endorsement, AttestationRefusal> =
      isAllowed ? .success(Endorsement(nil)) : .failure(.endorsementKeyUnknown)
    guard let certificate = evidence.ekCertificate else { return byList }
    let (appraisal, key) = EKCertificate(certificate).appraise(
      under: makers.bringing(evidence.ekIssuers), at: time, acceptsExpired: true)
    guard let key else { return isAllowed ? byList : .failure(appraisal.refusal) }
    guard key.hardware == shown.hardware else {
      return .failure(
        .check(code: "ek-other-key", "expected the certificate of the endorsement key that is shown, found another's"))
    }
    return .success(Endorsement(key))
  }
}
