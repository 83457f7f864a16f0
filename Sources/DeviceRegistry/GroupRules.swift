public import MusterModel

extension Registry {
  /// Adds a group. `anchors` are the DER certificates of makers whose IDevIDs enroll into it; they are to be the
  /// attachments of the plan's event.
  public static func addGroup(
    _ name: RecordName, profile: String?, hub: RecordID?, trustAnchors: [Digest], at time: Timestamp
  ) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      guard trustAnchors.count <= trustAnchorLimit else { throw .tooManyTrustAnchors(trustAnchors.count) }
      let record = RecordID(.group, UUIDv7(at: time))
      let event = PlannedEvent(
        on: [.record(record)],
        GroupAdded(group: record, profile: profile, hub: hub, trustAnchors: trustAnchors),
        details: .init(name: name))
      return RegistryPlan(record: record, reads: ReadSet(), claims: [.groupName(name)], events: [event])
    }
  }

  /// Removes a group that no device is in. Tickets for it are refused from then on.
  public static func removeGroup(_ group: GroupSnapshot, devices: Int) -> RegistryDecision {
    RegistryDecision { () throws(RegistryRefusal) in
      guard !group.isRemoved else { return nil }
      guard devices == 0 else { throw .groupInUse(group.name) }
      var reads = ReadSet()
      reads.saw(group)
      let event = PlannedEvent(on: [.record(group.record)], GroupRemoved(group: group.record))
      return RegistryPlan(record: group.record, reads: reads, claims: [], events: [event])
    }
  }
}
