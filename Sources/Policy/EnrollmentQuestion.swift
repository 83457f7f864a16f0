public import Attestation
public import MusterModel

/// What an enrollment is decided from. It can be recorded and asked again of another policy.
public struct EnrollmentQuestion: Sendable, Hashable {
  public enum Act: String, Sendable, Codable, CaseIterable {
    /// The device comes to be, or comes back without hardware.
    case new
    /// The device leaves its hardware for this.
    case swap
    /// The device renews its certificate.
    case renew
  }

  public struct Group: Sendable, Hashable {
    public let record: RecordID
    public let name: RecordName
    public let profile: String?
    public let hub: RecordID?

    public init(record: RecordID, name: RecordName, profile: String?, hub: RecordID?) {
      self.record = record
      self.name = name
      self.profile = profile
      self.hub = hub
    }
  }

  public let act: Act
  public let result: AttestationResult
  public let standing: Standing
  public let group: Group?
  /// The record of the device; minted by the registry's plan where the device is new.
  public let device: RecordID
  public let deviceID: DeviceID
  public let credentials: DeviceCredentials
  /// Whether the device's key was attested, and this is not that key nor one attested anew.
  public let isWeaker: Bool
  public let reads: ReadSet

  public init(
    act: Act, result: AttestationResult, standing: Standing, group: Group?, device: RecordID, deviceID: DeviceID,
    credentials: DeviceCredentials = .certificate, isWeaker: Bool = false, reads: ReadSet
  ) {
    self.act = act
    self.result = result
    self.standing = standing
    self.group = group
    self.device = device
    self.deviceID = deviceID
    self.credentials = credentials
    self.isWeaker = isWeaker
    self.reads = reads
  }
}

public enum EnrollmentDecision: Sendable, Hashable {
  case permit(IssuancePermit)
  case refused(PolicyReference, EnrollmentRefusal)
}

/// Why an enrollment is not permitted.
public enum EnrollmentRefusal: Sendable, Hashable, CustomStringConvertible {
  /// Whatever the rules say.
  case hardwareBlocked
  /// The evidence names another device, or the hardware is bound to another: whatever the rules say.
  case otherDevice
  case rule(String)
  case noRule
  /// A rule would permit it, were the evidence not weaker than the device's last.
  case weaker
  /// A rule would permit it, were the endorsement key's certificate, and those of its issuers, in their time.
  case endorsementExpired
  /// A rule would permit it, were the TPM not known by this weakness.
  case weakFirmware(String)
  /// A rule would permit it, were Secure Boot shown to be on; it was shown off, or not at all.
  case secureBoot(Bool?)
  /// A rule would permit it, had the TPM quoted another value of that register; what it quoted, or nothing.
  case register(Int, Digest?)

  public var code: String {
    switch self {
    case .hardwareBlocked: "hardware-blocked"
    case .otherDevice: "hardware-bound"
    case .rule, .noRule: "policy-refused"
    case .weaker: "evidence-weaker"
    case .endorsementExpired: "certificate-expired"
    case .weakFirmware: "tpm-weak"
    case .secureBoot: "secure-boot-required"
    case .register: "pcr-other"
    }
  }

  public var description: String {
    switch self {
    case .hardwareBlocked: "expected hardware that is not on the blocklist, found it there"
    case .otherDevice: "expected hardware and evidence of the device that asks, found another device's"
    case .rule(let name): "expected an enrollment that enrollment.yaml permits, found one that rule \(name) refuses"
    case .weaker:
      "expected the device's attested key, or one attested anew, found weaker evidence that no rule accepts"
    case .endorsementExpired:
      "expected an endorsement key certificate in its time, or a rule that accepts it expired, found neither"
    case .weakFirmware(let name):
      "expected a TPM of which no weakness is known, or a rule that accepts it weak, found \(name)"
    case .secureBoot(let found):
      "expected a quote and an event log that show Secure Boot on, found "
        + (found == nil ? "nothing that shows it" : "it off")
    case .register(let number, let found):
      "expected a quote of a value of PCR \(number) that the rule names, found \(found?.hex ?? "none")"
    case .noRule: "expected an enrollment that a rule of enrollment.yaml permits, found none"
    }
  }
}
