public import MusterModel

/// What operators look at. Each answer is one snapshot, and shows what is in the scope and nothing else; each page but the
/// last is full.
public protocol ListingReader: RolloverReader {
  /// In the order in which they came to be; those of a batch in the order in which they were given their hardware.
  func devices(_ page: PageRequest, _ filter: DeviceFilter, in scope: GroupScope) async throws -> Page<DeviceSummary>
  func device(_ id: DeviceID, in scope: GroupScope) async throws -> DeviceDetail?
  /// The group of the device that is shown by that ID; nil where it is in none, or there is no such device.
  func group(of device: DeviceID) async throws -> RecordID?
  /// Events concerning the device, its bindings and certificates, newest last; nil where there is no such device.
  func history(of device: DeviceID, _ page: PageRequest, in scope: GroupScope) async throws -> Page<HistoryEntry>?
  func hardware(_ page: PageRequest, in scope: GroupScope) async throws -> Page<HardwareSummary>
  func groups(_ page: PageRequest, in scope: GroupScope) async throws -> Page<GroupSummary>
  func group(_ name: RecordName) async throws -> GroupSummary?
  func tickets(_ page: PageRequest, at time: Timestamp, in scope: GroupScope) async throws -> Page<TicketSummary>
  func orders(_ page: PageRequest, at time: Timestamp, in scope: GroupScope) async throws -> Page<OrderSummary>
  /// The open order of that name; where none is, the last one.
  func order(_ name: RecordName, at time: Timestamp) async throws -> OrderSummary?
  func tpmMakers(_ page: PageRequest) async throws -> Page<MakerSummary>
  func operators(_ page: PageRequest) async throws -> Page<OperatorSummary>
  func hubs(_ page: PageRequest) async throws -> Page<HubSummary>
  /// A device's certificates are in its group, all others in none.
  func certificates(
    _ page: PageRequest, of device: DeviceID?, in scope: GroupScope
  ) async throws -> Page<CertificateSummary>
  func certificate(_ key: CertificateName) async throws -> CertificateSummary?
  func keyRings(_ page: PageRequest, in scope: GroupScope) async throws -> Page<KeyRingSummary>
  /// The newest versions first, `PageRequest.limits` of them at most.
  func keyRing(_ name: RecordName) async throws -> KeyRingDetail?
  /// What is due at `time`: rings whose newest version is to be replaced, versions that are to be destroyed.
  func dueRings(at time: Timestamp) async throws -> DueRings
}

extension ListingReader {
  /// The first key rings, as many as a page has at most.
  public func rings() async throws -> [KeyRingSummary] {
    guard let page = PageRequest(limit: PageRequest.limits.upperBound) else { return [] }
    return try await keyRings(page, in: .instance).rows
  }

  public func devices(_ page: PageRequest, _ filter: DeviceFilter) async throws -> Page<DeviceSummary> {
    try await devices(page, filter, in: .instance)
  }

  public func device(_ id: DeviceID) async throws -> DeviceDetail? { try await device(id, in: .instance) }

  public func history(of device: DeviceID, _ page: PageRequest) async throws -> Page<HistoryEntry>? {
    try await history(of: device, page, in: .instance)
  }

  public func hardware(_ page: PageRequest) async throws -> Page<HardwareSummary> {
    try await hardware(page, in: .instance)
  }

  public func groups(_ page: PageRequest) async throws -> Page<GroupSummary> { try await groups(page, in: .instance) }

  public func tickets(_ page: PageRequest, at time: Timestamp) async throws -> Page<TicketSummary> {
    try await tickets(page, at: time, in: .instance)
  }

  public func orders(_ page: PageRequest, at time: Timestamp) async throws -> Page<OrderSummary> {
    try await orders(page, at: time, in: .instance)
  }

  public func certificates(_ page: PageRequest, of device: DeviceID?) async throws -> Page<CertificateSummary> {
    try await certificates(page, of: device, in: .instance)
  }
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
