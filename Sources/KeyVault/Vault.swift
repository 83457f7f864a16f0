import Crypto
public import MusterModel
import Synchronization

/// Keeps the root key and what hangs on it in memory while unsealed, and seals and opens secrets with it. Safe to call
/// from anywhere; each call takes microseconds and blocks on nothing but the others'.
public final class Vault: Sendable, CustomReflectable {
  /// The longest secret, in bytes.
  public static let secretLimit = 64 * 1024

  private let state: Mutex<VaultKeys?>

  /// Sealed.
  public init() { state = Mutex(nil) }

  public var isSealed: Bool { state.withLock { $0 == nil } }

  /// The number of the slot that opened it; nil while it is sealed, and where `init` has it.
  public var openedBy: UInt32? { state.withLock { $0?.openedBy } }

  /// Unseals with a slot's protector. Throws `wrongKey`, or `notAuthentic` where a KEK is not under the slot's root.
  /// Takes as long as scrypt takes, outside of any lock.
  public func unseal(
    _ slot: Slot, with protector: some KeyProtector, keks: [WrappedKEK], macRoot: SealedSecret? = nil
  ) throws(VaultError) {
    try unseal(root: try protector.unwrap(slot), of: slot.number, keks: keks, macRoot: macRoot)
  }

  /// Unseals with the root key itself, as `init` has it.
  public func unseal(root: RootKey, keks: [WrappedKEK]) throws(VaultError) {
    try unseal(root: root, of: nil, keks: keks, macRoot: nil)
  }

  private func unseal(
    root: RootKey, of slot: UInt32?, keks: [WrappedKEK], macRoot: SealedSecret?
  ) throws(VaultError) {
    var keys = try VaultKeys(root: root, keks: keks, macRoot: macRoot)
    keys.openedBy = slot
    try state.withLock { state throws(VaultError) in
      guard state == nil else { throw .alreadyUnsealed }
      state = keys
    }
  }

  /// Lets go of all keys.
  public func seal() { state.withLock { $0 = nil } }

  /// Makes the next KEK and seals with it from here on. What is returned is to be kept before anything sealed is.
  public func addKEK() throws(VaultError) -> WrappedKEK {
    let kek = try newKEK()
    try take(kek)
    return kek
  }

  /// Makes the next KEK, which seals nothing before it is taken.
  public func newKEK() throws(VaultError) -> WrappedKEK {
    try withKeys { keys throws(VaultError) in
      let (number, overflow) = (keys.keks.keys.max() ?? 0).addingReportingOverflow(1)
      guard !overflow else { throw .kekNumbersExhausted }
      return try WrappedKEK(SymmetricKey(SecretBytes.random(count: 32)), number: number, under: keys.root)
    }
  }

  /// Seals with this one from here on, where its number is the highest. Throws `notAuthentic` where it is not under the root.
  public func take(_ kek: WrappedKEK) throws(VaultError) {
    try withKeys { keys throws(VaultError) in keys.keks[kek.number] = try kek.open(under: keys.root) }
  }

  /// Throws `notAuthentic` for one that is not under the root.
  public func check(_ kek: WrappedKEK) throws(VaultError) {
    try withKeys { keys throws(VaultError) in _ = try kek.open(under: keys.root) }
  }

  /// Lets go of a KEK that nothing is under any more; not of the one that seals.
  public func forget(kek number: UInt32) throws(VaultError) {
    try withKeys { keys throws(VaultError) in
      if let newest = keys.keks.keys.max(), number < newest { keys.keks[number] = nil }
    }
  }

  /// Wraps the root for one more protector; blocks as that does.
  public func slot(_ number: UInt32, for protector: some KeyProtector) throws(VaultError) -> Slot {
    try protector.wrap(try withKeys { keys throws(VaultError) in keys.root }, slot: number)
  }

  /// The number of the KEK that seals; nil before the first.
  public var currentKEK: UInt32? {
    get throws(VaultError) { try withKeys { keys throws(VaultError) in keys.keks.keys.max() } }
  }

  /// Lets go of the keys that are open for too long.
  public func sweepOpenedKeys() {
    state.withLock { keys in
      keys?.ringKeys.sweep(at: .now)
      keys?.deviceKeys.sweep(at: .now)
    }
  }

  /// Lets go of a ring's key, where it is open.
  public func forgetRingKey(_ record: RecordID) { state.withLock { $0?.ringKeys.forget(record) } }

  func withKeys<Value: Sendable>(
    _ body: (inout VaultKeys) throws(VaultError) -> Value
  ) throws(VaultError) -> Value {
    try state.withLock { state throws(VaultError) in
      guard var keys = state else { throw .sealed }
      // The one reference is taken out while it is changed, so that nothing is copied.
      state = nil
      defer { state = keys }
      return try body(&keys)
    }
  }

