public import MusterModel

/// A key-encryption key came to be; its wrapped bytes are no part of the ledger.
public struct KEKCreated: EventBody {
  public static let kind = "kek-created"
  public let kek: UInt32
  /// First 16 bytes of HMAC-SHA-256(key, "muster/key-check/v1" ‖ key ID ‖ version), in hex.
  public let check: String
  public init(kek: UInt32, check: String) {
    self.kek = kek
    self.check = check
  }
}

/// Nothing is sealed under a KEK any more; its wrapped bytes are gone.
public struct KEKRetired: EventBody {
  public static let kind = "kek-retired"
  public let kek: UInt32
  public init(kek: UInt32) { self.kek = kek }
}

/// Another root holds the key-encryption keys; the slots that stay hold it, and the old one's bytes are gone.
public struct VaultRekeyed: EventBody {
  public static let kind = "vault-rekeyed"
  /// The new root's key check, in hex.
  public let check: String
  public init(check: String) { self.check = check }
}

public enum SlotKind: String, Codable, Sendable, CaseIterable {
  case file, passphrase
  case recoveryCode = "recovery-code"
  case tpm, pkcs11, shares
}

/// A slot holds the root key.
public struct SlotAdded: EventBody {
  public static let kind = "slot-added"
  public let slot: UInt32
  public let protector: SlotKind
  public init(slot: UInt32, protector: SlotKind) {
    self.slot = slot
    self.protector = protector
  }
}

/// A slot holds the root key no more; its bytes are gone.
public struct SlotRemoved: EventBody {
  public static let kind = "slot-removed"
  public let slot: UInt32
  public init(slot: UInt32) { self.slot = slot }
}

public struct VaultUnsealed: EventBody {
  public static let kind = "vault-unsealed"
  public static let changesRecords = false
  public let protector: SlotKind
  public init(protector: SlotKind) { self.protector = protector }
}

/// One of the shares that open a slot together was given to the running service, while it is sealed. Nothing opens by it yet.
public struct VaultShareGiven: EventBody {
  public static let kind = "vault-share-given"
  public static let changesRecords = false
  public let slot: UInt32
  public let share: UInt8
  public init(slot: UInt32, share: UInt8) {
    self.slot = slot
    self.share = share
  }
}

public struct VaultSealed: EventBody {
  public static let kind = "vault-sealed"
  public init() {}
}
