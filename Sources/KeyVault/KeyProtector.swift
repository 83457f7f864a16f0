import Crypto
public import MusterModel

/// Wraps and unwraps the root key.
public protocol KeyProtector: Sendable {
  var kind: SlotKind { get }
  func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot
  /// Throws `wrongKey` where the slot is not this protector's.
  func unwrap(_ slot: Slot) throws(VaultError) -> RootKey
}

/// A file of 32 random bytes beside the database: a vault that unseals itself. Reading and writing it is the caller's.
public struct FileProtector: KeyProtector {
  public static let keySize = 32
  public let key: SecretBytes
  public var kind: SlotKind { .file }

  /// Throws `fileKeyLength` for anything but 32 bytes.
  public init(key: SecretBytes) throws(VaultError) {
    guard key.count == FileProtector.keySize else { throw .fileKeyLength(bytes: key.count) }
    self.key = key
  }

  private init(random: Void) { key = SecretBytes.random(count: FileProtector.keySize) }

  public static func random() -> FileProtector { FileProtector(random: ()) }

  public func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    try Slot(root, Slot.Header(kind: kind, number: number, scrypt: nil), SymmetricKey(key), label: label)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey {
    try slot.root(SymmetricKey(key), of: kind, label: label)
  }

  private var label: String { "muster/slot/file/v1" }
}

/// A passphrase that an operator types: a vault that starts sealed.
public struct PassphraseProtector: KeyProtector {
  /// In bytes of UTF-8.
  public static let lengths = 8...1024
  private let passphrase: SecretBytes
  public var kind: SlotKind { .passphrase }

  /// The bytes as they are, a line's end taken off by the caller. Throws `passphraseLength`.
  public init(_ passphrase: SecretBytes) throws(VaultError) {
    guard PassphraseProtector.lengths.contains(passphrase.count) else {
      throw .passphraseLength(bytes: passphrase.count)
    }
    self.passphrase = passphrase
  }

  public func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    try Slot(root, number: number, kind: kind, stretching: passphrase, label: label)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey {
    try slot.root(stretching: passphrase, of: kind, label: label)
  }

  private var label: String { "muster/slot/passphrase/v1" }
}

/// The recovery code that `init` showed once.
public struct RecoveryCodeProtector: KeyProtector {
  private let code: RecoveryCode
  public var kind: SlotKind { .recoveryCode }

  public init(_ code: RecoveryCode) { self.code = code }

  public func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    try Slot(root, number: number, kind: kind, stretching: code.bits, label: label)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey {
    try slot.root(stretching: code.bits, of: kind, label: label)
  }

  /// Another than the root CA's: who learns one key from the code does not learn the other.
  private var label: String { "muster/slot/recovery-code/v1" }
}

// MARK: - What the protectors share

extension Slot {
  fileprivate init(
    _ root: RootKey, _ header: Header, _ secret: SymmetricKey, label: String
  ) throws(VaultError) {
    let key = Slot.wrappingKey(secret, header, label: label)
    self.init(header, wrapped: try KeyVault.wrap(root.key, under: key), check: root.check)
  }

  fileprivate init(
    _ root: RootKey, number: UInt32, kind: SlotKind, stretching secret: SecretBytes, label: String
  ) throws(VaultError) {
    let header = Header(kind: kind, number: number, scrypt: .standard)
    try self.init(root, header, try KeyVault.scrypt(secret, salt: header.salt, .standard), label: label)
  }

  fileprivate func root(_ secret: SymmetricKey, of kind: SlotKind, label: String) throws(VaultError) -> RootKey {
    guard kind == self.kind else { throw .otherProtector(expected: self.kind, found: kind) }
    let key = Slot.wrappingKey(secret, header, label: label)
    guard let root = RootKey(wrapped: wrapped, under: key, check: check) else { throw .wrongKey }
    return root
  }

  fileprivate func root(
    stretching secret: SecretBytes, of kind: SlotKind, label: String
  ) throws(VaultError) -> RootKey {
    guard kind == self.kind, let scrypt else { throw .otherProtector(expected: self.kind, found: kind) }
    return try root(try KeyVault.scrypt(secret, salt: salt, scrypt), of: kind, label: label)
  }

  private static func wrappingKey(_ secret: SymmetricKey, _ header: Header, label: String) -> SymmetricKey {
    hkdf(secret, salt: header.salt, info: Array(label.utf8) + header.bound)
  }
}
