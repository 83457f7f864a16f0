public import KeyVault

/// The purposes under which the vault's own records are kept.
public enum VaultSecret {
  public static let slot = "vault-slot"
  public static let kek = "vault-kek"
  /// What codes are kept under, once the root that it came from is gone.
  public static let macRoot = "vault-mac-root"
  public static let signingKey = "signing-key"
  /// What finds a CA's key in a TPM, in a token.
  public static let tpmSigningKey = "tpm-signing-key"
  public static let pkcs11SigningKey = "pkcs11-signing-key"
  public static let responderKey = "ocsp-responder-key"
}

public struct VaultStatus: Codable, Sendable, Hashable {
  public struct Slot: Codable, Sendable, Hashable {
    public let slot: UInt32
    public let protector: SlotKind
    /// What it protects against, named for what it is.
    public let note: String
    /// Of shares: how many there are, how many suffice, and how many were given so far.
    public let shares: UInt8?
    public let needed: UInt8?
    public let given: Int?

    init(_ slot: KeyVault.Slot, given: Int) {
      (self.slot, protector, note) = (slot.number, slot.kind, slot.kind.note)
      (shares, needed) = (slot.quorum?.count, slot.quorum?.needed)
      self.given = slot.quorum.map { _ in given }
    }
  }

  /// What is sealed is brought under the newest key-encryption key.
  public struct Rewrapping: Codable, Sendable, Hashable {
    /// The newest.
    public let kek: UInt32
    /// How many since the service started.
    public let rewrapped: UInt64
    /// How many rows of this pass were looked at: it is over where one finds nothing any more.
    public let passed: UInt64
    /// How many do not open, and keep the older key from going.
    public let unreadable: Int
  }

  public let isSealed: Bool
  public let slots: [Slot]
  /// The key-encryption keys, the last of which seals.
  public let keks: [UInt32]
  /// nil where nothing is under an older one.
  public let rewrapping: Rewrapping?
}

extension SlotKind {
  public var note: String {
    switch self {
    case .file: "beside the database: no protection against who copies the folder"
    case .passphrase: "typed at each start"
    case .recoveryCode: "kept away: opens when all else is lost"
    case .tpm: "in this machine's TPM"
    case .pkcs11: "in a token behind PKCS #11"
    case .shares: "kept by several people: enough of them open it"
    }
  }
}
