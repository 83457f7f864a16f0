import Crypto
public import MusterModel

/// What hangs on the root, under another one that is on no disk yet.
public struct NewRoot: Sendable {
  let root: RootKey
  public let keks: [WrappedKEK]
  public var check: KeyCheck { root.check }

  /// Wraps it where `slot` had the old one, and opens what was written. Throws as wrapping and unwrapping do; blocks.
  public func slot(inPlaceOf slot: Slot, for protector: some KeyProtector) throws(VaultError) -> Slot {
    let new = try Slot(try protector.wrap(root, inPlaceOf: slot).bytes)
    guard try protector.unwrap(new).check == check else { throw .notAuthentic }
    return new
  }
}

extension Vault {
  /// Makes a new root and wraps the KEKs under it. Nothing changes before it is taken.
  public func newRoot() throws(VaultError) -> NewRoot {
    try withKeys { keys throws(VaultError) in
      let root = RootKey.random()
      var keks: [WrappedKEK] = []
      for (number, key) in keys.keks.sorted(by: { $0.key < $1.key }) {
        keks.append(try WrappedKEK(key, number: number, under: root))
      }
      return NewRoot(root: root, keks: keks)
    }
  }

  /// It is on disk: slots that are added hold it from here on.
  public func take(_ new: NewRoot) throws(VaultError) {
    try withKeys { keys throws(VaultError) in keys.root = new.root }
  }

  /// What the codes are kept under, sealed so that it outlives the root that it came from.
  public func sealedMACRoot(owner: RecordID, purpose: String) throws(VaultError) -> SealedSecret {
    let key = try withKeys { keys throws(VaultError) in keys.macRoot }
    return try seal(key.secret, owner: owner, purpose: purpose, version: 1)
  }
}
