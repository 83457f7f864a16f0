/// What a TPM's key is shown as.
public enum TPMKeyRole: String, Sendable, Hashable, CaseIterable {
  /// Signs what the TPM says of itself, and nothing from outside.
  case attestation
  /// Signs for the device: its requests, its TLS handshakes.
  case device
  /// Decrypts what is meant for this one TPM (TCG EK Credential Profile §B).
  case endorsement
}

/// What a key must be to be taken for its role: one row each of the table in `Docs/attestation.md`. Attributes are those
/// of TPMA_OBJECT (TPM 2.0 Library part 2 §8.3).
public enum TPMKeyRule: String, Sendable, Hashable, CaseIterable {
  case fixedTPM = "tpm-key-not-fixed-tpm"
  case fixedParent = "tpm-key-not-fixed-parent"
  case madeInside = "tpm-key-imported"
  case restricted = "tpm-key-unrestricted"
  case unrestricted = "tpm-key-restricted"
  case signs = "tpm-key-not-signing"
  case doesNotSign = "tpm-key-signing"
  case decrypts = "tpm-key-not-decrypting"
  case doesNotDecrypt = "tpm-key-decrypting"
  case wraps = "tpm-key-not-storage"
  case doesNotWrap = "tpm-key-storage"
  case hasName = "tpm-key-name-algorithm"
  case scheme = "tpm-key-scheme"
  case kind = "tpm-key-kind"

  /// Those of a role, in the order in which they are reported.
  public static func rules(for role: TPMKeyRole) -> [TPMKeyRule] {
    let bound: [TPMKeyRule] = [.fixedTPM, .fixedParent, .madeInside, .hasName, .kind]
    return switch role {
    case .attestation: bound + [.restricted, .signs, .doesNotDecrypt, .doesNotWrap, .scheme]
    case .device: bound + [.unrestricted, .signs, .doesNotDecrypt, .doesNotWrap, .scheme]
    case .endorsement: bound + [.restricted, .doesNotSign, .decrypts, .wraps]
    }
  }

  func holds(for key: TPMPublic, as role: TPMKeyRole) -> Bool {
    switch self {
    case .fixedTPM: key.attributes.contains(.fixedTPM)
    case .fixedParent: key.attributes.contains(.fixedParent) && !key.attributes.contains(.encryptedDuplication)
    case .madeInside: key.attributes.contains(.sensitiveDataOrigin)
    case .restricted: key.attributes.contains(.restricted)
    case .unrestricted: !key.attributes.contains(.restricted)
    case .signs: key.attributes.contains(.sign)
    case .doesNotSign: !key.attributes.contains(.sign)
    case .decrypts: key.attributes.contains(.decrypt)
    case .doesNotDecrypt: !key.attributes.contains(.decrypt)
    case .wraps: key.symmetric?.isAESInCFB == true
    case .doesNotWrap: key.symmetric == nil
    case .hasName: key.nameHash?.isSound == true
    case .kind: TPMVerificationKey(key.key) != nil
    case .scheme: key.hasScheme(for: role)
    }
  }

  /// What was expected of the key.
  public var expected: String {
    switch self {
    case .fixedTPM: "a key that cannot leave its TPM (fixedTPM)"
    case .fixedParent: "a key that cannot be moved under another (fixedParent, no encryptedDuplication)"
    case .madeInside: "a key that was made in the TPM (sensitiveDataOrigin)"
    case .restricted: "a restricted key: one that works on the TPM's own structures alone"
    case .unrestricted: "a key that signs what the device gives it (not restricted)"
    case .signs: "a signing key"
    case .doesNotSign: "a key that signs nothing"
    case .decrypts: "a decryption key"
    case .doesNotDecrypt: "a key that decrypts nothing"
    case .wraps: "a storage key (with AES in CFB mode)"
    case .doesNotWrap: "no storage key (no symmetric algorithm)"
    case .hasName: "a name by SHA-256 or better"
    case .scheme: "RSASSA, RSAPSS or ECDSA with SHA-256 or better"
    case .kind: "a point of P-256 or P-384, or RSA of 2048, 3072 or 4096 bits with the exponent 65537"
    }
  }
}

extension TPMPublic {
  /// An unrestricted key may leave its scheme to each signature; a restricted one is made with one.
  fileprivate func hasScheme(for role: TPMKeyRole) -> Bool {
    guard scheme != nil else { return role == .device }
    guard let (scheme, hash) = signingScheme, hash.isSound else { return false }
    switch key {
    case .rsa: return scheme != .ecdsa
    case .ecc: return scheme == .ecdsa
    }
  }

  /// The rules of the role that the key breaks.
  public func broken(as role: TPMKeyRole) -> [TPMKeyRule] {
    TPMKeyRule.rules(for: role).filter { !$0.holds(for: self, as: role) }
  }
}
