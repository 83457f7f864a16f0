public import Attestation
public import MusterModel

/// What the rules of `enrollment.yaml` look at, without the proof that it is so: enough to explain, never to permit.
public struct EnrollmentCircumstances: Sendable, Hashable {
  /// A standing without its record.
  public enum Standing: String, Sendable, CaseIterable { case unknown, allowed, bound, blocked }

  public let act: EnrollmentQuestion.Act
  public let evidence: Evidence.Kind
  public let standing: Standing
  public let group: RecordName?
  /// The profile of the group.
  public let groupProfile: String?
  /// Of the hardware ID that the evidence names.
  public let hardware: HardwareID.Kind?
  /// What is asked for.
  public let credentials: DeviceCredentials
  /// Whether the device's key was attested, and this is not that key nor one attested anew.
  public let isWeaker: Bool
  /// What is to be known of a TPM; nil where none proved anything.
  public let tpm: TPM?

  /// By what a TPM's endorsement key is trusted, and what is against it.
  public struct TPM: Sendable, Hashable {
    public let endorsement: TPMEndorsement
    /// Whether its certificate's time is over.
    public let isExpired: Bool
    /// `TPMWeakness`, by its name.
    public let weakness: String?
    /// nil where it was not shown.
    public let secureBoot: Bool?
    /// The registers of the SHA-256 bank that it quoted, by number.
    public let registers: [Int: Digest]

    public init(
      endorsement: TPMEndorsement, isExpired: Bool, weakness: String?, secureBoot: Bool? = nil,
      registers: [Int: Digest] = [:]
    ) {
      self.endorsement = endorsement
      self.isExpired = isExpired
      self.weakness = weakness
      self.secureBoot = secureBoot
      self.registers = registers
    }

    /// nil where no TPM proved anything.
    public init?(_ result: AttestationResult) {
      guard let claims = result.tpm else { return nil }
      self.init(
        endorsement: claims.endorsement.kind, isExpired: claims.endorsement.certified?.isExpired ?? false,
        weakness: claims.weakness?.name, secureBoot: claims.boot?.secureBoot, registers: claims.boot?.values ?? [:])
    }
  }

  public init(
    act: EnrollmentQuestion.Act, evidence: Evidence.Kind, standing: Standing, group: RecordName?,
    groupProfile: String?, hardware: HardwareID.Kind?, credentials: DeviceCredentials = .certificate,
    isWeaker: Bool = false, tpm: TPM? = nil
  ) {
    self.act = act
    self.evidence = evidence
    self.standing = standing
    self.group = group
    self.groupProfile = groupProfile
    self.hardware = hardware
    self.credentials = credentials
    self.isWeaker = isWeaker
    self.tpm = tpm
  }

  init(_ question: EnrollmentQuestion) {
    self.init(
      act: question.act, evidence: question.result.evidence, standing: Standing(question.standing),
      group: question.group?.name, groupProfile: question.group?.profile,
      hardware: question.result.hardware.first?.id.kind, credentials: question.credentials,
      isWeaker: question.isWeaker, tpm: TPM(question.result))
  }
}

extension EnrollmentCircumstances.Standing {
  init(_ standing: MusterModel.Standing) {
    switch standing {
    case .unknown: self = .unknown
    case .allowed: self = .allowed
    case .bound: self = .bound
    case .blocked: self = .blocked
    }
  }
}
