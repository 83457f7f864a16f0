import DeviceRegistry
import KeyVault
public import MusterModel
import Policy

// The symmetric keys of devices, and the tokens made with them.

extension Administration {
  /// Makes a device's keys: the first two of its binding, or the next primary, beside which the one that the device proved
  /// last is kept. They are in this answer alone; the database has them sealed. What the device had before and is not in
  /// the answer proves nothing from the commit on.
  public func rekey(_ id: String, by caller: Caller) async throws -> Outcome<IssuedKeys> {
    var query = FactsQuery()
    do throws(Refusal) { query.deviceID = try parse(deviceID: id) } catch { return .refused(error) }
    query.deviceKeys = true
    return try await change(.deviceRekey, by: caller, asking: query, isSecret: true, group: { $0.device?.group }) {
      facts, grant, actor, now in
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      let (device, binding): (DeviceSnapshot, BindingSnapshot)
      do throws(Refusal) { (device, binding) = try facts.boundDevice() } catch { return .refused(error) }
      let pair = try nextKeys(of: device.record, generation: binding.generation, facts.deviceKeys)
      let event = try Event(
        at: now, by: actor, on: [.record(device.record)], policy: grant.decidedBy, pair.made(for: device.record))
      let unit = UnitOfWork(
        reads: ReadSet([.record(device.record): device.version]), events: [event], secrets: pair.secrets,
        forgets: [device.record])
      return .commit(unit, IssuedKeys(device: device.id, pair))
    }
  }

  private func nextKeys(
    of device: RecordID, generation: UInt64, _ held: DeviceKeysSnapshot?
  ) throws -> DeviceKeyPair {
    let last = held?.lastVersion ?? 0
    guard let held, held.generation == generation else {
      return try instance.vault.makeDeviceKeys(of: device, generation: generation, after: last)
    }
    return try instance.vault.nextDeviceKeys(of: device, generation: generation, keeping: held.lastUsed, after: last)
  }

  /// Makes a token with a device's primary key, for its hub. That it was made is on record before it leaves.
  public func token(_ id: String, _ input: TokenInput, by caller: Caller) async throws -> Outcome<IssuedToken> {
    let seconds = input.validSeconds ?? 3600
    guard seconds > 0, .seconds(seconds) <= SharedAccessToken.longest else {
      return .refused(.malformed("lifetime", "a token's lifetime of 1 second to 30 days"))
    }
    var query = FactsQuery()
    do throws(Refusal) { query.deviceID = try parse(deviceID: id) } catch { return .refused(error) }
    query.deviceKeys = true
    return try await change(.deviceToken, by: caller, asking: query, isSecret: true, group: { $0.device?.group }) {
      facts, grant, actor, now in
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      let (device, binding): (DeviceSnapshot, BindingSnapshot)
      do throws(Refusal) { (device, binding) = try facts.boundDevice() } catch { return .refused(error) }
      guard let hub = facts.deviceHub else { return .refused(.noHub) }
      guard let keys = facts.deviceKeys, keys.generation == binding.generation else { return .refused(.noKey) }
      let expires = Timestamp(milliseconds: (now.seconds + Int64(seconds)) * 1000)
      let token = SharedAccessToken.make(
        host: hub.host, deviceID: device.id, expires: expires, key: try instance.vault.openDeviceKey(keys.primary))
      let event = try Event(
        at: now, by: actor, on: [.record(device.record)], policy: grant.decidedBy,
        DeviceTokenMade(device: device.record, keyVersion: keys.primary.version, expires: expires))
      return .commit(UnitOfWork(events: [event]), IssuedToken(token: token, expires: expires))
    }
  }
}

extension Facts {
  /// The device, in use and on hardware: what keys can be for.
  fileprivate func boundDevice() throws(Refusal) -> (DeviceSnapshot, BindingSnapshot) {
    guard let device else { throw .noDevice }
    switch device.state {
    case .retired: throw Refusal(RegistryRefusal.deviceRetired(device.id))
    case .disabled: throw Refusal(RegistryRefusal.deviceDisabled(device.id))
    case .enabled: break
    }
    guard let binding = device.binding else { throw Refusal(RegistryRefusal.bindingEnded(device.id)) }
    return (device, binding)
  }
}

public struct TokenInput: Codable, Sendable, Hashable {
  /// How long the token holds, in seconds; an hour by default, 30 days at most.
  public let validSeconds: Int?
  public init(validSeconds: Int?) { self.validSeconds = validSeconds }
}

/// A token as it is made: the one time that it is shown.
public struct IssuedToken: Codable, Sendable, Hashable {
  public let token: String
  public let expires: Timestamp
}

/// A device's keys as they are made: the one time that they are shown.
public struct IssuedKeys: Codable, Sendable, Hashable {
  public struct Key: Codable, Sendable, Hashable {
    public let version: UInt32
    /// Base64.
    public let key: String

    init(_ version: DeviceKeyPair.Version) {
      self.version = version.version
      key = version.key.text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }

  public let deviceID: DeviceID
  public let primary: Key
  public let secondary: Key

  init(device: DeviceID, _ pair: DeviceKeyPair) {
    deviceID = device
    primary = Key(pair.primary)
    secondary = Key(pair.secondary)
  }
}

extension Refusal {
  static let noHub = Refusal(
    .conflict, "device-without-hub", "expected a device that is assigned to a hub, found one that is not")
  static let noKey = Refusal(
    .conflict, "device-without-key", "expected a device with keys of its own, found none of its present binding")
}
