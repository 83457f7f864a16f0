import Crypto
public import MusterModel

/// Wraps and unwraps the root key.
public protocol KeyProtector: Sendable {
  var kind: SlotKind { get }
  func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot
  /// Throws `wrongKey` where the slot is not this protector's, and `keeper` where what keeps its secret, a TPM or a token,
  /// does not give it. Blocks for as long as that takes.
  func unwrap(_ slot: Slot) throws(VaultError) -> RootKey
  /// Wraps another root in the place of a slot that this protector opens, with the slot's number and under its conditions.
  func wrap(_ root: RootKey, inPlaceOf slot: Slot) throws(VaultError) -> Slot
}

extension KeyProtector {
  public func wrap(_ root: RootKey, inPlaceOf slot: Slot) throws(VaultError) -> Slot {
    try wrap(root, slot: slot.number)
  }
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
    try Slot(root, number: number, kind: kind, secret: key)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey { try slot.root(secret: key, of: kind) }
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
    try Slot(root, number: number, kind: kind, stretching: passphrase)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey { try slot.root(stretching: passphrase, of: kind) }
}

/// The recovery code that `init` showed once.
public struct RecoveryCodeProtector: KeyProtector {
  private let code: RecoveryCode
  public var kind: SlotKind { .recoveryCode }

  public init(_ code: RecoveryCode) { self.code = code }

  public func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    try Slot(root, number: number, kind: kind, stretching: code.bits)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey { try slot.root(stretching: code.bits, of: kind) }
}

// MARK: - What the protectors share

extension Slot {
  /// The root under a secret that is nowhere else: a file's key, what a TPM or a token keeps, or what shares give. `salt` is
  /// random bytes, and `reference` what finds the secret again.
  public init(
    _ root: RootKey, number: UInt32, kind: SlotKind, secret: SecretBytes, quorum: Quorum? = nil,
    salt: [UInt8] = Slot.randomSalt(), reference: [UInt8] = []
  ) throws(VaultError) {
    let header = Header(kind: kind, number: number, quorum: quorum, salt: salt)
    try self.init(root, header, SymmetricKey(secret), reference: reference)
  }

  /// Throws `wrongKey` for another secret, `otherProtector` for a slot of another kind.
  public func root(secret: SecretBytes, of kind: SlotKind) throws(VaultError) -> RootKey {
    try root(SymmetricKey(secret), of: kind)
  }

  fileprivate init(
    _ root: RootKey, number: UInt32, kind: SlotKind, stretching secret: SecretBytes
  ) throws(VaultError) {
    let header = Header(kind: kind, number: number, scrypt: .standard)
    try self.init(root, header, try KeyVault.scrypt(secret, salt: header.salt, .standard))
  }

  fileprivate func root(stretching secret: SecretBytes, of kind: SlotKind) throws(VaultError) -> RootKey {
    guard kind == self.kind, let scrypt else { throw .otherProtector(expected: self.kind, found: kind) }
    return try root(try KeyVault.scrypt(secret, salt: salt, scrypt), of: kind)
  }

  private init(
    _ root: RootKey, _ header: Header, _ secret: SymmetricKey, reference: [UInt8] = []
  ) throws(VaultError) {
    let wrapped = try KeyVault.wrap(root.key, under: header.wrappingKey(secret))
    self.init(header, wrapped: wrapped, check: root.check, reference: reference)
  }

  private func root(_ secret: SymmetricKey, of kind: SlotKind) throws(VaultError) -> RootKey {
    guard kind == self.kind else { throw .otherProtector(expected: self.kind, found: kind) }
    guard let root = RootKey(wrapped: wrapped, under: header.wrappingKey(secret), check: check) else {
      throw .wrongKey
    }
    return root
  }
}

extension Slot.Header {
  /// The label names the kind: who learns one key from a recovery code does not learn the root CA's, or another slot's.
  fileprivate func wrappingKey(_ secret: SymmetricKey) -> SymmetricKey {
    hkdf(secret, salt: salt, info: Array("muster/slot/\(kind.rawValue)/v1".utf8) + bound)
  }
}
