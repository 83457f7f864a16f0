import Attestation
import DeviceRegistry
import Foundation
public import MusterModel
import Policy

// Groups.

extension Administration {
  /// Makes a group. `anchors` are the DER of its trust anchors, read from PEM by the caller's edge.
  public func addGroup(_ input: GroupInput, anchors: [[UInt8]], by caller: Caller) async throws -> Outcome<GroupSummary>
  {
    var query = FactsQuery()
    let name: RecordName
    do throws(Refusal) {
      name = try parse(name: input.name)
      query.group = .name(name)
      if let hub = input.hub { query.hubName = try parse(name: hub) }
    } catch {
      return .refused(error)
    }
    if let profile = input.profile, instance.authorities.profiles[profile] == nil {
      let known = instance.authorities.profiles.names.joined(separator: ", ")
      return .refused(Refusal(.invalid, "profile-unknown", "expected a profile of \(known), found \(excerpt(profile))"))
    }
    return try await change(.groupAdd, by: caller, asking: query) { facts, grant, actor, now in
      if input.hub != nil, facts.hub == nil { return .refused(.hubUnknown) }
      if facts.group.map({ !$0.isRemoved }) == true { return .refused(Refusal(.groupNameTaken(name))) }
      let attachments = anchors.map(Attachment.init)
      let decision = Registry.addGroup(
        name, profile: input.profile, hub: facts.hub?.record, trustAnchors: attachments.map(\.digest), at: now)
      return try decision.change(at: now, by: actor, policy: grant.decidedBy, attachments: attachments) { record in
        GroupSummary(
          record: record ?? RecordID(.group, UUIDv7(at: now)), name: name, profile: input.profile,
          hub: facts.hub?.name, trustAnchors: attachments.map(\.digest), devices: 0)
      }
    }
  }

  public func removeGroup(_ name: String, by caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    do throws(Refusal) { query.group = .name(try parse(name: name)) } catch { return .refused(error) }
    return try await change(.groupRemove, by: caller, asking: query) { facts, grant, actor, now in
      guard let group = facts.group, !group.isRemoved else { return .refused(Refusal(.groupUnknown)) }
      return try Registry.removeGroup(group, devices: facts.groupDevices)
        .change(at: now, by: actor, policy: grant.decidedBy) { _ in group.record }
    }
  }
}

extension Refusal {
  static let hubUnknown = Refusal(.notFound, "hub-unknown", "expected a hub that exists, found none of that name")
}
