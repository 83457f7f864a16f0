public import MusterModel

/// The policies and profiles in force from here on. The files are attachments.
public struct PoliciesActivated: EventBody {
  public static let kind = "policies-activated"
  public struct File: Codable, Hashable, Sendable {
    /// `policies/enrollment.yaml`, `profiles/device.yaml`, …
    public let name: String
    public let digest: Digest
    public init(name: String, digest: Digest) {
      self.name = name
      self.digest = digest
    }
  }
  public let files: [File]
  public init(files: [File]) { self.files = files }
}

/// An operator may act. The certificate that the same unit of work issued is a `CertificateIssued` beside it.
public struct OperatorAdded: EventBody {
  public static let kind = "operator-added"
  public let `operator`: RecordID
  public let role: Role
  /// The groups the operator is limited to; empty for no limit.
  public let groups: [RecordID]

  public struct Details: Codable, Hashable, Sendable {
    public let name: RecordName
    public init(name: RecordName) { self.name = name }
  }

  public init(operator id: RecordID, role: Role, groups: [RecordID]) {
    self.operator = id
    self.role = role
    self.groups = groups
  }
}

public struct OperatorRemoved: EventBody {
  public static let kind = "operator-removed"
  public let `operator`: RecordID
  public init(operator id: RecordID) { self.operator = id }
}

/// A hub may read the devices assigned to it.
public struct HubAdded: EventBody {
  public static let kind = "hub-added"
  public let hub: RecordID
  public let groups: [RecordID]

  public struct Details: Codable, Hashable, Sendable {
    public let name: RecordName
    public let host: String
    public init(name: RecordName, host: String) {
      self.name = name
      self.host = host
    }
  }

  public init(hub: RecordID, groups: [RecordID]) {
    self.hub = hub
    self.groups = groups
  }
}

public struct HubRemoved: EventBody {
  public static let kind = "hub-removed"
  public let hub: RecordID
  public init(hub: RecordID) { self.hub = hub }
}
