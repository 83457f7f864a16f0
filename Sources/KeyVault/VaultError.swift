public import MusterModel

/// Why the vault did not do what it was asked. No case holds or describes a secret.
public enum VaultError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The root key is not in memory: an operator must unseal.
  case sealed
  case alreadyUnsealed
  /// A sealed record, KEK or root key did not open. Which of its parts was wrong is not told.
  case notAuthentic
  /// The passphrase, recovery code or file key is not the slot's.
  case wrongKey
  /// The protector is of another kind than the slot.
  case otherProtector(expected: SlotKind, found: SlotKind)
  case malformedSlot(String)
  case malformedKEK(String)
  case malformedOfflineRoot(String)
  /// The parameters of scrypt are outside of what this program will compute.
  case parameters(ScryptParameters)
  case noKEK
  case kekNumbersExhausted
  case tooLarge(bytes: Int)
  case passphraseLength(bytes: Int)
  case fileKeyLength(bytes: Int)
  /// So many shares do not make a slot.
  case quorum(needed: Int, count: Int)
  /// A secret could not be split into shares.
  case sharing
  /// A share cannot be encrypted to this certificate.
  case officer
  /// The TPM or token that keeps a slot's secret did not give it.
  case keeper(KeyKeeperFailure)

  /// Stable, in kebab-case.
  public var code: String {
    switch self {
    case .sealed: "vault-sealed"
    case .alreadyUnsealed: "vault-unsealed"
    case .notAuthentic: "secret-not-authentic"
    case .wrongKey: "vault-wrong-key"
    case .otherProtector: "vault-other-protector"
    case .malformedSlot, .malformedKEK, .malformedOfflineRoot: "vault-malformed"
    case .parameters: "vault-parameters"
    case .noKEK, .kekNumbersExhausted: "vault-no-kek"
    case .tooLarge: "secret-too-large"
    case .passphraseLength: "passphrase-length"
    case .fileKeyLength: "file-key-length"
    case .quorum: "vault-quorum"
    case .sharing: "vault-sharing"
    case .officer: "officer-certificate"
    case .keeper(let failure): failure.code
    }
  }

  public var description: String {
    switch self {
    case .sealed: "expected an unsealed vault, found it sealed: muster vault unseal"
    case .alreadyUnsealed: "expected a sealed vault, found it unsealed"
    case .notAuthentic: "expected what this vault sealed, found something else"
    case .wrongKey: "expected the passphrase, recovery code or file key of this slot, found another"
    case .otherProtector(let expected, let found):
      "expected a protector of kind \(expected.rawValue), found \(found.rawValue)"
    case .malformedSlot(let why): "expected a vault slot, found \(why)"
    case .malformedKEK(let why): "expected a wrapped KEK, found \(why)"
    case .malformedOfflineRoot(let why): "expected a sealed root CA key, found \(why)"
    case .parameters(let found): "expected scrypt with \(ScryptParameters.rule), found \(found)"
    case .noKEK: "expected a current key-encryption key, found none"
    case .kekNumbersExhausted: "expected a free number for a key-encryption key, found none"
    case .tooLarge(let bytes): "expected a secret of at most \(Vault.secretLimit) bytes, found \(bytes)"
    case .passphraseLength(let bytes):
      "expected a passphrase of \(PassphraseProtector.lengths.lowerBound) to "
        + "\(PassphraseProtector.lengths.upperBound) bytes, found \(bytes)"
    case .fileKeyLength(let bytes): "expected a file key of \(FileProtector.keySize) bytes, found \(bytes)"
    case .quorum(let needed, let count):
      "expected 2 to \(Quorum.counts.upperBound) shares of which 2 or more suffice, found \(needed) of \(count)"
    case .sharing: "expected a secret that is split into shares, found no random bytes for it"
    case .officer: "expected the certificate of an RSA or elliptic-curve key in DER, to encrypt to, found another"
    case .keeper(let failure): failure.description
    }
  }
}
