public import MusterModel

/// What operators look at. Each answer is one snapshot.
public protocol ListingReader: Sendable {
  func devices(_ page: PageRequest, group: RecordName?) async throws -> Page<DeviceSummary>
  func device(_ id: DeviceID) async throws -> DeviceDetail?
  /// Events concerning the device, its bindings and certificates, newest last; nil where there is no such device.
  func history(of device: DeviceID, _ page: PageRequest) async throws -> Page<HistoryEntry>?
  func hardware(_ page: PageRequest) async throws -> Page<HardwareSummary>
  func groups(_ page: PageRequest) async throws -> Page<GroupSummary>
  func group(_ name: RecordName) async throws -> GroupSummary?
  func tickets(_ page: PageRequest, at time: Timestamp) async throws -> Page<TicketSummary>
  func orders(_ page: PageRequest, at time: Timestamp) async throws -> Page<OrderSummary>
  /// The open order of that name; where none is, the last one.
  func order(_ name: RecordName, at time: Timestamp) async throws -> OrderSummary?
  func operators(_ page: PageRequest) async throws -> Page<OperatorSummary>
  func hubs(_ page: PageRequest) async throws -> Page<HubSummary>
  func certificates(_ page: PageRequest, of device: DeviceID?) async throws -> Page<CertificateSummary>
  func certificate(_ key: CertificateName) async throws -> CertificateSummary?
}

/// How a certificate is named by a caller: its record, its serial in hex, or its fingerprint (SHA-256 of the DER).
public enum CertificateName: Sendable, Hashable {
  case record(RecordID)
  case serial(String)
  case fingerprint(Digest)

  /// Reads `crt_…`, 32 hexadecimal digits, or 64; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let plain = String(text).filter { $0 != ":" }.lowercased()
    if let record = RecordID(text), record.kind == .certificate {
      self = .record(record)
    } else if let digest = Digest(hex: plain) {
      self = .fingerprint(digest)
    } else if plain.utf8.count == 32, Hex.decode(plain) != nil {
      self = .serial(plain)
    } else {
      return nil
    }
  }
}
