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
  case hubSealKey = "hub.seal-key"
  /// A hub's own: what it knows of its devices, and what it says of itself.
  case hubDevices = "hub.devices"
  case hubFeed = "hub.feed"
  case hubReceipt = "hub.receipt"
  case hubVerifyTokens = "hub.verify-tokens"
  case hubReadKeys = "hub.read-keys"
  /// In plain, beside the right to read them sealed.
  case hubReadKeysPlain = "hub.read-keys-plain"
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
  /// Rollovers of device keys.
  case rolloverPlan = "rollover.plan"
  case rolloverStart = "rollover.start"
  case rolloverPause = "rollover.pause"
  case rolloverResume = "rollover.resume"
  case rolloverAbort = "rollover.abort"
  case rolloverShow = "rollover.show"
  case rolloverList = "rollover.list"
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
  /// Another issuing CA takes over.
  case caRotate = "ca.rotate"
  /// One that another took over from is revoked by the root.
  case caRevoke = "ca.revoke"
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
  /// Named key rings: what is done to them, and with them.
  case keyCreate = "key.create"
  case keyImport = "key.import"
  case keyExport = "key.export"
  case keyList = "key.list"
  case keyShow = "key.show"
  case keyRotate = "key.rotate"
  case keyMinimum = "key.minimum"
  /// To another state, but to destroyed.
  case keyMove = "key.move"
  case keyDestroy = "key.destroy"
  case keyEncrypt = "key.encrypt"
  case keyDecrypt = "key.decrypt"
  case keyRewrap = "key.rewrap"
  case keyMAC = "key.mac"
  case keyVerify = "key.verify"
  case keySign = "key.sign"
  case keyDerive = "key.derive"
  case keyDataKey = "key.data-key"
  case keyRandom = "key.random"
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
      .rolloverPlan, .rolloverStart, .rolloverPause, .rolloverResume,
      .rolloverAbort, .rolloverShow, .ticketIssue, .ticketCancel, .orderAdd, .orderShow, .orderClose, .orderProvision,
      .certificateShow, .certificateRevoke,
      .keyCreate, .keyImport, .keyExport, .keyShow, .keyRotate, .keyMinimum, .keyMove, .keyDestroy,
      .keyEncrypt, .keyDecrypt, .keyRewrap, .keyMAC, .keyVerify, .keySign, .keyDerive, .keyDataKey:
      .group
    case .hardwareList, .deviceList, .groupList, .ticketList, .orderList, .certificateList,
      .rolloverList, .keyList:
      .listing
    case .operatorAdd, .operatorList, .operatorRemove, .hubAdd, .hubList, .hubRemove, .hubStatus, .hubSealKey,
      .groupAdd,
      .groupRemove, .caCRL, .caRotate, .caRevoke, .caTrustImport, .caTrustRemove,
      .ledgerRead, .ledgerProve, .ledgerExport, .ledgerErase, .vaultSeal, .vaultUnseal,
      .vaultSlotAdd, .vaultSlotRemove, .vaultRotateKEK, .vaultRekey:
      .instance
    case .hubDevices, .hubFeed, .hubReceipt, .hubVerifyTokens, .hubReadKeys, .hubReadKeysPlain: .assigned
    case .keyRandom, .identityRenew, .caShow, .caTrustList, .vaultStatus, .policyExplain, .metricsRead: .open
    }
  }
  /// Whether it concerns one key ring, so that `access.yaml` may name rings behind it: `key.sign:releases`.
  public var isOfRing: Bool {
    switch self {
    case .keyCreate, .keyImport, .keyExport, .keyShow, .keyRotate, .keyMinimum, .keyMove, .keyDestroy,
      .keyEncrypt, .keyDecrypt, .keyRewrap, .keyMAC, .keyVerify, .keySign, .keyDerive, .keyDataKey:
      true
    default: false
    }
  }

  /// What there was once. Files of then may say it; it gives nothing.
  static let retired: Set<String> = ["group.key-add", "group.key-list", "group.key-remove"]
}
