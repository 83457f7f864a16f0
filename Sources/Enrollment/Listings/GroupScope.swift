public import MusterModel
public import Policy

/// Whose records are shown: all of the instance, or those of some groups. A record in no group is in none of them.
public enum GroupScope: Sendable, Hashable {
  case instance
  case groups([RecordID])

  public init(_ grant: AccessGrant) {
    self = grant.limitedTo.isEmpty ? .instance : .groups(grant.limitedTo)
  }

  public func contains(_ group: RecordID?) -> Bool {
    switch self {
    case .instance: true
    case .groups(let groups): group.map(groups.contains) ?? false
    }
  }
}
