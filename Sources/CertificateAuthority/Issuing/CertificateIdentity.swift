public import MusterModel

/// What tells a certificate from all others: given by the caller, claimed in the commit.
public struct CertificateIdentity: Sendable, Hashable {
  public let certificate: RecordID
  /// Its 16 bytes are the serial number.
  public let serial: UUIDv7
  /// Issue counter ÷ 65,536: which CRL a revocation goes into.
  public let shard: UInt32

  public init(certificate: RecordID, serial: UUIDv7, shard: UInt32) {
    self.certificate = certificate
    self.serial = serial
    self.shard = shard
  }

  public var serialHex: String { Hex.encode(serial.bytes) }
}