  public var customMirror: Mirror { Mirror(self, children: []) }
}

// MARK: - Secrets

extension Vault {
  /// Seals a secret for one owner, purpose and version: it opens as nothing else's.
  ///
  /// `01 ‖ KEK number (4) ‖ salt (32) ‖ commitment (32) ‖ ciphertext ‖ tag (16)`: AES-256-GCM under HKDF-SHA-256(KEK,
  /// salt, info), nonce zero, AAD = info = "muster/seal/v1" ‖ purpose ‖ owner's ID as text ‖ version (4), each field
  /// but the label with two bytes of length in front.
  public func seal(
    _ secret: SecretBytes, owner: RecordID, purpose: String, version: UInt32
  ) throws(VaultError) -> SealedSecret {
    guard secret.count <= Vault.secretLimit else { throw .tooLarge(bytes: secret.count) }
    let (number, kek) = try withKeys { keys throws(VaultError) in
      guard let number = keys.keks.keys.max(), let kek = keys.keks[number] else { throw .noKEK }
      return (number, kek)
    }
    let info = Vault.info(owner: owner, purpose: purpose, version: version)
    let box = try CommittedBox.seal(secret, under: kek, info: info)
    return SealedSecret(
      owner: owner, purpose: purpose, version: version, bytes: [Vault.recordVersion] + bigEndian(number) + box)
  }

  /// Opens what `seal` sealed. Throws `notAuthentic` alike for whatever is wrong with it.
  public func open(_ sealed: SealedSecret) throws(VaultError) -> SecretBytes {
    let number = Vault.kek(of: sealed.bytes)
    let kek = try withKeys { keys throws(VaultError) in number.flatMap { keys.keks[$0] } }
    return try Vault.open(sealed, under: kek)
  }

  static func open(_ sealed: SealedSecret, under kek: SymmetricKey?) throws(VaultError) -> SecretBytes {
    guard let kek, sealed.bytes.count <= 5 + CommittedBox.overhead + Vault.secretLimit else { throw .notAuthentic }
    let info = Vault.info(owner: sealed.owner, purpose: sealed.purpose, version: sealed.version)
    return try CommittedBox.open(sealed.bytes[5...], under: kek, info: info)
  }

  /// The same secret under the KEK that seals now. Throws `notAuthentic` for what does not open.
  public func rewrap(_ sealed: SealedSecret) throws(VaultError) -> Rewrap {
    let secret = try open(sealed)
    let again = try seal(secret, owner: sealed.owner, purpose: sealed.purpose, version: sealed.version)
    return Rewrap(again, insteadOf: sealed.bytes)
  }

  /// The number of the KEK that sealed bytes say they are under; nil for what has another form.
  public static func kek(of bytes: [UInt8]) -> UInt32? {
    bytes.count >= 5 + CommittedBox.overhead && bytes[0] == recordVersion ? KeyVault.number(bytes[1..<5]) : nil
  }

  private static let recordVersion: UInt8 = 1

  private static func info(owner: RecordID, purpose: String, version: UInt32) -> [UInt8] {
    Array("muster/seal/v1".utf8) + prefixed(purpose.utf8) + prefixed(owner.description.utf8)
      + prefixed(bigEndian(version))
  }
}

// MARK: - Message authentication

extension Vault {
  /// HMAC-SHA-256 under a key of its own per purpose: HKDF-SHA-256(root, no salt, "muster/mac/v1" ‖ purpose), of the vault's
  /// first root: it stays the same when KEKs change, and when the root does.
  public func mac(purpose: String, _ bytes: some Collection<UInt8>) throws(VaultError) -> MusterModel.Digest {
    let key = try macKey(purpose)
    var mac = HMAC<SHA256>(key: key)
    mac.update(data: Array(bytes))
    guard let digest = MusterModel.Digest(bytes: Array(mac.finalize())) else { throw .notAuthentic }
    return digest
  }

  /// How a ticket's code is kept: it can be found again, and not read back.
  public func mac(of code: TicketCode) throws(VaultError) -> MusterModel.Digest {
    let key = try macKey("ticket-code")
    let mac = code.bits.withUnsafeBytes { HMAC<SHA256>.authenticationCode(for: $0, using: key) }
    guard let digest = MusterModel.Digest(bytes: Array(mac)) else { throw .notAuthentic }
    return digest
  }

  /// A key of its own per purpose.
  func macKey(_ purpose: String) throws(VaultError) -> SymmetricKey {
    try withKeys { keys throws(VaultError) in keys.macKey(purpose) }
  }
}
