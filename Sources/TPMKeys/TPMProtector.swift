import Crypto
public import KeyVault
import MusterModel
public import TPMCommands

/// A slot whose secret a TPM gives only under a policy: that the machine measured what it did when the slot was made, or a
/// PIN, or both.
public struct TPMProtector: KeyProtector {
  private let keeper: TPMKeeper
  private let policy: TPMSealPolicy?
  public var kind: SlotKind { .tpm }

  /// `policy` is that of slots that are made, nil where none is; a slot that is opened says its own.
  public init(_ keeper: TPMKeeper, policy: TPMSealPolicy?) {
    self.keeper = keeper
    self.policy = policy
  }

  public func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    guard let policy else {
      throw .keeper(KeyKeeperFailure(.refused, "expected --tpm to say under what the TPM seals, found nothing"))
    }
    let secret = SecretBytes.random(count: 32)
    let blob = try asked(policy) { (tpm, pin) throws(TPMFailure) in
      try tpm.seal(secret, under: try tpm.storageKey(), policy, pin.map(TPMProtector.authorization))
    }
    return try Slot(
      root, number: number, kind: kind, secret: secret,
      reference: policy.bytes + blob.privatePart + blob.publicArea)
  }

  /// Under the slot's own policy.
  public func wrap(_ root: RootKey, inPlaceOf slot: Slot) throws(VaultError) -> Slot {
    guard let policy = TPMSealPolicy(bytes: slot.reference.prefix(TPMSealPolicy.size)) else {
      throw .malformedSlot("no sealed object of a TPM")
    }
    return try TPMProtector(keeper, policy: policy).wrap(root, slot: slot.number)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey {
    guard slot.kind == kind else { throw .otherProtector(expected: slot.kind, found: kind) }
    guard let policy = TPMSealPolicy(bytes: slot.reference.prefix(TPMSealPolicy.size)),
      let blob = TPMKeyBlob(Array(slot.reference.dropFirst(TPMSealPolicy.size)))
    else { throw .malformedSlot("no sealed object of a TPM") }
    let secret = try asked(policy) { (tpm, pin) throws(TPMFailure) in
      try tpm.unseal(
        try tpm.load(blob, under: try tpm.storageKey()), policy, pin.map(TPMProtector.authorization))
    }
    return try slot.root(secret: secret, of: kind)
  }

  private func asked<Value: Sendable>(
    _ policy: TPMSealPolicy, _ body: (TPMConnection, SecretBytes?) throws(TPMFailure) -> Value
  ) throws(VaultError) -> Value {
    do {
      guard policy.asksPIN else { return try keeper.with { (tpm) throws(TPMFailure) in try body(tpm, nil) } }
      return try keeper.withPIN { (tpm, pin) throws(TPMFailure) in try body(tpm, pin) }
    } catch {
      throw .keeper(error)
    }
  }

  /// A TPM's authorisation is no longer than its digests: the PIN's SHA-256.
  private static func authorization(_ pin: SecretBytes) -> [UInt8] {
    pin.withUnsafeBytes { bytes in
      var hash = SHA256()
      hash.update(bufferPointer: bytes)
      return Array(hash.finalize())
    }
  }
}
