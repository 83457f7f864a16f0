import CPKCS11
public import KeyVault
import MusterModel

/// A slot whose secret only a token can compute: the slot's salt under an AES key of its own that is found by that salt as
/// its CKA_ID, and that the token does not give away.
public struct PKCS11Protector: KeyProtector {
  private let token: PKCS11Token
  public var kind: SlotKind { .pkcs11 }

  public init(_ token: PKCS11Token) { self.token = token }

  public func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    let salt = Slot.randomSalt()
    let secret = try ask { (session) throws(PKCS11Fault) in
      try session.encrypt(salt, with: try session.makeSecretKey(id: salt, label: "muster vault slot \(number)"))
    }
    return try Slot(root, number: number, kind: kind, secret: secret, salt: salt)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey {
    guard slot.kind == kind else { throw .otherProtector(expected: slot.kind, found: kind) }
    let secret = try ask { (session) throws(PKCS11Fault) in
      guard let key = try session.key(CKO_SECRET_KEY, id: slot.salt) else { throw .noKey("the vault's key") }
      return try session.encrypt(slot.salt, with: key)
    }
    return try slot.root(secret: secret, of: kind)
  }

  /// Destroys the key of a slot that was removed: copies of the slot open nothing any more.
  public func forget(_ slot: Slot) throws(VaultError) {
    try ask { (session) throws(PKCS11Fault) in
      if let key = try session.key(CKO_SECRET_KEY, id: slot.salt) { try session.destroy(key) }
    }
  }

  private func ask<Value: Sendable>(
    _ body: (PKCS11Session) throws(PKCS11Fault) -> Value
  ) throws(VaultError) -> Value {
    do { return try token.with(body) } catch { throw .keeper(error) }
  }
}
