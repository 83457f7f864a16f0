public import KeyVault
import MusterModel
public import PKCS11Commands

/// A slot whose secret only a token can compute: the slot's salt under an AES key of its own that is found by that salt as
/// its CKA_ID, and that the token does not give away.
public struct PKCS11Protector: KeyProtector {
  private let token: PKCS11Token
  public var kind: SlotKind { .pkcs11 }

  public init(_ token: PKCS11Token) { self.token = token }

  public func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    let salt = Slot.randomSalt()
    let secret = try ask { () throws(KeyKeeperFailure) in
      try token.encrypt(salt, withNewKey: salt, label: "muster vault slot \(number)")
    }
    return try Slot(root, number: number, kind: kind, secret: secret, salt: salt)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey {
    guard slot.kind == kind else { throw .otherProtector(expected: slot.kind, found: kind) }
    let secret = try ask { () throws(KeyKeeperFailure) in try token.encrypt(slot.salt, withKey: slot.salt) }
    return try slot.root(secret: secret, of: kind)
  }

  /// Destroys the key of a slot that was removed: copies of the slot open nothing any more.
  public func forget(_ slot: Slot) throws(VaultError) {
    try ask { () throws(KeyKeeperFailure) in try token.destroySecretKey(id: slot.salt) }
  }

  private func ask<Value>(_ body: () throws(KeyKeeperFailure) -> Value) throws(VaultError) -> Value {
    do { return try body() } catch { throw .keeper(error) }
  }
}
