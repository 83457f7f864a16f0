import Attestation
import DeviceRegistry
import KeyVault
public import MusterModel
import Policy

/// Devices that have their keys, by ID, as the station that made them says.
public struct ConfirmationInput: Codable, Sendable, Hashable {
  public let devices: [String]
  public init(devices: [String]) { self.devices = devices }
}

public struct Confirmed: Codable, Sendable, Hashable {
  /// How many of them had keys that were still to be handed over.
  public let confirmed: Int
}

extension Administration {
  /// The most devices of one request.
  public static let confirmationLimit = DeviceKeysConfirmed.limit

  /// The devices of an order have their keys: nobody is handed them again. Its station may say so.
  public func confirm(
    _ input: ConfirmationInput, of order: RecordName, by caller: Caller
  ) async throws -> Outcome<Confirmed> {
    guard (1...DeviceKeysConfirmed.limit).contains(input.devices.count) else {
      return .refused(.malformed("devices", "1 to \(DeviceKeysConfirmed.limit) device IDs"))
    }
    let queries: [FactsQuery]
    do throws(Refusal) {
      queries = try input.devices.map { id throws(Refusal) in try .keys(of: parse(deviceID: id), order) }
    } catch {
      return .refused(error)
    }
    var query = FactsQuery()
    query.order = .name(order)
    return try await change(.orderProvision, by: caller, asking: query, group: { $0.order?.group }) {
      facts, grant, actor, now in
      guard let order = facts.order else { return .refused(Refusal(.orderUnknown)) }
      // Another station of the group could end the handing over of keys that are not its own.
      guard let station = caller.record, order.stations(for: caller).contains(station) else {
        return .refused(Refusal(AttestationRefusal.otherStation))
      }
      var (reads, devices) = (ReadSet(), Set<RecordID>())
      for query in queries {
        let found = try await instance.facts.facts(for: query)
        guard let device = found.device, found.bindingOrigin?.order == order.record else {
          return .refused(.notOfOrder)
        }
        guard found.deviceKeys?.deliverUntil != nil else { continue }
        reads.saw(.record(device.record), version: device.version)
        devices.insert(device.record)
      }
      guard !devices.isEmpty else { return .unchanged(Confirmed(confirmed: 0)) }
      let confirmed = devices.sorted { $0.description < $1.description }
      let event = try Event(
        at: now, by: actor, on: confirmed.map { .record($0) }, policy: grant.decidedBy,
        DeviceKeysConfirmed(devices: confirmed))
      return .commit(UnitOfWork(reads: reads, events: [event]), Confirmed(confirmed: confirmed.count))
    }
  }
}

extension FactsQuery {
  fileprivate static func keys(of device: DeviceID, _ order: RecordName) -> FactsQuery {
    var query = FactsQuery()
    query.deviceID = device
    query.deviceKeys = true
    query.order = .name(order)
    return query
  }
}

extension Refusal {
  static let notOfOrder = Refusal(
    .notFound, "device-unknown", "expected devices that were made by the order, found another")
}
