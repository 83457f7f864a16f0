import Enrollment
import MusterModel
import Policy

/// What operators look at: each look is allowed by policy first, and shows who is limited to groups what is in them.
struct Inspection: Sendable {
  private let instance: Instance
  private let caller: Caller

  init(_ instance: Instance, for caller: Caller) {
    self.instance = instance
    self.caller = caller
  }

  // MARK: - Listings

  func devices(_ page: PageRequest, group: RecordName?) async throws -> Page<DeviceSummary> {
    let limit = try await limit(.deviceList)
    return try await instance.listings.devices(page, group: group).filtered { limit.allows($0.group) }
  }

  func hardware(_ page: PageRequest) async throws -> Page<HardwareSummary> {
    let limit = try await limit(.hardwareList)
    return try await instance.listings.hardware(page).filtered { limit.allows($0.group) }
  }

  func groups(_ page: PageRequest) async throws -> Page<GroupSummary> {
    let limit = try await limit(.groupList)
    return try await instance.listings.groups(page).filtered { limit.allows($0.name) }
  }

  func tickets(_ page: PageRequest, at time: Timestamp) async throws -> Page<TicketSummary> {
    let limit = try await limit(.ticketList)
    return try await instance.listings.tickets(page, at: time).filtered { limit.allows($0.group) }
  }

  func orders(_ page: PageRequest, at time: Timestamp) async throws -> Page<OrderSummary> {
    let limit = try await limit(.orderList)
    return try await instance.listings.orders(page, at: time).filtered { limit.allows($0.group) }
  }

  /// Who is limited to groups names the device: a certificate by itself is in no group.
  func certificates(_ page: PageRequest, of device: DeviceID?) async throws -> Page<CertificateSummary> {
    let limit = try await limit(.certificateList)
    if !limit.isOpen {
      guard let device else {
        throw Problem(
          .forbidden, "not-allowed-in-group", detail: "expected device=ID from an operator who is limited to groups")
      }
      _ = try await grant(.certificateList, group: group(of: device))
      guard limit.allows(try await instance.listings.device(device)?.summary.group) else { throw Problem.otherGroup }
    }
    return try await instance.listings.certificates(page, of: device)
  }

  func operators(_ page: PageRequest) async throws -> Page<OperatorSummary> {
    _ = try await grant(.operatorList)
    return try await instance.listings.operators(page)
  }

  func hubs(_ page: PageRequest) async throws -> Page<HubSummary> {
    _ = try await grant(.hubList)
    return try await instance.listings.hubs(page)
  }

  // MARK: - One record

  func device(_ id: DeviceID) async throws -> DeviceDetail {
    _ = try await grant(.deviceShow, group: group(of: id))
    guard let device = try await instance.listings.device(id) else { throw Problem.deviceUnknown }
    return device
  }

  func history(of id: DeviceID, _ page: PageRequest) async throws -> Page<HistoryEntry> {
    _ = try await grant(.deviceHistory, group: group(of: id))
    guard let history = try await instance.listings.history(of: id, page) else { throw Problem.deviceUnknown }
    return history
  }

  func group(_ name: RecordName) async throws -> GroupSummary {
    let group = try await instance.listings.group(name)
    _ = try await grant(.groupShow, group: group?.record)
    guard let group else {
      throw Problem(.notFound, "group-unknown", detail: "expected a group of that name, found none")
    }
    return group
  }

  func order(_ name: RecordName, at time: Timestamp) async throws -> OrderSummary {
    var query = FactsQuery()
    query.order = .name(name)
    let group = try await instance.facts.facts(for: query).order?.group
    _ = try await grant(.orderShow, group: group)
    guard let order = try await instance.listings.order(name, at: time) else {
      throw Problem(.notFound, "order-unknown", detail: "expected an order of that name, found none")
    }
    return order
  }

  func certificate(_ name: CertificateName) async throws -> CertificateSummary {
    var query = FactsQuery()
    query.certificate = .named(name)
    let facts = try await instance.facts.facts(for: query)
    _ = try await grant(.certificateShow, group: facts.device?.group)
    guard let certificate = try await instance.listings.certificate(name) else {
      throw Problem(.notFound, "certificate-unknown", detail: "expected a certificate of that name, found none")
    }
    return certificate
  }

  // MARK: - Access

  @discardableResult
  func grant(_ operation: Policy.Operation, group: RecordID? = nil) async throws -> AccessGrant {
    try await Administration(instance).grant(operation, to: caller, group: group).answered()
  }

  private func group(of id: DeviceID) async throws -> RecordID? {
    var query = FactsQuery()
    query.deviceID = id
    return try await instance.facts.facts(for: query).device?.group
  }

  /// The names of the groups that a listing is limited to.
  private struct Limit {
    /// nil for no limit.
    let names: Set<String>?
    var isOpen: Bool { names == nil }
    func allows(_ group: RecordName?) -> Bool {
      names.map { group.map { $0.folded }.map($0.contains) ?? false } ?? true
    }
  }

  private func limit(_ operation: Policy.Operation) async throws -> Limit {
    let groups = try await grant(operation).limitedTo
    guard !groups.isEmpty else { return Limit(names: nil) }
    var names: Set<String> = []
    for group in groups {
      var query = FactsQuery()
      query.group = .record(group)
      if let found = try await instance.facts.facts(for: query).group { names.insert(found.name.folded) }
    }
    return Limit(names: names)
  }
}

extension Page {
  fileprivate func filtered(_ isShown: (Row) -> Bool) -> Page { Page(rows: rows.filter(isShown), next: next) }
}

extension Problem {
  static let deviceUnknown = Problem(.notFound, "device-unknown", detail: "expected a device of that ID, found none")
  static let otherGroup = Problem(
    .forbidden, "not-allowed-in-group", detail: "expected a record of the operator's groups, found another")
}
