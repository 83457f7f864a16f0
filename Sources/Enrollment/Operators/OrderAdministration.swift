import DeviceRegistry
public import MusterModel
import Policy

// Orders of factory lines.

public struct OrderInput: Codable, Sendable, Hashable {
  public let name: String
  /// An operator with the role factory-line.
  public let station: String
  public let group: String
  /// How many devices may be made by it.
  public let count: UInt64
  /// Until when; without it, until it is closed.
  public let until: Timestamp?

  public init(name: String, station: String, group: String, count: UInt64, until: Timestamp?) {
    self.name = name
    self.station = station
    self.group = group
    self.count = count
    self.until = until
  }
}

extension Administration {
  public func addOrder(_ input: OrderInput, by caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    let name: RecordName
    do throws(Refusal) {
      name = try parse(name: input.name)
      query.group = .name(try parse(name: input.group))
      query.operatorName = try parse(name: input.station)
      query.order = .name(name)
    } catch {
      return .refused(error)
    }
    return try await change(.orderAdd, by: caller, asking: query) { facts, grant, actor, now in
      guard let group = facts.group else { return .refused(Refusal(.groupUnknown)) }
      guard let station = facts.operator, station.mayProvision(group.record) else {
        return .refused(Refusal(.stationUnknown))
      }
      if let order = facts.order, !order.isClosed { return .refused(Refusal(.orderNameTaken(order.name))) }
      return try Registry.addOrder(
        name, station: station.record, group: group, count: input.count, until: input.until, at: now
      ).change(at: now, by: actor, policy: grant.decidedBy) { $0 ?? RecordID(.order, UUIDv7(at: now)) }
    }
  }

  public func closeOrder(_ name: String, by caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    do throws(Refusal) { query.order = .name(try parse(name: name)) } catch { return .refused(error) }
    return try await change(.orderClose, by: caller, asking: query) { facts, grant, actor, now in
      guard let order = facts.order else { return .refused(Refusal(.orderUnknown)) }
      return try Registry.closeOrder(order).change(at: now, by: actor, policy: grant.decidedBy) { _ in order.record }
    }
  }
}

extension OperatorSnapshot {
  /// Whether an order for this group may name it.
  fileprivate func mayProvision(_ group: RecordID) -> Bool {
    !isRemoved && role == .factoryLine && (groups.isEmpty || groups.contains(group))
  }
}
