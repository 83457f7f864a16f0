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
  /// Where it is trusted by its maker's certificate: SHA-256 of the anchor's DER, whether its time was over, and the TPM's
  /// make as it says it.
  public let anchor: Digest?
  public let isExpired: Bool?
  public let make: String?
  /// The advisory by which its firmware or key is known to be weak, where the policy accepted that.
  public let weakness: String?
  /// Whether Secure Boot was on; nil where nothing showed it.
  public let secureBoot: Bool?
  /// The registers of the SHA-256 bank that it quoted; nil where it quoted none.
  public let registers: [KeyAttested.Register]?
  public let attested: Timestamp
  /// The ledger position of the event that says so.
  public let position: UInt64

  public init(
    endorsement: TPMEndorsement, hardware: HardwareID?, attestationKey: String?, firmwareVersion: String?,
    anchor: Digest?, isExpired: Bool?, make: String?, weakness: String?, secureBoot: Bool?,
    registers: [KeyAttested.Register]?, attested: Timestamp, position: UInt64
  ) {
    self.endorsement = endorsement
    self.hardware = hardware
    self.attestationKey = attestationKey
    self.firmwareVersion = firmwareVersion
    self.anchor = anchor
    self.isExpired = isExpired
    self.make = make
    self.weakness = weakness
    self.secureBoot = secureBoot
    self.registers = registers
    self.attested = attested
    self.position = position
  }
}
