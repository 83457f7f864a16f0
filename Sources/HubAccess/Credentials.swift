import Foundation
public import KeyVault
public import MusterModel

/// What hubs read of their devices. Key bytes leave only after it is on record that they were about to.
public struct Credentials: Sendable {
  private let reader: any HubReader
  private let store: any Store
  private let vault: Vault
  private let clock: any WallClock

  public init(_ reader: any HubReader, store: any Store, vault: Vault, clock: any WallClock) {
    self.reader = reader
    self.store = store
    self.vault = vault
    self.clock = clock
  }

  /// `withKeys`: the hub may read keys, and asks for them.
  public func device(
    _ id: DeviceID, for credential: HubCredential, withKeys: Bool
  ) async throws -> Result<HubDevice, HubRefusal> {
    guard let found = try await reader.device(id, of: credential.hub, at: clock.now()) else {
      return .failure(.deviceUnknown)
    }
    return try await shown([found], to: credential, withKeys: withKeys).map { $0[0] }
  }

  public func device(
    of certificate: CertificateKey, for credential: HubCredential
  ) async throws -> Result<HubDevice, HubRefusal> {
    guard let found = try await reader.device(of: certificate, hub: credential.hub, at: clock.now()) else {
      return .failure(.certificateUnknown)
    }
    return .success(found.device)
  }

  /// A part of the snapshot; with keys it has at most as many devices as one event names.
  public func snapshot(
    for credential: HubCredential, after cursor: Int64, limit: Int, withKeys: Bool
  ) async throws -> Result<(DeviceReading, [HubDevice]), HubRefusal> {
    let limit = withKeys ? min(limit, DeviceKeysRead.limit) : limit
    let reading = try await reader.devices(of: credential.hub, after: cursor, limit: limit, at: clock.now())
    return try await shown(reading.devices, to: credential, withKeys: withKeys).map { (reading, $0) }
  }

  private func shown(
    _ found: [SealedDevice], to credential: HubCredential, withKeys: Bool
  ) async throws -> Result<[HubDevice], HubRefusal> {
    let holders = found.filter { !$0.sealed.isEmpty }
    guard withKeys, !holders.isEmpty else { return .success(found.map(\.device)) }
    guard !vault.isSealed else { return .failure(.vaultSealed) }
    let devices = try found.map(opened)
    let event = try Event(
      at: clock.now(), by: Actor(credential.hub, by: .certificate),
      on: [.record(credential.hub)] + holders.map { .record($0.device.device) },
      DeviceKeysRead(hub: credential.hub, devices: holders.map(\.device.device)))
    guard case .committed = try await store.commit(UnitOfWork(reads: credential.reads, events: [event])) else {
      return .failure(.notInOffice)
    }
    return .success(devices)
  }

  private func opened(_ found: SealedDevice) throws -> HubDevice {
    var device = found.device
    for index in device.keys.indices {
      guard let sealed = found.sealed.first(where: { $0.version == device.keys[index].version }) else { continue }
      let text = try vault.openDeviceKey(sealed).text
      device.keys[index].key = text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
    return device
  }
}
