public import MusterModel

/// A version that was made, and its bytes as they may lie on disk.
public struct MadeKeyVersion: Sendable {
  public let record: RecordID
  public let sealed: SealedSecret
  /// What is to be recorded of it.
  public let event: KeyVersionMade
}

extension Vault {
  /// Under which purpose the keys of rings are sealed; the owner is the version's own record.
  public static let ringPurpose = "ring-key"
  /// And under which those of groups were sealed before they were rings.
  public static let groupKeyPurpose = "group-enrollment-key"

  /// Makes a version of a ring, or takes bytes from elsewhere for it. Throws `notAuthentic` for bytes that are no key of the
  /// kind.
  public func makeRingKey(
    _ record: RecordID, of kind: RingKind, ring: RecordID, version: UInt32, imported: SecretBytes? = nil
  ) throws(VaultError) -> MadeKeyVersion {
    let bytes = imported ?? RingKey.random(kind)
    let key = try RingKey(bytes, of: kind, ring: ring, version: version)
    let sealed = try seal(bytes, owner: record, purpose: Vault.ringPurpose, version: version)
    let check = KeyCheck(of: bytes, id: record.description, version: version)
    return MadeKeyVersion(
      record: record, sealed: sealed,
      event: KeyVersionMade(
        ring: ring, version: version, key: record, check: check.hex,
        publicKey: key.publicKey.map(Base64URL.encode), isImported: imported != nil))
  }

  /// Opens a version's key, or finds it opened not long ago. Throws `notAuthentic` for what is none of this vault's.
  public func ringKey(
    _ sealed: SealedSecret, of kind: RingKind, ring: RecordID
  ) throws(VaultError) -> RingKey {
    let isGroups = kind == .groupEnrollment && sealed.purpose == Vault.groupKeyPurpose
    guard sealed.purpose == Vault.ringPurpose || isGroups else { throw .notAuthentic }
    let opened = try withKeys { keys throws(VaultError) in keys.ringKeys.key(sealed.owner) }
    if let opened { return opened }
    let key = try RingKey(try open(sealed), of: kind, ring: ring, version: sealed.version)
    try withKeys { keys throws(VaultError) in keys.ringKeys.keep(key, sealed.owner) }
    return key
  }
}
