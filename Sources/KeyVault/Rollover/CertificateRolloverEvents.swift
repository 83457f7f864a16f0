public import MusterModel

extension RolloverEvents {
  /// Those of rollovers of certificates alone.
  static let certificateKinds: [EventKind] = [
    EventKind(RolloverCertificateProved.self), EventKind(RolloverCertificatesEnded.self),
  ]
}

/// Which of the devices' certificates a rollover is to bring out of the fleet.
public struct LeavingCertificates: Codable, Hashable, Sendable {
  /// Those of this issuing CA; nil for all that were issued before the start.
  public let issuerKeyID: String?

  public init(issuerKeyID: String? = nil) { self.issuerKeyID = issuerKeyID }
}

/// A device in a rollover of certificates showed another one than before, that is to leave or that stays: on record
/// before it was told that the certificate is good.
public struct RolloverCertificateProved: EventBody {
  public static let kind = "rollover-certificate-proved"
  public let device: RecordID
  public let certificate: RecordID
  /// Whether it is one that is to leave.
  public let isLeaving: Bool

  public init(device: RecordID, certificate: RecordID, isLeaving: Bool) {
    self.device = device
    self.certificate = certificate
    self.isLeaving = isLeaving
  }

  /// The version that was proved.
  public var version: UInt32 { isLeaving ? DeviceRollover.leaving : DeviceRollover.staying }
}

/// A device's certificates that were to leave prove nothing any more: `certificate-revoked` beside it says of each.
public struct RolloverCertificatesEnded: EventBody {
  public static let kind = "rollover-certificates-ended"
  public let rollover: RecordID
  public let device: RecordID
  /// `overlap` or `deadline`.
  public let cause: RolloverKeyEnded.Cause

  public init(rollover: RecordID, device: RecordID, cause: RolloverKeyEnded.Cause) {
    self.rollover = rollover
    self.device = device
    self.cause = cause
  }
}
