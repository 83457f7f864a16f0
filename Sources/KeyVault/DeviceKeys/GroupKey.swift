public import MusterModel

// Enrollment keys of groups as they were before they were key rings: what ledgers of then hold. None is made any more; each
// is a ring with one version, under the name of its record.

/// Boards with a key derived from this one may enroll into the group from here on. Its bytes are sealed.
public struct GroupKeyAdded: EventBody {
  public static let kind = "group-key-added"
  /// The key's version as a ring's.
  public static let version: UInt32 = 1
  public let group: RecordID
  public let key: RecordID
  /// The key check with the key's record ID as key ID and version 1, in hex.
  public let check: String
}

/// No board enrolls by it any more; its bytes are gone. What enrolled by it stays.
public struct GroupKeyRemoved: EventBody {
  public static let kind = "group-key-removed"
  public let group: RecordID
  public let key: RecordID
}
