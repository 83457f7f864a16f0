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
    if let refusal = refusal(of: anchors) { return .refused(refusal) }
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

  /// An anchor that no chain can end at would be a group that lets nobody in; our own CA's, one that takes every
  /// certificate that we gave a device for its maker's.
  private func refusal(of anchors: [[UInt8]]) -> Refusal? {
    for der in anchors {
      switch TrustAnchor.parse(der) {
      case .failure(let refusal): return Refusal(.invalid, refusal.code, refusal.description)
      case .success(let anchor): if instance.authorities.isOwn(anchor.key) { return .ownAnchor }
      }
    }
    return nil
  }

  public func removeGroup(_ name: String, by caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    do throws(Refusal) { query.group = .name(try parse(name: name)) } catch { return .refused(error) }
    query.groupDevices = true
    return try await change(.groupRemove, by: caller, asking: query) { facts, grant, actor, now in
      guard let group = facts.group, !group.isRemoved else { return .refused(Refusal(.groupUnknown)) }
      return try Registry.removeGroup(group, devices: facts.groupDevices)
        .change(at: now, by: actor, policy: grant.decidedBy) { _ in group.record }
    }
  }
}

extension Refusal {
  static let ownAnchor = Refusal(
    .invalid, "trust-anchor-own", "expected the certificate of a maker's CA, found one of this instance's own")
  static let hubUnknown = Refusal(.notFound, "hub-unknown", "expected a hub that exists, found none of that name")
}
