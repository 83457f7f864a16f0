import DeviceRegistry
import Foundation
import KeyVault
public import MusterModel
import Policy

// The enrollment keys of groups.

public struct GroupKeyInput: Codable, Sendable, Hashable {
  /// Base64 of 16 to 64 bytes, where it comes from elsewhere; without it one is made.
  public let key: String?
  public init(key: String?) { self.key = key }
}

/// A group's key as it is added: the one time that it is shown.
public struct IssuedGroupKey: Codable, Sendable, Hashable {
  public let record: RecordID
  public let group: RecordName
  public let check: String
  /// Base64.
  public let key: String
}

public struct GroupKeySummary: Codable, Sendable, Hashable {
  public let record: RecordID
  public let check: String
  public let added: Timestamp
}

extension Administration {
  /// Adds a key, made in the vault or given. It is in this answer alone; the database has it sealed.
  public func addGroupKey(
    to group: String, _ input: GroupKeyInput, by caller: Caller
  ) async throws -> Outcome<IssuedGroupKey> {
    var query = FactsQuery()
    do throws(Refusal) { query.group = .name(try parse(name: group)) } catch { return .refused(error) }
    query.groupKeys = true
    let given = input.key.map { text in Data(base64Encoded: text).flatMap { DeviceKey(SecretBytes(copying: $0)) } }
    if case .some(nil) = given { return .refused(.malformed("key", "base64 of 16 to 64 bytes")) }
    let key = (given ?? nil) ?? .random()
    return try await change(.groupKeyAdd, by: caller, asking: query, isSecret: true) { facts, grant, actor, now in
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      guard let group = facts.group, !group.isRemoved else { return .refused(Refusal(.groupUnknown)) }
      guard facts.groupKeys.count < GroupKey.limit else { return .refused(.tooManyGroupKeys) }
      let kept = try instance.vault.keep(groupKey: key, as: RecordID(.key, UUIDv7(at: now)))
      let added = kept.added(to: group.record)
      let event = try Event(at: now, by: actor, on: [.record(group.record)], policy: grant.decidedBy, added)
      let unit = UnitOfWork(
        reads: ReadSet([.record(group.record): group.version]), events: [event], secrets: [kept.sealed])
      let text = key.text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      return .commit(
        unit, IssuedGroupKey(record: kept.record, group: group.name, check: added.check, key: text))
    }
  }

  public func groupKeys(of group: String, for caller: Caller) async throws -> Outcome<[GroupKeySummary]> {
    var query = FactsQuery()
    do throws(Refusal) { query.group = .name(try parse(name: group)) } catch { return .refused(error) }
    query.groupKeys = true
    let facts = try await instance.facts.facts(for: query)
    switch try await grant(.groupKeyList, to: caller, group: facts.group?.record) {
    case .refused(let refusal): return .refused(refusal)
    case .done: break
    }
    guard facts.group != nil else { return .refused(Refusal(.groupUnknown)) }
    return .done(facts.groupKeys.map { GroupKeySummary(record: $0.record, check: $0.check, added: $0.added) })
  }

  /// Removes a key: nothing enrolls by it from the commit on, and its bytes are gone.
  public func removeGroupKey(_ key: String, of group: String, by caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    do throws(Refusal) { query.group = .name(try parse(name: group)) } catch { return .refused(error) }
    query.groupKeys = true
    return try await change(.groupKeyRemove, by: caller, asking: query) { facts, grant, actor, now in
      guard let group = facts.group else { return .refused(Refusal(.groupUnknown)) }
      guard let found = facts.groupKeys.first(where: { $0.record.description == key }) else {
        return .refused(.groupKeyUnknown)
      }
      let event = try Event(
        at: now, by: actor, on: [.record(group.record)], policy: grant.decidedBy,
        GroupKeyRemoved(group: group.record, key: found.record))
      let unit = UnitOfWork(
        reads: ReadSet([.record(group.record): group.version]), events: [event], forgets: [found.record])
      return .commit(unit, found.record)
    }
  }
}

extension Refusal {
  static let tooManyGroupKeys = Refusal(
    .conflict, "too-many-group-keys", "expected fewer than \(GroupKey.limit) keys of the group, found as many")
  static let groupKeyUnknown = Refusal(
    .notFound, "group-key-unknown", "expected a key of the group, found none of that record ID")
}
