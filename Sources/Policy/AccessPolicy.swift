public import MusterModel

/// The right to one operation: it exists only after `access.yaml` said yes.
public struct AccessGrant: Sendable, Hashable {
  public let principal: Principal
  public let operation: Operation
  public let decidedBy: PolicyReference
  /// What a listing is to be limited to; empty for no limit.
  public let limitedTo: [RecordID]

  init(principal: Principal, operation: Operation, decidedBy: PolicyReference, limitedTo: [RecordID]) {
    self.principal = principal
    self.operation = operation
    self.decidedBy = decidedBy
    self.limitedTo = limitedTo
  }
}

public enum AccessDecision: Sendable, Hashable {
  case allowed(AccessGrant)
  case refused(PolicyReference, reason: AccessRefusal)
}

/// Why an operation is not allowed.
public enum AccessRefusal: Sendable, Hashable, CustomStringConvertible {
  case notListed(AccessList, Operation)
  /// Limited to groups, and the operation concerns the whole instance.
  case limitedToGroups(Operation)
  /// Limited to groups, and the record is in none of them.
  case otherGroup(Operation)
  /// Listed for key rings by name, and it is none of them.
  case otherRing(AccessList, Operation)

  /// Stable, in kebab-case. A group that one may not see is not told from one that is not there: that is the caller's
  /// to observe where it answers 404.
  public var code: String {
    switch self {
    case .notListed: "not-allowed"
    case .limitedToGroups, .otherGroup: "not-allowed-in-group"
    case .otherRing: "not-allowed-for-key"
    }
  }

  public var description: String {
    switch self {
    case .notListed(let list, let operation):
      "expected \(operation.rawValue) on the list of \(list) in access.yaml, found it absent"
    case .limitedToGroups(let operation):
      "expected an operator without a limit to groups for \(operation.rawValue), found one with"
    case .otherGroup(let operation):
      "expected a record of the operator's groups for \(operation.rawValue), found another"
    case .otherRing(let list, let operation):
      "expected a key ring that access.yaml names for \(operation.rawValue) of \(list), found another"
    }
  }
}

/// Which key rings a list lets an operation be done with.
enum AllowedRings: Sendable, Hashable {
  case all
  /// By their folded names.
  case named(Set<String>)
}

/// Who may do what: `access.yaml`, read. What it does not list is refused.
public struct AccessPolicy: Sendable, Hashable {
  let lists: [AccessList: [Operation: AllowedRings]]
  let digest: Digest

  /// `group` is the group of the record that the operation concerns, nil where it is in none; `ring` the key ring, nil where
  /// it concerns none.
  public func decide(
    _ principal: Principal, _ operation: Operation, group: RecordID?, ring: RecordName? = nil
  ) -> AccessDecision {
    let reason = refusal(principal.list, limitedTo: principal.groups, operation, group: group, ring: ring)
    return decision(principal, operation, reason)
  }

  /// Whether the principal may do it to something at all: for what says nothing of any record.
  public func decideAtAll(_ principal: Principal, _ operation: Operation) -> AccessDecision {
    let isListed = lists[principal.list]?[operation] != nil
    return decision(principal, operation, isListed ? nil : .notListed(principal.list, operation))
  }

  private func decision(_ principal: Principal, _ operation: Operation, _ reason: AccessRefusal?) -> AccessDecision {
    let reference = reference(principal.list)
    if let reason { return .refused(reference, reason: reason) }
    return .allowed(
      AccessGrant(principal: principal, operation: operation, decidedBy: reference, limitedTo: principal.groups))
  }

  private func reference(_ list: AccessList) -> PolicyReference {
    PolicyReference(digest: digest, rule: "access.yaml: \(list)")
  }

  private func refusal(
    _ list: AccessList, limitedTo groups: [RecordID], _ operation: Operation, group: RecordID?, ring: RecordName?
  ) -> AccessRefusal? {
    guard let rings = lists[list]?[operation] else { return .notListed(list, operation) }
    if case .named(let names) = rings {
      guard let ring, names.contains(ring.folded) else { return .otherRing(list, operation) }
    }
    if !groups.isEmpty {
      switch operation.scope {
      case .open, .listing, .assigned: break
      case .instance: return .limitedToGroups(operation)
      case .group:
        guard let group, groups.contains(group) else { return .otherGroup(operation) }
      }
    }
    return nil
  }

  /// The decision and its reason in words, for `policy explain`.
  public func explain(
    _ principal: Principal, _ operation: Operation, group: RecordID?, ring: RecordName? = nil
  ) -> Explanation {
    explain(principal.list, limitedTo: principal.groups, operation, group: group, ring: ring)
  }

  /// The same of someone who is described: it gives no right.
  public func explain(
    _ list: AccessList, limitedTo groups: [RecordID], _ operation: Operation, group: RecordID?, ring: RecordName? = nil
  ) -> Explanation {
    let rule = reference(list).rule
    if let reason = refusal(list, limitedTo: groups, operation, group: group, ring: ring) {
      return Explanation(outcome: "refused", rule: rule, because: [reason.description] + named(list, operation))
    }
    return Explanation(
      outcome: "allowed", rule: rule,
      because: ["access.yaml lists \(operation.rawValue) for \(list)"] + named(list, operation)
        + limits(operation, groups, group))
  }

  private func named(_ list: AccessList, _ operation: Operation) -> [String] {
    guard case .named(let names)? = lists[list]?[operation] else { return [] }
    return ["for the key rings \(names.sorted().joined(separator: ", ")) alone"]
  }

  private func limits(_ operation: Operation, _ groups: [RecordID], _ group: RecordID?) -> [String] {
    guard !groups.isEmpty else { return [] }
    switch operation.scope {
    case .group: return group.map { ["\($0) is one of the groups that the principal is limited to"] } ?? []
    case .listing: return ["the listing is limited to \(groups.count) groups"]
    case .instance, .assigned, .open: return []
    }
  }
}

/// A decision in words.
public struct Explanation: Sendable, Hashable, Codable {
  public let outcome: String
  public let rule: String
  public let because: [String]

  public init(outcome: String, rule: String, because: [String]) {
    self.outcome = outcome
    self.rule = rule
    self.because = because
  }

  /// The same, with `reason` said first.
  public func after(_ reason: String?) -> Explanation {
    Explanation(outcome: outcome, rule: rule, because: (reason.map { [$0] } ?? []) + because)
  }
}
