import MusterModel
import Policy
import Testing

@Suite struct AccessTests {
  /// Who may do what by the shipped file, as the vocabulary says it; administrator may do all.
  static let allowed: [AccessList: Set<String>] = [
    .role(.fieldEngineer): [
      "hardware.list", "hardware.allow", "device.list", "device.show", "device.history", "group.list", "group.show",
      "ticket.issue", "ticket.list", "ticket.cancel", "certificate.list", "certificate.show", "ca.show",
      "policy.explain", "identity.renew",
    ],
    .role(.factoryLine): [
      "hardware.list", "hardware.allow", "hardware.import", "device.list", "device.show", "group.list", "group.show",
      "order.list", "order.show", "order.provision", "ca.show", "identity.renew",
    ],
    .role(.hub): ["ca.show", "hub.devices", "hub.feed", "hub.receipt", "hub.verify-tokens", "identity.renew"],
    .role(.monitoring): ["metrics.read", "identity.renew"],
    .role(.application): ["identity.renew"],
    .device: ["ca.show"],
    .anonymous: [],
    .service: ["ca.crl", "key.rotate", "key.destroy", "metrics.read"],
    .folder: [
      "operator.add", "operator.list", "operator.remove", "ca.show", "ca.crl", "ca.rotate", "ca.revoke", "ledger.read",
      "ledger.prove", "ledger.export", "vault.status", "vault.unseal", "vault.slot-add", "vault.slot-remove",
      "vault.rekey", "policy.explain",
    ],
  ]

  @Test(arguments: Array(allowed.keys), Operation.allCases)
  func `the shipped file lets each do its own and nothing else`(list: AccessList, operation: Policy.Operation) throws {
    let expected = try #require(Self.allowed[list]).contains(operation.rawValue)
    #expect(try isAllowed(try principal(list), operation) == expected)
  }

  @Test(arguments: Operation.allCases)
  func `an administrator may do all`(operation: Policy.Operation) throws {
    #expect(try isAllowed(try someone(.administrator), operation))
  }

  @Test func `an auditor reads and changes nothing, a security officer gives nobody an identity`() throws {
    // And renews its own certificate.
    let reading: Set = [
      "list", "trust-list", "show", "history", "read", "prove", "export", "status", "explain", "renew",
    ]
    for operation in Operation.allCases {
      let verb = String(try #require(operation.rawValue.split(separator: ".").last))
      let isReading = reading.contains(verb) && operation != .keyExport
      #expect(try isAllowed(try someone(.auditor), operation) == isReading, "\(operation)")
    }
    for operation in [
      Operation.operatorAdd, .hubAdd, .ticketIssue, .hardwareAllow, .hardwareImport, .groupAdd,
      .orderAdd, .orderProvision, .caTrustImport,
    ] {
      #expect(try !isAllowed(try someone(.securityOfficer), operation), "\(operation)")
    }
  }

  @Test func `what no list names is refused, and the refusal says where`() throws {
    let policies = try policies(access: "version: 1\nallow:\n  auditor: [ledger.read]\n")
    #expect(try policies.decide(someone(.auditor), .ledgerRead, group: nil).isAllowed)
    guard
      case .refused(let reference, let reason) = policies.decide(try someone(.administrator), .ledgerRead, group: nil)
    else {
      Issue.record("expected a refusal")
      return
    }
    #expect(reference == PolicyReference(digest: policies.digest, rule: "access.yaml: administrator"))
    #expect(reason.code == "not-allowed" && reason.description.contains("ledger.read"))
  }

  @Test func `who is limited to groups acts within them, lists them alone, and runs no instance`() throws {
    let (mine, other) = (record(.group), record(.group))
    let admin = try someone(.administrator, groups: [mine])
    let policies = try shippedPolicies()
    #expect(policies.decide(admin, .deviceDisable, group: mine).isAllowed)
    #expect(policies.decide(admin, .deviceDisable, group: other).code == "not-allowed-in-group")
    #expect(policies.decide(admin, .deviceDisable, group: nil).code == "not-allowed-in-group")
    #expect(policies.decide(admin, .operatorAdd, group: mine).code == "not-allowed-in-group")
    #expect(policies.decide(admin, .caShow, group: nil).isAllowed)
    guard case .allowed(let grant) = policies.decide(admin, .deviceList, group: nil) else {
      Issue.record("expected a grant")
      return
    }
    #expect(grant.limitedTo == [mine] && grant.operation == .deviceList && grant.principal == admin)
  }

  @Test func `a ring that is named is allowed, and none that is not, nor where none is said`() throws {
    let policies = try policies(
      access: "version: 1\nallow:\n  application:\n    - key.sign:releases\n    - key.sign:Hot.fix\n    - key.verify\n")
    let program = try someone(.application)
    let sign = { (ring: String?) in
      policies.decide(program, .keySign, group: nil, ring: ring.flatMap { RecordName($0) }).code
    }
    #expect(sign("releases") == nil && sign("RELEASES") == nil && sign("hot.fix") == nil)
    #expect(sign("release") == "not-allowed-for-key" && sign(nil) == "not-allowed-for-key")
    #expect(policies.decide(program, .keyVerify, group: nil, ring: RecordName("any")).isAllowed)
    #expect(policies.decide(program, .keyEncrypt, group: nil, ring: RecordName("releases")).code == "not-allowed")
    #expect(policies.access.decideAtAll(program, .keySign).isAllowed)
    #expect(policies.access.decideAtAll(program, .keyEncrypt).code == "not-allowed")
    // A limit to groups holds beside it.
    let (mine, other) = (record(.group), record(.group))
    let limited = try someone(.application, groups: [mine])
    #expect(policies.decide(limited, .keySign, group: mine, ring: RecordName("releases")).isAllowed)
    #expect(policies.decide(limited, .keySign, group: mine, ring: RecordName("other")).code == "not-allowed-for-key")
    #expect(
      policies.decide(limited, .keySign, group: other, ring: RecordName("releases")).code == "not-allowed-in-group")
    #expect(policies.decide(limited, .keySign, group: nil, ring: RecordName("releases")).code == "not-allowed-in-group")
  }

