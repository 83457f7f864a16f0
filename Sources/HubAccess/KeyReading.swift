import Foundation
public import KeyVault
public import MusterModel

/// How a hub reads the bytes of its devices' keys.
public enum KeyReading: String, Sendable, CaseIterable {
  case none
  /// Sealed to the key that it registered.
  case sealed
  case plain
}

/// A device as it is shown, before its keys are opened for it.
struct ShownDevice {
  let found: SealedDevice
  let keys: KeyReading
  /// Where `keys` is sealed.
  let sealKey: SealKey?

  /// Changes with what is shown: weak, for one key sealed twice is not twice the same bytes (RFC 9110 §8.8.1).
  func tag() throws -> Digest {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return .sha256(
      Array("\(keys.rawValue) \(sealKey?.digest.hex ?? "-")\n".utf8) + Array(try encoder.encode(found.device)))
  }

  /// With the keys' bytes. The vault is unsealed.
  func opened(by vault: Vault, hub: RecordID, ledger: String) throws -> HubDevice {
    var device = found.device
    let opened = try device.keys.map { key in
      guard let sealed = found.sealed.first(where: { $0.version == key.version }) else {
        throw VaultError.notAuthentic
      }
      return try vault.openDeviceKey(sealed)
    }
    guard !opened.isEmpty else { return device }
    if let sealKey {
      device.sealedKeys = try SealedKeys.seal(opened, to: sealKey, device.context(hub: hub, ledger: ledger))
    } else {
      for (index, key) in opened.enumerated() {
        device.keys[index].key = key.text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      }
    }
    return device
  }
}

extension HubDevice {
  /// What its keys are sealed with, as the hub says it that opens them.
  public func context(hub: RecordID, ledger: String) -> SealedKeys.Context {
    SealedKeys.Context(
      ledger: ledger, hub: hub, device: device, deviceID: deviceID, generation: generation,
      keys: keys.map { .init(slot: $0.slot, version: $0.version, check: $0.check) })
  }
}
