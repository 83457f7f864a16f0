import CPKCS11
package import MusterModel

/// What a token does with keys that were made in it and cannot leave it, each found by its CKA_ID. Each call blocks.
extension PKCS11Token {
  /// The P-256 key pair of that ID, made where there is none: its point, 65 bytes (SEC 1 §2.3.3, uncompressed).
  package func signingKey(id: [UInt8], label: String) throws(KeyKeeperFailure) -> [UInt8] {
    try with { (session) throws(PKCS11Fault) in
      if let point = try session.point(id: id) { return point }
      // One part of two is what a break left.
      try PKCS11Token.destroySigningKey(id, session)
      return try session.makeSigningKey(id: id, label: label)
    }
  }

  /// ECDSA over a SHA-256 digest: r and s, each of 32 bytes.
  package func sign(_ digest: [UInt8], withKey id: [UInt8]) throws(KeyKeeperFailure) -> [UInt8] {
    try with { (session) throws(PKCS11Fault) in
      guard let key = try session.key(CKO_PRIVATE_KEY, id: id) else { throw .noKey }
      return try session.sign(digest, with: key)
    }
  }

  /// Destroys both parts, where they are there.
  package func destroySigningKey(id: [UInt8]) throws(KeyKeeperFailure) {
    try with { (session) throws(PKCS11Fault) in try PKCS11Token.destroySigningKey(id, session) }
  }

  private static func destroySigningKey(_ id: [UInt8], _ session: PKCS11Session) throws(PKCS11Fault) {
    for keyClass in [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY] {
      if let key = try session.key(keyClass, id: id) { try session.destroy(key) }
    }
  }

  /// Makes an AES-256 key and encrypts with it: `encrypt`.
  package func encrypt(
    _ bytes: [UInt8], withNewKey id: [UInt8], label: String
  ) throws(KeyKeeperFailure) -> SecretBytes {
    try with { (session) throws(PKCS11Fault) in
      try session.encrypt(bytes, with: try session.makeSecretKey(id: id, label: label))
    }
  }

  /// AES-CBC without padding, from a block of zeros on: of random bytes, what only the token can compute.
  package func encrypt(_ bytes: [UInt8], withKey id: [UInt8]) throws(KeyKeeperFailure) -> SecretBytes {
    try with { (session) throws(PKCS11Fault) in
      guard let key = try session.key(CKO_SECRET_KEY, id: id) else { throw .noKey }
      return try session.encrypt(bytes, with: key)
    }
  }

  /// Destroys the AES key, where it is there.
  package func destroySecretKey(id: [UInt8]) throws(KeyKeeperFailure) {
    try with { (session) throws(PKCS11Fault) in
      if let key = try session.key(CKO_SECRET_KEY, id: id) { try session.destroy(key) }
    }
  }
}
