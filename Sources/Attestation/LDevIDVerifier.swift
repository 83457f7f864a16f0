public import MusterModel

/// Appraises the device's current certificate: these very bytes were issued by this instance to this device and are in
/// force. The record is the proof, not a path: a certificate that is not on record is no one's.
public struct LDevIDVerifier: Sendable {
  public enum Status: String, Sendable, Hashable, CaseIterable { case good, held, revoked }

  /// The certificate as it is on record, found by the digest of its DER.
  public struct Reference: Sendable, Hashable {
    public let certificate: RecordID
    public let device: RecordID
    public let deviceID: DeviceID
    /// SHA-256 of the DER.
    public let der: Digest
    public let notBefore: Timestamp
    public let notAfter: Timestamp
    public let status: Status
    /// The hardware of the device's active binding: the certificate is that board's.
    public let hardware: [HardwareID]

    public init(
      certificate: RecordID, device: RecordID, deviceID: DeviceID, der: Digest, notBefore: Timestamp,
      notAfter: Timestamp, status: Status, hardware: [HardwareID]
    ) {
      self.certificate = certificate
      self.device = device
      self.deviceID = deviceID
      self.der = der
      self.notBefore = notBefore
      self.notAfter = notAfter
      self.status = status
      self.hardware = hardware
    }
  }

  public init() {}

  /// `chain` is DER, leaf first, as TLS gave it. `reference` is nil where nothing of that digest is on record.
  public func appraise(
    chain: [[UInt8]], against reference: Reference?, at time: Timestamp
  ) -> Result<AttestationResult, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in
      let path = try CertificateChain(chain)
      guard let reference, constantTimeEqual(reference.der, path.digest) else { throw .certificateUnknown }
      switch reference.status {
      case .good: break
      case .held: throw .certificateHeld
      case .revoked: throw .certificateRevoked
      }
      guard time >= reference.notBefore else { throw .notYetValid }
      guard time <= reference.notAfter else { throw .expired }
      return try AttestationResult(
        reference.hardware.map { .init($0, .asserted) }, claimed: [],
        .ldevid(certificate: reference.certificate, device: reference.device, deviceID: reference.deviceID))
    }
  }
}
