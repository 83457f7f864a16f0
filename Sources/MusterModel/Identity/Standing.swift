/// What the registry says of a hardware ID.
public enum Standing: Hashable, Sendable {
  case unknown
  case allowed(group: RecordID?)
  case bound(device: RecordID)
  case blocked
}

/// How well a hardware ID of a board is known.
public enum Assurance: String, Sendable, Codable, Comparable {
  /// An operator says it.
  case asserted
  /// The device says it.
  case claimed
  /// Evidence proves it.
  case proved

  private var rank: Int {
    switch self {
    case .asserted: 0
    case .claimed: 1
    case .proved: 2
    }
  }

  public static func < (left: Assurance, right: Assurance) -> Bool { left.rank < right.rank }
}
