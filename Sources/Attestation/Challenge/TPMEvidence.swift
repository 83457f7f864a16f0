public import MusterModel

/// What a device with a TPM shows of itself before it is challenged. Nothing is checked yet.
public struct TPMEvidence: Sendable, Hashable {
  /// TPM2B_PUBLIC.
  public let ekPublic: [UInt8]
  /// TPM2B_PUBLIC.
  public let akPublic: [UInt8]
  /// TPM2B_PUBLIC.
  public let keyPublic: [UInt8]
  /// The endorsement key's certificate by its maker, DER; nil where none is shown.
  public let ekCertificate: [UInt8]?
  /// Certificates of its issuers that the device brings along, DER: they help to build the path, and are trusted for nothing.
  public let ekIssuers: [[UInt8]]

  /// The most that a device may bring along.
  public static let issuerLimit = 4

  public init(
    ekPublic: [UInt8], akPublic: [UInt8], keyPublic: [UInt8], ekCertificate: [UInt8]? = nil, ekIssuers: [[UInt8]] = []
  ) {
    self.ekPublic = ekPublic
    self.akPublic = akPublic
    self.keyPublic = keyPublic
    self.ekCertificate = ekCertificate
    self.ekIssuers = ekIssuers
  }

  /// SHA-256("muster/tpm-evidence/v1" ‖ each of what is shown, after its size in four bytes): a challenge is of just this.
  public var digest: Digest {
    let shown = [ekPublic, akPublic, keyPublic] + [ekCertificate].compactMap(\.self) + ekIssuers
    let parts = shown.flatMap { part in
      (0..<4).reversed().map { UInt8(truncatingIfNeeded: part.count >> (8 * $0)) } + part
    }
    return Digest.sha256(Array("muster/tpm-evidence/v1".utf8) + parts)
  }

  /// Reads the keys and holds each to its role.
  public func appraise() -> Result<ShownTPM, AttestationRefusal> {
    guard ekIssuers.count <= (ekCertificate == nil ? 0 : TPMEvidence.issuerLimit) else {
      return .failure(
        .check(
          code: "evidence-unreadable",
          "expected at most \(TPMEvidence.issuerLimit) issuers of a certificate that is shown, found \(ekIssuers.count)"
        ))
    }
    var appraisal = Appraisal()
    let endorsementKey = appraisal.readKey(ekPublic, .endorsement)
    let attestationKey = appraisal.readKey(akPublic, .attestation)
    let deviceKey = appraisal.readKey(keyPublic, .device)
    guard appraisal.isAccepted, let endorsementKey, let attestationKey, let deviceKey,
      let info = TPMVerificationKey(endorsementKey.key)?.subjectPublicKeyInfo,
      let device = TPMVerificationKey(deviceKey.key)?.subjectPublicKeyInfo
    else { return .failure(appraisal.refusal) }
    guard case .success(let hardware) = HardwareID.parse(.tpmEK, Digest.sha256(info).hex) else {
      return .failure(.check(code: "ek-kind", "expected a key of its own, found a placeholder"))
    }
    return .success(
      ShownTPM(
        hardware: hardware, endorsementKey: endorsementKey, attestationKey: attestationKey,
        deviceKey: Digest.sha256(device)))
  }
}

/// A TPM's keys that are what they must be. That they are in one TPM, and whose, is not said by it.
public struct ShownTPM: Sendable, Hashable {
  /// `tpm-ek:`.
  public let hardware: HardwareID
  let endorsementKey: TPMPublic
  let attestationKey: TPMPublic
  /// SHA-256 of the device key's SubjectPublicKeyInfo.
  public let deviceKey: Digest

  /// The device ID of this TPM, where it is given none.
  public var proposedDeviceID: DeviceID? { hardware.deviceIDOfTPM }
}

extension HardwareID {
  /// `tpm-` and the first 40 digits of the endorsement key's digest: a device chooses no name.
  var deviceIDOfTPM: DeviceID? { DeviceID("tpm-" + value.prefix(40)) }
}

extension Appraisal {
  /// The first check that did not hold.
  var refusal: AttestationRefusal {
    for check in checks {
      if case .refused(let code, let text) = check.outcome { return .check(code: code, "\(check.subject): \(text)") }
    }
    return .check(code: "evidence-unreadable", "expected evidence, found none")
  }
}
