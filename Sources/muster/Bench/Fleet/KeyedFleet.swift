import DeviceRegistry
import Foundation
import KeyVault
import MusterModel

/// An instance of its own whose devices have keys, for what is measured beside the fleet's.
struct KeyedFleet {
  let instance: BenchInstance
  let people: BenchPeople
  let devices: Int

  static func with<Value: Sendable>(
    _ devices: Int, _ plan: BenchPlan, _ body: (KeyedFleet) async throws -> Value
  ) async throws -> Value {
    let instance = try await BenchInstance.found()
    defer { instance.remove() }
    let people = try await instance.serving { try await BenchPeople.add(to: $0, plan) }
    try await FleetSeed.grow(instance, by: devices, from: 0, like: people)
    return try await body(KeyedFleet(instance: instance, people: people, devices: devices))
  }

  /// Gives each device its two keys; a token of each of the first `tokens`.
  func giveKeys(_ opened: OpenInstance, tokens count: Int) async throws -> [String] {
    var tokens: [String] = []
    for start in stride(from: 0, to: devices, by: KeyedFleet.chunk) {
      let ids = (start..<min(start + KeyedFleet.chunk, devices)).compactMap { DeviceID(FleetSeed.deviceID($0)) }
      let found = try await opened.readers.read { snapshot in try ids.compactMap { try snapshot.device($0) } }
      let made = try found.map { device in
        (
          id: device.id,
          pair: try opened.instance.vault.makeDeviceKeys(
            of: device.record, generation: device.lastGeneration, after: 0), device: device.record
        )
      }
      let outcomes = await opened.store.commit(try made.map { try KeyedFleet.unit($0.device, $0.pair) })
      guard try outcomes.allSatisfy({ if case .committed = try $0.get() { true } else { false } }) else {
        throw CommandFailure("expected to record devices' keys, found the store refusing them")
      }
      for key in made.prefix(max(0, count - tokens.count)) {
        tokens.append(KeyedFleet.token(of: key.id, key.pair.primary.key))
      }
    }
    return tokens
  }

  private static let chunk = 1000

  private static func unit(_ device: RecordID, _ pair: DeviceKeyPair) throws -> UnitOfWork {
    let event = try Event(at: SystemClock().now(), by: .folder, on: [.record(device)], pair.made(for: device))
    return UnitOfWork(events: [event], secrets: pair.secrets)
  }

  private static func token(of id: DeviceID, _ key: DeviceKey) -> String {
    SharedAccessToken.make(
      host: BenchPeople.hubHost, deviceID: id, expires: SystemClock().now() + .seconds(3600), key: key)
  }
}
