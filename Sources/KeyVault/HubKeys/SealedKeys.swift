public import Crypto
import Foundation
public import MusterModel

/// The keys of one device, sealed to its hub: one message of HPKE in base mode (RFC 9180 §5.1.1).
public struct SealedKeys: Codable, Sendable, Hashable {
  /// DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: `kem_id`, `kdf_id`, `aead_id` (RFC 9180 §7).
  public static let suite = "0x0010-0x0001-0x0002"

  public let suite: String
  /// The hub's key that it is sealed to, by its digest in hex.
  public let sealKey: String
  /// The encapsulated key and the ciphertext, in base64.
  public let enc: String
  public let ciphertext: String

  /// What the message is of. Who opens it says it anew: one that was moved to another device, or another hub, opens nowhere.
  public struct Context: Sendable, Hashable {
    /// One key, and what is known of it by everyone.
    public struct Label: Sendable, Hashable {
      public let slot: DeviceKeySlot
      public let version: UInt32
      /// Its key check, in hex.
      public let check: String

      public init(slot: DeviceKeySlot, version: UInt32, check: String) {
        self.slot = slot
        self.version = version
        self.check = check
      }
    }

    /// `<trust domain>/muster/<instance>`
    public let ledger: String
    public let hub: RecordID
    public let device: RecordID
    public let deviceID: DeviceID
    public let generation: UInt64
    public let keys: [Label]

    public init(
      ledger: String, hub: RecordID, device: RecordID, deviceID: DeviceID, generation: UInt64, keys: [Label]
    ) {
      self.ledger = ledger
      self.hub = hub
      self.device = device
      self.deviceID = deviceID
      self.generation = generation
      self.keys = keys
    }

    func info(_ key: SealKey) -> Data { Context.lines(["muster-hub-keys/v1", ledger, "\(hub)", key.digest.hex]) }

    var associated: Data {
      Context.lines(
        ["\(device)", "\(deviceID)", "\(generation)"] + keys.map { "\($0.slot.rawValue) \($0.version) \($0.check)" })
    }

    /// Each ended by a newline, which is in none of them.
    private static func lines(_ lines: [String]) -> Data { Data(lines.map { $0 + "\n" }.joined().utf8) }
  }

  private static let ciphersuite = HPKE.Ciphersuite.P256_SHA256_AES_GCM_256

  /// `keys` in the order of the context's labels.
  public static func seal(_ keys: [DeviceKey], to key: SealKey, _ context: Context) throws -> SealedKeys {
    precondition(keys.count == context.keys.count, "a label for each key")
    var sender = try HPKE.Sender(recipientKey: key.key(), ciphersuite: ciphersuite, info: context.info(key))
    let ciphertext = try joined(keys).withUnsafeBytes { try sender.seal($0, authenticating: context.associated) }
    return SealedKeys(
      suite: suite, sealKey: key.digest.hex, enc: sender.encapsulatedKey.base64EncodedString(),
      ciphertext: ciphertext.base64EncodedString())
  }

  /// In the order of the context's labels; each is held to its key check. Throws `VaultError.notAuthentic`, whatever is wrong.
  public func open(with key: P256.KeyAgreement.PrivateKey, _ context: Context) throws(VaultError) -> [DeviceKey] {
    guard suite == SealedKeys.suite, let enc = Data(base64Encoded: enc),
      let ciphertext = Data(base64Encoded: ciphertext),
      var recipient = try? HPKE.Recipient(
        privateKey: key, ciphersuite: SealedKeys.ciphersuite, info: context.info(SealKey(of: key)),
        encapsulatedKey: enc), var plain = try? recipient.open(ciphertext, authenticating: context.associated)
    else { throw .notAuthentic }
    defer { plain.resetBytes(in: 0..<plain.count) }
    guard let keys = SealedKeys.parted(plain), keys.count == context.keys.count,
      zip(keys, context.keys).allSatisfy({ key, label in
        KeyCheck(of: key.bytes, id: context.device.description, version: label.version).hex == label.check
      })
    else { throw .notAuthentic }
    return keys
  }

  /// Each key behind its length, one byte.
  private static func joined(_ keys: [DeviceKey]) -> SecretBytes {
    SecretBytes(count: keys.reduce(0) { $0 + 1 + $1.bytes.count }) { buffer in
      var place = 0
      for key in keys {
        key.bytes.withUnsafeBytes { bytes in
          buffer[place] = UInt8(bytes.count)
          UnsafeMutableRawBufferPointer(rebasing: buffer[(place + 1)...]).copyMemory(from: bytes)
          place += 1 + bytes.count
        }
      }
    }
  }

  /// nil for what does not end with a key.
  private static func parted(_ plain: Data) -> [DeviceKey]? {
    var keys: [DeviceKey] = []
    var rest = plain[...]
    while let count = rest.popFirst() {
      guard rest.count >= count, let key = DeviceKey(SecretBytes(copying: rest.prefix(Int(count)))) else { return nil }
      keys.append(key)
      rest = rest.dropFirst(Int(count))
    }
    return keys
  }
}
