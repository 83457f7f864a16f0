import CertificateAuthority
import DeviceRegistry
import Ledger
import MusterModel
import Policy

/// Units of work as use cases make them, with new IDs and a clock that stands still.
enum Units {
  static let time = Timestamp(milliseconds: 1_750_000_000_000)
  static let issuer = "0102030405060708090a0b0c0d0e0f1011121314"

  static func id(_ kind: RecordID.Kind) -> RecordID { RecordID(kind, UUIDv7(at: time)) }
  static func digest(_ text: String) -> Digest { Digest.sha256(text.utf8) }
  static func name(_ text: String) -> RecordName { RecordName(text)! }
  static func deviceID(_ text: String) -> DeviceID { DeviceID(text)! }

  static func hardwareID(_ number: Int) -> HardwareID {
    guard case .success(let id) = HardwareID.parse(.cpuSerial, "board-\(number)") else {
      preconditionFailure("a test's own hardware ID")
    }
    return id
  }

  static func event<Body: EventBody>(
    _ body: Body, on records: [RecordID] = [], _ details: Body.Details, by actor: Actor = .service,
    attachments: [Attachment] = []
  ) throws -> Event {
    try Event(
      at: time, by: actor, on: records.map(Aggregate.record), body, details: details, attachments: attachments)
  }

  static func event<Body: EventBody>(
    _ body: Body, on records: [RecordID] = [], by actor: Actor = .service, attachments: [Attachment] = []
  ) throws -> Event where Body.Details == NoDetails {
    try event(body, on: records, NoDetails(), by: actor, attachments: attachments)
  }

  // MARK: The instance

  static func instance() throws -> UnitOfWork {
    let created = InstanceCreated(
      origin: "muster.test/muster/test", epoch: 0, trustDomain: TrustDomain("muster.test")!,
      publishURL: "http://muster.test:8080")
    return UnitOfWork(events: [
      try Event(
        at: time, by: .folder, on: [.instance], created,
        details: .init(organization: "Test", hostnames: ["muster.test"])),
      try Event(
        at: time, by: .folder, on: [.instance],
        IssuerAdded(
          use: .devices, issuerKeyID: issuer, key: id(.key), certificate: digest("issuer"), notBefore: time,
          notAfter: time + .seconds(86_400))),
    ])
  }

  static func group(_ name: RecordName, _ group: RecordID = id(.group)) throws -> UnitOfWork {
    UnitOfWork(
      claims: [.groupName(name)],
      events: [
        try event(GroupAdded(group: group, profile: nil, hub: nil, trustAnchors: []), on: [group], .init(name: name))
      ])
  }

  static func `operator`(_ name: RecordName, _ record: RecordID = id(.operator)) throws -> UnitOfWork {
    let added = OperatorAdded(operator: record, role: .auditor, groups: [])
    return UnitOfWork(
      claims: [.operatorName(name)], events: [try event(added, on: [record], .init(name: name))])
  }

  static func hub(_ name: RecordName, _ record: RecordID = id(.hub)) throws -> UnitOfWork {
    UnitOfWork(
      claims: [.hubName(name)],
      events: [try event(HubAdded(hub: record, groups: []), on: [record], .init(name: name, host: "hub.test"))])
  }

  static func revoked(_ enrollment: TestEnrollment) throws -> Event {
    try event(
      CertificateRevoked(
        certificate: enrollment.certificate, issuerKeyID: issuer, serial: Hex.encode(enrollment.serial),
        reason: .keyCompromise), on: [enrollment.certificate, enrollment.device])
  }

  /// The board is no longer the device, which stays.
  static func unbound(_ enrollment: TestEnrollment) throws -> UnitOfWork {
    UnitOfWork(events: [
      try event(
        BindingEnded(
          device: enrollment.device, generation: enrollment.generation, hardware: [enrollment.hardware],
          reason: .retired), on: [enrollment.device, enrollment.hardware])
    ])
  }

  static func ticket(
    _ record: RecordID = id(.ticket), code: Digest, device: DeviceID = deviceID("D"),
    hardware: HardwareID = hardwareID(0)
  ) throws -> UnitOfWork {
    let issued = TicketIssued(
      ticket: record, isSwap: false, device: nil, group: nil, expires: time + .seconds(3600))
    return UnitOfWork(
      claims: [.ticketCode(code)],
      events: [try event(issued, on: [record], .init(deviceID: device, hardware: hardware, code: code))])
  }

  static func listed(
    _ record: RecordID, _ hardware: HardwareID, _ listing: HardwareListed.Listing = .allowed,
    claims: [UniqueName] = []
  ) throws -> UnitOfWork {
    UnitOfWork(
      claims: claims,
      events: [
        try event(
          HardwareListed(hardware: record, listing: listing, group: nil), on: [record],
          .init(hardware: hardware, reason: "a test"))
      ])
  }
}

/// One enrollment: what is the same and what differs is for the test to say.
struct TestEnrollment {
  var device = Units.id(.device)
  var deviceID = Units.deviceID("D")
  var isNew = true
  var generation: UInt64 = 1
  var hardware = Units.id(.hardware)
  var hardwareID = Units.hardwareID(0)
  var ticket: RecordID?
  var provisioning: Provisioning?
  var group: RecordID?
  var certificate = Units.id(.certificate)
  var serial = UUIDv7(at: Units.time).bytes
  var publicKey = Units.digest("\(Units.id(.key))")
  /// The generation that ends with it.
  var ends: (generation: UInt64, hardware: RecordID)?

  var facts: CertificateFacts {
    CertificateFacts(
      certificate: certificate, subject: device, issuerKeyID: Units.issuer, serial: Hex.encode(serial),
      profile: "device",
      notBefore: Units.time, notAfter: Units.time + .seconds(86_400), shard: 0, publicKey: publicKey,
      der: Units.digest("der \(certificate)"), request: nil)
  }

  func unit(reads: ReadSet = ReadSet(), claims: [UniqueName]? = nil) throws -> UnitOfWork {
    let enrolled = DeviceEnrolled(
      device: device, isNew: isNew, group: group, hub: nil, generation: generation,
      hardware: [BoundHardware(hardware: hardware, assurance: .claimed)], evidence: "ticket", ticket: ticket,
      publicKey: publicKey, certificate: certificate, order: provisioning?.order, batch: provisioning?.batch)
    var events: [Event] = []
    if let ends {
      events.append(
        try Units.event(
          BindingEnded(device: device, generation: ends.generation, hardware: [ends.hardware], reason: .swapped),
          on: [device, ends.hardware]))
    }
    events.append(
      try Units.event(
        enrolled, on: [device, hardware] + (ticket.map { [$0] } ?? []),
        .init(deviceID: deviceID, hardware: [hardwareID], source: "192.0.2.1", decision: nil),
        attachments: [Attachment(Array("request \(certificate)".utf8))]))
    events.append(
      try Units.event(
        CertificateIssued(issued: facts), on: [certificate, device], .init(source: nil, decision: nil),
        by: Actor(device, by: .certificate), attachments: [Attachment(Array("der \(certificate)".utf8))]))
    return UnitOfWork(reads: reads, claims: claims ?? self.claims, events: events)
  }

  var claims: [UniqueName] {
    var claims: [UniqueName] = [
      .activeBinding(device), .activeBinding(hardware), .hardware(hardwareID),
      .serial(issuer: Units.issuer, serial), .publicKey(publicKey, of: device),
    ]
    if isNew { claims.append(.deviceID(deviceID)) }
    return claims
  }
}
