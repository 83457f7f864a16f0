public import MusterModel

/// What a caller shows to be given an identity (RFC 9334 §4.2, Evidence): exactly one of these authorises a request.
public enum Evidence: Sendable, Hashable {
  case ticket(TicketEvidence)
  /// The maker's certificate with which the caller authenticated TLS: DER, leaf first.
  case idevid(chain: [[UInt8]])
  /// The device's certificate of this instance with which the caller authenticated TLS: DER, leaf first.
  case ldevid(chain: [[UInt8]])
  case station(StationEvidence)
  case groupKey(GroupKeyEvidence)
  case tpm(TPMEvidence)

  public enum Kind: String, Sendable, Codable, CaseIterable {
    case ticket, idevid, ldevid, station, tpm
    case groupKey = "group-key"
  }

  public var kind: Kind {
    switch self {
    case .ticket: .ticket
    case .idevid: .idevid
    case .ldevid: .ldevid
    case .station: .station
    case .groupKey: .groupKey
    case .tpm: .tpm
    }
  }
}

/// A device ID and a ticket's code, as HTTP Basic carries them. The code is held as its HMAC alone.
public struct TicketEvidence: Sendable, Hashable {
  public let deviceID: DeviceID
  /// HMAC-SHA-256 of the code under the vault's ticket key.
  public let code: Digest

  public init(deviceID: DeviceID, code: Digest) {
    self.deviceID = deviceID
    self.code = code
  }
}

/// What a factory line's station says of the board before it: which hardware it is, and which device it becomes.
public struct StationEvidence: Sendable, Hashable {
  /// The operator who authenticated TLS.
  public let station: RecordID
  public let hardware: HardwareID
  public let deviceID: DeviceID

  public init(station: RecordID, hardware: HardwareID, deviceID: DeviceID) {
    self.station = station
    self.hardware = hardware
    self.deviceID = deviceID
  }
}

/// The token of a board that has a key derived from its group's.
public struct GroupKeyEvidence: Sendable, Hashable {
  public let registration: HardwareID
  /// As received.
  public let signature: Digest
  public let expires: Timestamp

  public init(registration: HardwareID, signature: Digest, expires: Timestamp) {
    self.registration = registration
    self.signature = signature
    self.expires = expires
  }
}
