import DeviceRegistry
public import KeyVault
public import MusterModel

/// The new key that a device fetches.
public struct FetchedKey: Codable, Sendable, Hashable {
  public let deviceID: DeviceID
  public let version: UInt32
  /// Base64.
  public let key: String
}

/// A device in a rollover fetches its new key: by its certificate, or by a token of a key that it has in use. Both that
/// the key was proved and that the new one leaves are on record before the answer.
public struct DeviceKeyFetch: Sendable {
  public enum Evidence: Sendable {
    /// The DER with which the device authenticated TLS.
    case certificate(leaf: [UInt8])
    case token(IdentityToken, trustDomain: String)
  }

  private let instance: Instance
  private let proved: @Sendable (RecordID, UInt32) -> Void

  /// `proved` is told of a device in no rollover that used another version than the last that is on record.
  public init(_ instance: Instance, proved: @escaping @Sendable (_ device: RecordID, _ version: UInt32) -> Void) {
    self.instance = instance
    self.proved = proved
  }

  public func key(by evidence: Evidence) async throws -> Outcome<FetchedKey> {
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    switch evidence {
    case .certificate(let leaf):
      switch try await Authentication(instance).identify(leaf: leaf) {
      case .refused(let refusal): return .refused(refusal)
      case .foreign: return .refused(Refusal(.certificateUnknown))
      case .known(.device(_, let id, _), let reads):
        return try await instance.deciding { try await decide(id, .certificate, reads) { _ in true } }
      case .known: return .refused(.deviceExpected)
      }
    case .token(let token, let trustDomain):
      guard token.isInTime(at: instance.clock.now(), trustDomain: trustDomain) else {
        return .refused(.identityTokenWrong)
      }
      if let refusal = try await prove(token) { return .refused(refusal) }
      return try await instance.deciding {
        try await decide(token.deviceID, .token, ReadSet()) { try signer(of: token, $0) != nil }
      }
    }
  }

  /// `holds`: whether the evidence is good with these keys.
  private func decide(
    _ id: DeviceID, _ evidence: DeviceKeyFetched.Evidence, _ reads: ReadSet,
    holds: (DeviceKeysSnapshot) throws -> Bool
  ) async throws -> Decision<FetchedKey> {
    let facts = try await facts(of: id)
    guard let device = facts.device, device.id == id, let keys = facts.currentKeys else {
      return .refuse(.noNewKey, nil)
    }
    if case .failure(let refusal) = Registry.renew(device, hardware: facts.boundHardware, patterns: facts.patterns) {
      return .refuse(Refusal(refusal), nil)
    }
    guard try holds(keys) else { return .refuse(.identityTokenWrong, nil) }
    guard let made = facts.newKey, let sealed = keys.sealed(made) else { return .refuse(.noNewKey, nil) }
    let key = try instance.vault.openDeviceKey(sealed).text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    let event = try Event(
      at: instance.clock.now(), by: evidence == .certificate ? Actor(device.record, by: .certificate) : .service,
      on: [.record(device.record)], DeviceKeyFetched(device: device.record, version: made, evidence: evidence))
    return .commit(UnitOfWork(reads: facts.reads.merging(reads), events: [event])) { _ in
      FetchedKey(deviceID: id, version: made, key: key)
    }
  }

  private func facts(of id: DeviceID) async throws -> Facts {
    var query = FactsQuery()
    query.deviceID = id
    query.deviceKeys = true
    return try await instance.facts.facts(for: query)
  }

  // MARK: - By a token

  /// Records that the token's key was used, where that says something new; why it is not good, where it is not.
  private func prove(_ token: IdentityToken) async throws -> Refusal? {
    let outcome: Outcome<Bool> = try await instance.deciding {
      let facts = try await facts(of: token.deviceID)
      guard let device = facts.device, device.id == token.deviceID, let keys = facts.currentKeys,
        let version = try signer(of: token, keys)
      else { return .refuse(.identityTokenWrong, nil) }
      if case .failure(let refusal) = Registry.renew(device, hardware: facts.boundHardware, patterns: facts.patterns) {
        return .refuse(Refusal(refusal), nil)
      }
      var proofs = RecordedProofs()
      if let rollover = facts.deviceRollover {
        proofs.note(device.record, version, rollover, at: device.version)
      } else if keys.proved != version {
        proved(device.record, version)
      }
      guard let unit = try proofs.unit(at: instance.clock.now()) else { return .answer(true) }
      return .commit(unit) { _ in true }
    }
    if case .refused(let refusal) = outcome { return refusal }
    return nil
  }

  /// Which of the device's keys signed it; both are tried, so that the time does not tell which.
  private func signer(of token: IdentityToken, _ keys: DeviceKeysSnapshot) throws -> UInt32? {
    try [keys.primary, keys.secondary].compactMap(\.self)
      .filter { token.isSigned(by: try instance.vault.deviceKey($0)) }.first?.version
  }
}

extension Facts {
  /// The keys of the device's present binding.
  fileprivate var currentKeys: DeviceKeysSnapshot? {
    deviceKeys.flatMap { $0.generation == device?.binding?.generation ? $0 : nil }
  }

  /// The version that a rollover made for the device; once its old one was taken, until it proves the new one.
  fileprivate var newKey: UInt32? {
    guard let deviceRollover else { return nil }
    return deviceRollover.stage.isOpen || deviceKeys?.proved != deviceRollover.made ? deviceRollover.made : nil
  }
}

extension Refusal {
  static let noNewKey = Refusal(
    .notFound, "no-new-key", "expected a device for which a rollover has made a new key, found none; ask again later")
  static let identityTokenWrong = Refusal(
    .unauthenticated, "token-wrong",
    "expected a token for this instance by a key that the device has in use, found another")
}
