public import MusterModel

/// Appraises a ticket: the caller knows the code of the ticket that names the device. The operator who issued it
/// asserts the hardware; whether the ticket may still be used is the registry's.
public struct TicketVerifier: Sendable {
  /// The ticket as it is on record.
  public struct Reference: Sendable, Hashable {
    public let ticket: RecordID
    public let deviceID: DeviceID
    public let hardware: HardwareID
    public let code: Digest

    public init(ticket: RecordID, deviceID: DeviceID, hardware: HardwareID, code: Digest) {
      self.ticket = ticket
      self.deviceID = deviceID
      self.hardware = hardware
      self.code = code
    }
  }

  public init() {}

  /// The device ID must agree in case too: it is a user name, not a search. `tpm` is what a TPM proved of the key beside it.
  public func appraise(
    _ evidence: TicketEvidence, against reference: Reference, claimed: [HardwareID] = [], beside tpm: TPMClaims? = nil
  ) -> Result<AttestationResult, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in
      guard constantTimeEqual(evidence.code, reference.code), evidence.deviceID == reference.deviceID
      else { throw .ticketWrong }
      return try AttestationResult(
        [.init(reference.hardware, .asserted)], claimed: claimed,
        .ticket(reference.ticket, deviceID: reference.deviceID), beside: tpm)
    }
  }
}
