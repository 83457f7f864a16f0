public import MusterModel

/// What a TPM proved of a device key.
public struct TPMClaims: Sendable, Hashable {
  /// `tpm-ek:`.
  public let hardware: HardwareID
  public let endorsement: Endorsement
  /// The attestation key's name (TPM 2.0 Library part 1 §16).
  public let attestationKey: [UInt8]
  /// SHA-256 of the device key's SubjectPublicKeyInfo.
  public let deviceKey: Digest
  /// As the TPM signed it: the maker's number.
  public let firmwareVersion: UInt64
  /// What is known to be weak of the TPM; nil where nothing is.
  public let weakness: TPMWeakness?
  /// nil where no quote showed it.
  public let boot: MeasuredBoot?

  /// The device ID of this TPM, where it is given none.
  public var proposedDeviceID: DeviceID? { hardware.deviceIDOfTPM }
}

/// Appraises the answer to a challenge: this very evidence was challenged, its TPM opened the secret, and certified the key
/// that signed the request, over the nonce of this one time. A quote that is shown holds too.
public struct TPMVerifier: Sendable {
  private let trust: EndorsementTrust
  private let weak: WeakFirmware

  public init(trust: EndorsementTrust, weak: WeakFirmware) {
    self.trust = trust
    self.weak = weak
  }

  /// `requestKey` is the SubjectPublicKeyInfo of the key that signed the certificate request, DER. `challenge` is nil where
  /// none of that ID is open.
  public func appraise(
    _ answer: TPMAnswer, requestKey: [UInt8], against challenge: OpenChallenge?, claimed: [HardwareID] = [],
    at time: Timestamp
  ) -> Result<AttestationResult, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in
      guard let challenge, time < challenge.expires else { throw .challengeOver }
      guard constantTimeEqual(answer.evidence.digest, challenge.evidence) else { throw .otherEvidence }
      guard constantTimeEqual(TPMChallenge.digest(of: answer.secret), challenge.secret) else { throw .activationWrong }
      let shown = try answer.evidence.appraise().get()
      let endorsement = try trust.appraise(answer.evidence, shown, at: time).get()
      let (appraisal, certified) = KeyAttestation(
        akPublic: answer.evidence.akPublic, keyPublic: answer.evidence.keyPublic, certifyInfo: answer.certifyInfo,
        certifySignature: answer.certifySignature
      ).appraise(nonce: challenge.nonce)
      guard let certified, let name = shown.attestationKey.name else { throw appraisal.refusal }
      guard certified.subjectPublicKeyInfo == requestKey else { throw .requestOfOtherKey }
      let claims = TPMClaims(
        hardware: shown.hardware, endorsement: endorsement, attestationKey: name, deviceKey: shown.deviceKey,
        firmwareVersion: certified.firmwareVersion, weakness: weak.weakness(of: shown, certified, endorsement),
        boot: try boot(answer, challenge.nonce))
      return try AttestationResult([.init(shown.hardware, .proved)], claimed: claimed, .tpm(claims))
    }
  }

  private func boot(_ answer: TPMAnswer, _ nonce: [UInt8]) throws(AttestationRefusal) -> MeasuredBoot? {
    guard let quote = answer.quote else { return nil }
    let (appraisal, boot) = quote.appraise(akPublic: answer.evidence.akPublic, nonce: nonce)
    guard appraisal.isAccepted else { throw appraisal.refusal }
    return boot
  }
}
