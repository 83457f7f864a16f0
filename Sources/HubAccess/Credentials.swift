public import KeyVault
public import MusterModel

/// What hubs read of their devices. Key bytes leave only after it is on record that they were about to.
public struct Credentials: Sendable {
  private let reader: any HubReader
  private let store: any Store
  private let vault: Vault
  private let clock: any WallClock
  private let ledger: String

  /// `ledger` is the ledger's origin without its epoch.
  public init(_ reader: any HubReader, store: any Store, vault: Vault, clock: any WallClock, ledger: String) {
    self.reader = reader
    self.store = store
    self.vault = vault
    self.clock = clock
    self.ledger = ledger
  }

  /// One device, and the tag by which it is known again.
  public struct Reading: Sendable {
    /// nil where the hub has it already.
    public let device: HubDevice?
    public let tag: Digest
  }

  /// A hub that has it under one of `known` is not shown it again: nothing is opened, and nothing recorded.
  public func device(
    _ id: DeviceID, for credential: HubCredential, _ keys: KeyReading, known: Set<Digest> = []
  ) async throws -> Result<Reading, HubRefusal> {
    guard let found = try await reader.device(id, of: credential.hub, at: clock.now()) else {
      return .failure(.deviceUnknown)
    }
    let sealKey = try await sealKey(of: credential.hub, keys)
    guard keys != .sealed || sealKey != nil else { return .failure(.withoutSealKey) }
    let tag = try ShownDevice(found: found, keys: keys, sealKey: sealKey?.key).tag()
    guard !known.contains(tag) else { return .success(Reading(device: nil, tag: tag)) }
    return try await shown([found], to: credential, keys, sealKey).map { Reading(device: $0[0], tag: tag) }
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
    for credential: HubCredential, after cursor: Int64, limit: Int, _ keys: KeyReading
  ) async throws -> Result<(DeviceReading, [HubDevice]), HubRefusal> {
    let sealKey = try await sealKey(of: credential.hub, keys)
    guard keys != .sealed || sealKey != nil else { return .failure(.withoutSealKey) }
    let limit = keys == .none ? limit : min(limit, DeviceKeysRead.limit)
    let reading = try await reader.devices(of: credential.hub, after: cursor, limit: limit, at: clock.now())
    return try await shown(reading.devices, to: credential, keys, sealKey).map { (reading, $0) }
  }

  /// The whole fleet, part by part: see `FleetReading`.
  public func fleet(
    for credential: HubCredential, _ keys: KeyReading
  ) async throws -> Result<FleetReading, HubRefusal> {
    let fleet = FleetReading { cursor in
      // Whoever was removed, or whose certificate was revoked, meanwhile is shown no more, with keys or without.
      guard try await reader.isInOffice(credential) else { return .failure(.notInOffice) }
      return try await snapshot(for: credential, after: cursor, limit: DeviceKeysRead.limit, keys)
    }
    if let refusal = try await fleet.begin() { return .failure(refusal) }
    return .success(fleet)
  }

  private func sealKey(of hub: RecordID, _ keys: KeyReading) async throws -> RegisteredKey? {
    keys == .sealed ? try await reader.sealKey(of: hub) : nil
  }

  /// What is sealed to a key that was replaced meanwhile does not leave: it is asked for again.
  private func shown(
    _ found: [SealedDevice], to credential: HubCredential, _ keys: KeyReading, _ sealKey: RegisteredKey?
  ) async throws -> Result<[HubDevice], HubRefusal> {
    let holders = found.filter { !$0.sealed.isEmpty }
    guard keys != .none, !holders.isEmpty else { return .success(found.map(\.device)) }
    guard !vault.isSealed else { return .failure(.vaultSealed) }
    let devices = try found.map {
      try ShownDevice(found: $0, keys: keys, sealKey: sealKey?.key)
        .opened(by: vault, hub: credential.hub, ledger: ledger)
    }
    let event = try Event(
      at: clock.now(), by: Actor(credential.hub, by: .certificate),
      on: [.record(credential.hub)] + holders.map { .record($0.device.device) },
      DeviceKeysRead(hub: credential.hub, devices: holders.map(\.device.device), sealKey: sealKey?.key.digest))
    let reads = sealKey.map { credential.reads.merging($0.reads) } ?? credential.reads
    if case .committed = try await store.commit(UnitOfWork(reads: reads, events: [event])) { return .success(devices) }
    let now = try await self.sealKey(of: credential.hub, keys)
    guard now != sealKey, let now else { return .failure(.notInOffice) }
    return try await shown(found, to: credential, keys, now)
  }
}
