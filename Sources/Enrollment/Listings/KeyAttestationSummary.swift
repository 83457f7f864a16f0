public import Attestation
public import MusterModel

/// On what evidence a key is known to be in a TPM. What was erased is nil.
public struct KeyAttestationSummary: Codable, Sendable, Hashable {
  public let endorsement: TPMEndorsement
  /// `tpm-ek:`.
  public let hardware: HardwareID?
  /// The attestation key's name, hex.
  public let attestationKey: String?
  /// The maker's number, 16 hexadecimal digits.
  public let firmwareVersion: String?
  public let attested: Timestamp
  /// The ledger position of the event that says so.
  public let position: UInt64

  public init(
    endorsement: TPMEndorsement, hardware: HardwareID?, attestationKey: String?, firmwareVersion: String?,
    attested: Timestamp, position: UInt64
  ) {
    self.endorsement = endorsement
    self.hardware = hardware
    self.attestationKey = attestationKey
    self.firmwareVersion = firmwareVersion
    self.attested = attested
    self.position = position
  }
}
