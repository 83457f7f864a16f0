import Crypto
import MusterModel

/// What an unsealed vault has.
struct VaultKeys: Sendable {
  var root: RootKey
  var keks: [UInt32: SymmetricKey]
  var openedBy: UInt32?
  /// By the version's record.
  var ringKeys = OpenedKeys<RecordID, RingKey>(limit: 256)
  /// By what they were opened from: who has other bytes has another key.
  var deviceKeys = OpenedKeys<SealedSecret, DeviceKey>(limit: 4096)
  /// HKDF's first step of the first root.
  let macRoot: SymmetricKey
  private var macKeys: [String: SymmetricKey] = [:]
  /// Purposes are the program's own words; this only keeps a mistake from growing without end.
  private static let macKeyLimit = 64

  init(root: RootKey, keks wrapped: [WrappedKEK], macRoot sealed: SealedSecret?) throws(VaultError) {
    var keks: [UInt32: SymmetricKey] = [:]
    for kek in wrapped {
      guard keks.updateValue(try kek.open(under: root), forKey: kek.number) == nil else {
        throw .malformedKEK("number \(kek.number) twice")
      }
    }
    (self.root, self.keks) = (root, keks)
    guard let sealed else {
      macRoot = hkdfExtract(root.key)
      return
    }
    let secret = try Vault.open(sealed, under: Vault.kek(of: sealed.bytes).flatMap { keks[$0] })
    guard secret.count == 32 else { throw .notAuthentic }
    macRoot = SymmetricKey(secret)
  }

  mutating func macKey(_ purpose: String) -> SymmetricKey {
    if let key = macKeys[purpose] { return key }
    let key = hkdfExpand(macRoot, info: Array("muster/mac/v1".utf8) + Array(purpose.utf8))
    if macKeys.count < VaultKeys.macKeyLimit { macKeys[purpose] = key }
    return key
  }
}
