import DeviceRegistry
import KeyVault
public import MusterModel
import Policy

/// What operators look at: each look is allowed by policy first, and shows who is limited to groups what is in them.
public struct Inspection: Sendable {
  private let instance: Instance
  private let caller: Caller

  public init(_ instance: Instance, for caller: Caller) {
    self.instance = instance
    self.caller = caller
  }

  private var listings: any ListingReader { instance.listings }

  // MARK: - Listings

  public func devices(_ page: PageRequest, _ filter: DeviceFilter) async throws -> Outcome<Page<DeviceSummary>> {
    try await listing(.deviceList) { try await listings.devices(page, filter, in: $0) }
  }

  public func hardware(_ page: PageRequest) async throws -> Outcome<Page<HardwareSummary>> {
    try await listing(.hardwareList) { try await listings.hardware(page, in: $0) }
  }

  public func groups(_ page: PageRequest) async throws -> Outcome<Page<GroupSummary>> {
    try await listing(.groupList) { try await listings.groups(page, in: $0) }
  }

  public func tickets(_ page: PageRequest) async throws -> Outcome<Page<TicketSummary>> {
    let now = instance.clock.now()
    return try await listing(.ticketList) { try await listings.tickets(page, at: now, in: $0) }
  }

  public func orders(_ page: PageRequest) async throws -> Outcome<Page<OrderSummary>> {
    let now = instance.clock.now()
    return try await listing(.orderList) { try await listings.orders(page, at: now, in: $0) }
  }

  public func certificates(
    _ page: PageRequest, of device: DeviceID?
  ) async throws -> Outcome<Page<CertificateSummary>> {
    try await listing(.certificateList) { try await listings.certificates(page, of: device, in: $0) }
  }

  public func operators(_ page: PageRequest) async throws -> Outcome<Page<OperatorSummary>> {
    try await listing(.operatorList) { _ in try await listings.operators(page) }
  }

  public func tpmMakers(_ page: PageRequest) async throws -> Outcome<Page<MakerSummary>> {
    try await listing(.caTrustList) { _ in try await listings.tpmMakers(page) }
  }

  public func keyRings(_ page: PageRequest) async throws -> Outcome<Page<KeyRingSummary>> {
    try await listing(.keyList) { try await listings.keyRings(page, in: $0) }
  }

  public func hubs(_ page: PageRequest) async throws -> Outcome<Page<HubSummary>> {
    try await listing(.hubList) { _ in try await listings.hubs(page) }
  }

  public func rollovers(_ page: PageRequest) async throws -> Outcome<Page<RolloverSummary>> {
    try await listing(.rolloverList) { try await listings.rollovers(page, in: $0) }
  }

  private func listing<Value: Sendable>(
    _ operation: Policy.Operation, _ read: (GroupScope) async throws -> Value
  ) async throws -> Outcome<Value> {
    switch try await Administration(instance).grant(operation, to: caller) {
    case .refused(let refusal): .refused(refusal)
    case .done(let grant): .done(try await read(GroupScope(grant)))
    }
  }

  // MARK: - One record

  public func device(_ id: DeviceID) async throws -> Outcome<DeviceDetail> {
    try await look(.deviceShow, in: try await listings.group(of: id), orElse: .noDevice) {
      try await listings.device(id, in: $0)
    }
  }

  public func history(of id: DeviceID, _ page: PageRequest) async throws -> Outcome<Page<HistoryEntry>> {
    try await look(.deviceHistory, in: try await listings.group(of: id), orElse: .noDevice) {
      try await listings.history(of: id, page, in: $0)
    }
  }

  public func group(_ name: RecordName) async throws -> Outcome<GroupSummary> {
    let group = try await listings.group(name)
    return try await look(.groupShow, in: group?.record, orElse: Refusal(.groupUnknown)) { _ in group }
  }

  public func order(_ name: RecordName) async throws -> Outcome<OrderSummary> {
    let now = instance.clock.now()
    var query = FactsQuery()
    query.order = .name(name)
    let group = try await instance.facts.facts(for: query).order?.group
    return try await look(.orderShow, in: group, orElse: Refusal(.orderUnknown)) { _ in
      try await listings.order(name, at: now)
    }
  }

  public func keyRing(_ name: RecordName) async throws -> Outcome<KeyRingDetail> {
    var query = FactsQuery()
    query.ring = name
    let group = try await instance.facts.facts(for: query).ring?.group
    return try await look(.keyShow, in: group, ring: name, orElse: Refusal(RingRefusal.unknown)) { _ in
      try await listings.keyRing(name)
    }
  }

  public func certificate(_ name: CertificateName) async throws -> Outcome<CertificateSummary> {
    var query = FactsQuery()
    query.certificate = .named(name)
    let group = try await instance.facts.facts(for: query).device?.group
    return try await look(.certificateShow, in: group, orElse: .noCertificate) { _ in
      try await listings.certificate(name)
    }
  }

  public func rollover(_ record: RecordID) async throws -> Outcome<RolloverSummary> {
    try await look(.rolloverShow, in: try await group(ofRollover: record), orElse: .rolloverUnknown) { _ in
      try await listings.rollover(record)
    }
  }

  public func stragglers(of record: RecordID, _ page: PageRequest) async throws -> Outcome<Page<RolloverStraggler>> {
    try await look(.rolloverShow, in: try await group(ofRollover: record), orElse: .rolloverUnknown) { _ in
      try await listings.stragglers(of: record, page)
    }
  }

  private func group(ofRollover record: RecordID) async throws -> RecordID? {
    var query = FactsQuery()
    query.rollover = record
    return try await instance.facts.facts(for: query).rollover?.devices.group
  }

  private func look<Value: Sendable>(
    _ operation: Policy.Operation, in group: RecordID?, ring: RecordName? = nil, orElse unknown: Refusal,
    _ read: (GroupScope) async throws -> Value?
  ) async throws -> Outcome<Value> {
    switch try await Administration(instance).grant(operation, to: caller, group: group, ring: ring) {
    case .refused(let refusal): .refused(refusal)
    case .done(let grant): try await read(GroupScope(grant)).map { .done($0) } ?? .refused(unknown)
    }
  }
}
