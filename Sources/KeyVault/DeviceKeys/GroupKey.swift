public import MusterModel

/// A group's enrollment key: from it comes the key of each board that may enroll into the group. It authenticates an
/// enrollment and nothing after it.
public struct GroupKey: Sendable {
  /// Under which purpose such keys are sealed; the owner is the key's own record.
  public static let purpose = "group-enrollment-key"
  public static let version: UInt32 = 1
  /// The most that a group has in use: one, and the next while boards with the old one are still in stock.
  public static let limit = 4

  public let record: RecordID
  public let key: DeviceKey
  public let sealed: SealedSecret

  /// What is to be recorded of it.
  public func added(to group: RecordID) -> GroupKeyAdded {
    let check = KeyCheck(of: key.bytes, id: record.description, version: GroupKey.version)
    return GroupKeyAdded(group: group, key: record, check: check.hex)
  }
}

extension Vault {
  public func keep(groupKey key: DeviceKey, as record: RecordID) throws(VaultError) -> GroupKey {
    GroupKey(
      record: record, key: key,
      sealed: try seal(key.bytes, owner: record, purpose: GroupKey.purpose, version: GroupKey.version))
  }

  /// Throws `notAuthentic` for what is no group key of this vault.
  public func openGroupKey(_ sealed: SealedSecret) throws(VaultError) -> DeviceKey {
    guard sealed.purpose == GroupKey.purpose, let key = DeviceKey(try open(sealed)) else { throw .notAuthentic }
    return key
  }
}

/// Boards with a key derived from this one may enroll into the group from here on. Its bytes are sealed.
public struct GroupKeyAdded: EventBody {
  public static let kind = "group-key-added"
  public let group: RecordID
  public let key: RecordID
  /// The key check with the key's record ID as key ID and version 1, in hex.
  public let check: String

  public init(group: RecordID, key: RecordID, check: String) {
    self.group = group
    self.key = key
    self.check = check
  }
}

/// No board enrolls by it any more; its bytes are gone. What enrolled by it stays.
public struct GroupKeyRemoved: EventBody {
  public static let kind = "group-key-removed"
  public let group: RecordID
  public let key: RecordID

  public init(group: RecordID, key: RecordID) {
    self.group = group
    self.key = key
  }
}
