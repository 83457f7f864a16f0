/// What may be asked of the service. A closed list: a route that names none does not compile.
public enum Operation: String, Sendable, Codable, CaseIterable {
  case operatorAdd = "operator.add"
  case operatorList = "operator.list"
  case operatorRemove = "operator.remove"
  /// A new certificate for who has one: an operator's, a station's or a hub's own.
  case identityRenew = "identity.renew"
  case hubAdd = "hub.add"
  case hubList = "hub.list"
  case hubRemove = "hub.remove"
  case hubStatus = "hub.status"
  /// A hub's own: what it knows of its devices, and what it says of itself.
  case hubDevices = "hub.devices"
  case hubFeed = "hub.feed"
  case hubReceipt = "hub.receipt"
  case hubVerifyTokens = "hub.verify-tokens"
  case hubReadKeys = "hub.read-keys"
  case hardwareAllow = "hardware.allow"
  case hardwareBlock = "hardware.block"
  case hardwareUnblock = "hardware.unblock"
  case hardwareList = "hardware.list"
  case hardwareImport = "hardware.import"
  case deviceList = "device.list"
  case deviceShow = "device.show"
  case deviceEnable = "device.enable"
  case deviceDisable = "device.disable"
  case deviceRetire = "device.retire"
  case deviceHistory = "device.history"
  case deviceRekey = "device.rekey"
  case deviceToken = "device.token"
  case groupAdd = "group.add"
  case groupList = "group.list"
  case groupShow = "group.show"
  case groupRemove = "group.remove"
  /// Keys by which boards enroll into a group.
  case groupKeyAdd = "group.key-add"
  case groupKeyList = "group.key-list"
  case groupKeyRemove = "group.key-remove"
  case ticketIssue = "ticket.issue"
  case ticketList = "ticket.list"
  case ticketCancel = "ticket.cancel"
  case orderAdd = "order.add"
  case orderList = "order.list"
  case orderShow = "order.show"
  case orderClose = "order.close"
  /// Making devices by it: a station's own.
  case orderProvision = "order.provision"
  case certificateList = "certificate.list"
  case certificateShow = "certificate.show"
  case certificateRevoke = "certificate.revoke"
  case caShow = "ca.show"
  case caCRL = "ca.crl"
  /// The certificates of TPM makers under which endorsement keys are trusted.
  case caTrustList = "ca.trust-list"
  case caTrustImport = "ca.trust-import"
  case caTrustRemove = "ca.trust-remove"
  case ledgerRead = "ledger.read"
  case ledgerProve = "ledger.prove"
  case ledgerExport = "ledger.export"
  case ledgerErase = "ledger.erase"
  case vaultStatus = "vault.status"
  case vaultSeal = "vault.seal"
  case vaultUnseal = "vault.unseal"
  case vaultSlotAdd = "vault.slot-add"
  case vaultSlotRemove = "vault.slot-remove"
  case vaultRotateKEK = "vault.rotate-kek"
  case vaultRekey = "vault.rekey"
  case policyExplain = "policy.explain"
  case metricsRead = "metrics.read"

  /// What an operation concerns, which decides what an operator who is limited to groups may do.
  public enum Scope: Sendable {
    /// One record that belongs to a group: it must be one of the operator's.
    case group
    /// A listing: it shows what is in the operator's groups, and nothing else.
    case listing
    /// The whole instance: not for who is limited to groups.
    case instance
    /// A hub's: it concerns what is assigned to that hub and nothing else, whatever groups there are.
    case assigned
    /// Says nothing of any group's devices.
    case open
  }

  public var scope: Scope {
    switch self {
    case .hardwareAllow, .hardwareBlock, .hardwareUnblock, .hardwareImport, .deviceShow, .deviceEnable,
      .deviceDisable, .deviceRetire, .deviceHistory, .deviceRekey, .deviceToken, .groupShow,
      .groupKeyAdd, .groupKeyList, .groupKeyRemove, .ticketIssue,
      .ticketCancel, .orderAdd, .orderShow, .orderClose, .orderProvision, .certificateShow, .certificateRevoke:
      .group
    case .hardwareList, .deviceList, .groupList, .ticketList, .orderList, .certificateList: .listing
    case .operatorAdd, .operatorList, .operatorRemove, .hubAdd, .hubList, .hubRemove, .hubStatus, .groupAdd,
      .groupRemove, .caCRL, .caTrustImport, .caTrustRemove,
      .ledgerRead, .ledgerProve, .ledgerExport, .ledgerErase, .vaultSeal, .vaultUnseal,
      .vaultSlotAdd, .vaultSlotRemove, .vaultRotateKEK, .vaultRekey:
      .instance
    case .hubDevices, .hubFeed, .hubReceipt, .hubVerifyTokens, .hubReadKeys: .assigned
    case .identityRenew, .caShow, .caTrustList, .vaultStatus, .policyExplain, .metricsRead: .open
    }
  }
}
