/// What the keys of a ring are for: one algorithm and no other (NIST SP 800-57 part 1 §5.2).
public enum RingKind: String, Codable, Sendable, CaseIterable {
  /// Authenticated encryption, data keys and derivation. The key itself only ever goes into HKDF.
  case aes256GCM = "aes256-gcm"
  /// Message authentication (FIPS 198-1).
  case hmacSHA256 = "hmac-sha256"
  /// ECDSA with SHA-256 (FIPS 186-5).
  case p256
  /// EdDSA (RFC 8032).
  case ed25519
  /// A group's enrollment key: from it comes the key of each board that may enroll into the group.
  case groupEnrollment = "group-enrollment"

  public var uses: Set<RingUse> {
    switch self {
    case .aes256GCM: [.encrypt, .decrypt, .rewrap, .derive, .dataKey]
    case .hmacSHA256: [.mac, .verify]
    case .p256, .ed25519: [.sign, .verify]
    case .groupEnrollment: [.derive]
    }
  }

  /// How often a version may protect something: for AES-GCM, of which a key takes 2³² nonces at the most (NIST SP 800-38D
  /// §8.3). Each ciphertext here has a key of its own, derived with 256 random bits; the bound is kept all the same.
  public var protectionLimit: UInt64? { self == .aes256GCM ? 1 << 32 : nil }

  /// Whether a ring of it must be a group's.
  public var needsGroup: Bool { self == .groupEnrollment }
}

/// What is done with a version of a ring.
public enum RingUse: String, Codable, Sendable, CaseIterable {
  case encrypt, decrypt
  /// Opens for the newest version to seal again; nobody sees what was in it.
  case rewrap
  case mac, verify, sign, derive
  /// A fresh key, in the clear and encrypted.
  case dataKey = "data-key"

  /// Whether it applies protection, as the newest version alone does.
  public var protects: Bool {
    switch self {
    case .encrypt, .mac, .sign, .dataKey: true
    case .decrypt, .rewrap, .verify, .derive: false
    }
  }
}
