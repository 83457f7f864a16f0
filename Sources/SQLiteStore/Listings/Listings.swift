public import Enrollment
public import MusterModel

extension FolderStore: ListingReader {
  public func devices(_ page: PageRequest, group: RecordName?) async throws -> Page<DeviceSummary> {
    try await read { try $0.devices(page, group: group) }
  }

  public func device(_ id: DeviceID) async throws -> DeviceDetail? {
    try await read { try $0.deviceDetail(id) }
  }

  public func history(of device: DeviceID, _ page: PageRequest) async throws -> Page<HistoryEntry>? {
    try await read { snapshot in
      try snapshot.deviceRecord(device).map { try DeviceHistory(snapshot: snapshot, device: $0).page(page) }
    }
  }

  public func hardware(_ page: PageRequest) async throws -> Page<HardwareSummary> {
    try await read { try $0.hardware(page) }
  }

  public func groups(_ page: PageRequest) async throws -> Page<GroupSummary> {
    try await read { try $0.groups(page) }
  }

  public func group(_ name: RecordName) async throws -> GroupSummary? {
    try await read { try $0.groupSummary(name) }
  }

  public func tickets(_ page: PageRequest, at time: Timestamp) async throws -> Page<TicketSummary> {
    try await read { try $0.tickets(page, at: time) }
  }

  public func orders(_ page: PageRequest, at time: Timestamp) async throws -> Page<OrderSummary> {
    try await read { try $0.orders(page, at: time) }
  }

  public func order(_ name: RecordName, at time: Timestamp) async throws -> OrderSummary? {
    try await read { try $0.orderSummary(name, at: time) }
  }

  public func operators(_ page: PageRequest) async throws -> Page<OperatorSummary> {
    try await read { try $0.operators(page) }
  }

  public func hubs(_ page: PageRequest) async throws -> Page<HubSummary> {
    try await read { try $0.hubs(page) }
  }

  public func certificates(_ page: PageRequest, of device: DeviceID?) async throws -> Page<CertificateSummary> {
    try await read { try $0.certificates(page, of: device) }
  }

  public func certificate(_ key: CertificateName) async throws -> CertificateSummary? {
    try await read { try $0.certificateSummary(key) }
  }
}
