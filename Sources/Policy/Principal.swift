public import MusterModel

/// Who asks, after authentication.
public enum Principal: Sendable, Hashable {
  /// `groups` empty for no limit.
  case `operator`(RecordID, name: RecordName, role: Role, groups: [RecordID], certificate: RecordID)
  case device(RecordID, DeviceID, certificate: RecordID)
  case hub(RecordID, name: RecordName, groups: [RecordID], certificate: RecordID)
  case anonymous
  /// Whoever holds the data folder and its lock.
  case folder
  /// The service itself, by its own timers.
  case service

  /// The name of its list in `access.yaml`.
  public var list: AccessList {
    switch self {
    case .operator(_, _, let role, _, _): .role(role)
    case .device: .device
    case .hub: .role(.hub)
    case .anonymous: .anonymous
    case .folder: .folder
    case .service: .service
    }
  }

  /// The groups that it is limited to; empty for no limit.
  public var groups: [RecordID] {
    switch self {
    case .operator(_, _, _, let groups, _), .hub(_, _, let groups, _): groups
    case .device, .anonymous, .folder, .service: []
    }
  }

  /// The actor of the events that it brings about; nil for a stranger, who brings about none.
  public var actor: Actor? {
    switch self {
    case .operator(let id, _, _, _, _), .device(let id, _, _), .hub(let id, _, _, _): Actor(id, by: .certificate)
    case .anonymous: nil
    case .folder: .folder
    case .service: .service
    }
  }
}

/// A list of `access.yaml`: a role's, or that of who has none.
public enum AccessList: Sendable, Hashable, CaseIterable, CustomStringConvertible {
  case role(Role)
  case device, anonymous, folder, service

  public static let allCases: [AccessList] =
    Role.allCases.map(AccessList.role) + [.device, .anonymous, .folder, .service]

  public var description: String {
    switch self {
    case .role(let role): role.rawValue
    case .device: "device"
    case .anonymous: "anonymous"
    case .folder: "folder"
    case .service: "service"
    }
  }

  public init?(_ text: String) {
    guard let list = AccessList.allCases.first(where: { $0.description == text }) else { return nil }
    self = list
  }
}
