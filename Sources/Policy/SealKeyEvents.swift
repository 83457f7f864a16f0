public import MusterModel

/// From here on the keys of a hub's devices are sealed to this key of it, and to no other.
public struct HubSealKeySet: EventBody {
  public static let kind = "hub-seal-key-set"
  public let hub: RecordID
  /// SubjectPublicKeyInfo of a P-256 key in base64url.
  public let publicKey: String

  public init(hub: RecordID, publicKey: [UInt8]) {
    self.hub = hub
    self.publicKey = Base64URL.encode(publicKey)
  }
}

extension Aggregate {
  /// What changes with a hub's seal key, beside the hub: what is sealed to one that was replaced meanwhile does not leave.
  public static func sealKey(ofHub hub: RecordID) -> Aggregate { .record(RecordID(.key, hub.uuid)) }
}