  /// An instance's own file, and files of then that explain what was decided by them, still name them.
  @Test func `operations that there were once are read, and give nothing`() throws {
    let policies = try policies(
      access: "version: 1\nallow:\n  auditor: [group.key-add, group.key-list, group.key-remove, key.list]\n")
    let allowed = Operation.allCases.filter { operation in
      (try? policies.decide(someone(.auditor), operation, group: nil).isAllowed) ?? false
    }
    #expect(allowed == [.keyList])
  }

  @Test func `an explanation names the list and the reason`() throws {
    let policies = try shippedPolicies()
    let yes = policies.access.explain(try someone(.fieldEngineer), .ticketIssue, group: nil)
    #expect(yes.outcome == "allowed" && yes.because == ["access.yaml lists ticket.issue for field-engineer"])
    let no = policies.access.explain(try someone(.fieldEngineer), .vaultSeal, group: nil)
    #expect(no.outcome == "refused" && no.rule == "access.yaml: field-engineer")
    #expect(no.because == ["expected vault.seal on the list of field-engineer in access.yaml, found it absent"])
  }

  @Test func `operations are named in lower case with one dot`() {
    for operation in Operation.allCases {
      #expect(operation.rawValue.split(separator: ".").count == 2)
      #expect(operation.rawValue == operation.rawValue.lowercased())
    }
  }

  @Test func `an operator's certificate is permitted by a grant of operator.add, and by no other`() throws {
    let policies = try shippedPolicies()
    let id = record(.operator)
    guard case .allowed(let add) = policies.decide(.folder, .operatorAdd, group: nil),
      case .allowed(let list) = policies.decide(.folder, .operatorList, group: nil)
    else {
      Issue.record("expected two grants")
      return
    }
    let permit = try policies.permitOperator(id, name: try name("ben"), by: add).get()
    #expect(permit.subject == .operator(id, try name("ben")) && permit.profile == "operator")
    #expect(permit.decidedBy.rule == "access.yaml: folder" && permit.decidedBy.digest == policies.digest)
    #expect(
      try policies.permitOperator(id, name: name("ben"), by: list)
        == .failure(.otherOperation(expected: .operatorAdd, found: .operatorList)))
    #expect(
      try policies.permitHub(id, name: name("broker"), host: "h", by: add)
        == .failure(.otherOperation(expected: .hubAdd, found: .operatorAdd)))
    #expect(policies.permitServer(hostnames: ["a"], by: .service).profile == "server")
    #expect(policies.permitOCSPResponder(by: .folder).subject == .ocspResponder)
  }

  private func isAllowed(_ principal: Principal, _ operation: Policy.Operation) throws -> Bool {
    try shippedPolicies().decide(principal, operation, group: nil).isAllowed
  }

  private func principal(_ list: AccessList) throws -> Principal {
    switch list {
    case .role(.hub): .hub(record(.hub), name: try name("broker"), groups: [], certificate: record(.certificate))
    case .role(let role): try someone(role)
    case .device: .device(record(.device), try #require(DeviceID("meter-7")), certificate: record(.certificate))
    case .anonymous: .anonymous
    case .folder: .folder
    case .service: .service
    }
  }
}

extension AccessDecision {
  var isAllowed: Bool { code == nil }

  var code: String? {
    switch self {
    case .allowed: nil
    case .refused(_, let reason): reason.code
    }
  }
}
