public import Enrollment
public import MusterModel

extension FolderStore: ListingReader {
  public func keyRings(_ page: PageRequest, in scope: GroupScope) async throws -> Page<KeyRingSummary> {
    try await read { try $0.keyRings(page, in: scope) }
  }

  public func keyRing(_ name: RecordName) async throws -> KeyRingDetail? { try await read { try $0.keyRing(name) } }

  public func dueRings(at time: Timestamp) async throws -> DueRings { try await read { try $0.dueRings(at: time) } }

  public func devices(
    _ page: PageRequest, _ filter: DeviceFilter, in scope: GroupScope
  ) async throws -> Page<DeviceSummary> {
    try await read { try $0.devices(page, filter, in: scope) }
  }

  public func device(_ id: DeviceID, in scope: GroupScope) async throws -> DeviceDetail? {
    try await read { try $0.deviceDetail(id, in: scope) }
  }

  public func group(of device: DeviceID) async throws -> RecordID? {
    try await read { snapshot in try snapshot.deviceRecord(device).flatMap { try snapshot.group(ofDevice: $0) } }
  }

  public func history(
    of device: DeviceID, _ page: PageRequest, in scope: GroupScope
  ) async throws -> Page<HistoryEntry>? {
    try await read { snapshot in
      guard let record = try snapshot.deviceRecord(device), scope.contains(try snapshot.group(ofDevice: record)) else {
        return nil
      }
      return try DeviceHistory(snapshot: snapshot, device: record, scope: scope).page(page)
    }
  }

  public func hardware(_ page: PageRequest, in scope: GroupScope) async throws -> Page<HardwareSummary> {
    try await read { try $0.hardware(page, in: scope) }
  }

  public func groups(_ page: PageRequest, in scope: GroupScope) async throws -> Page<GroupSummary> {
    try await read { try $0.groups(page, in: scope) }
  }

  public func group(_ name: RecordName) async throws -> GroupSummary? {
    try await read { try $0.groupSummary(name) }
  }

  public func tickets(
    _ page: PageRequest, at time: Timestamp, in scope: GroupScope
  ) async throws -> Page<TicketSummary> {
    try await read { try $0.tickets(page, at: time, in: scope) }
  }

  public func orders(
    _ page: PageRequest, at time: Timestamp, in scope: GroupScope
  ) async throws -> Page<OrderSummary> {
    try await read { try $0.orders(page, at: time, in: scope) }
  }

  public func order(_ name: RecordName, at time: Timestamp) async throws -> OrderSummary? {
    try await read { try $0.orderSummary(name, at: time) }
  }

  public func tpmMakers(_ page: PageRequest) async throws -> Page<MakerSummary> {
    try await read { try $0.tpmMakers(page) }
  }

  public func operators(_ page: PageRequest) async throws -> Page<OperatorSummary> {
    try await read { try $0.operators(page) }
  }

  public func hubs(_ page: PageRequest) async throws -> Page<HubSummary> {
    try await read { try $0.hubs(page) }
  }

  public func certificates(
    _ page: PageRequest, of device: DeviceID?, in scope: GroupScope
  ) async throws -> Page<CertificateSummary> {
    try await read { try $0.certificates(page, of: device, in: scope) }
  }

  public func certificate(_ key: CertificateName) async throws -> CertificateSummary? {
    try await read { try $0.certificateSummary(key) }
  }
}
