package import CertificateAuthority
package import DeviceRegistry
import Ledger
package import MusterModel
import Policy

/// Units of work as use cases make them, with new IDs and a clock that stands still.
package enum Units {
  package static let time = Timestamp(milliseconds: 1_750_000_000_000)
  package static let issuer = "0102030405060708090a0b0c0d0e0f1011121314"

  package static func id(_ kind: RecordID.Kind) -> RecordID { RecordID(kind, UUIDv7(at: time)) }
  package static func digest(_ text: String) -> Digest { Digest.sha256(text.utf8) }
  package static func name(_ text: String) -> RecordName { RecordName(text)! }
  package static func deviceID(_ text: String) -> DeviceID { DeviceID(text)! }

  package static func hardwareID(_ number: Int) -> HardwareID {
    guard case .success(let id) = HardwareID.parse(.cpuSerial, "board-\(number)") else {
      preconditionFailure("a test's own hardware ID")
    }
    return id
  }

  package static func event<Body: EventBody>(
    _ body: Body, on records: [RecordID] = [], _ details: Body.Details, by actor: Actor = .service,
    attachments: [Attachment] = []
  ) throws -> Event {
    try Event(
      at: time, by: actor, on: records.map(Aggregate.record), body, details: details, attachments: attachments)
  }

  package static func event<Body: EventBody>(
    _ body: Body, on records: [RecordID] = [], by actor: Actor = .service, attachments: [Attachment] = []
  ) throws -> Event where Body.Details == NoDetails {
    try event(body, on: records, NoDetails(), by: actor, attachments: attachments)
  }

  // MARK: The instance

  package static func instance() throws -> UnitOfWork {
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

  package static func group(_ name: RecordName, _ group: RecordID = id(.group)) throws -> UnitOfWork {
    UnitOfWork(
      claims: [.groupName(name)],
      events: [
        try event(GroupAdded(group: group, profile: nil, hub: nil, trustAnchors: []), on: [group], .init(name: name))
      ])
  }

  package static func `operator`(_ name: RecordName, _ record: RecordID = id(.operator)) throws -> UnitOfWork {
    let added = OperatorAdded(operator: record, role: .auditor, groups: [])
    return UnitOfWork(
      claims: [.operatorName(name)], events: [try event(added, on: [record], .init(name: name))])
  }

  package static func hub(
    _ name: RecordName, _ record: RecordID = id(.hub), groups: [RecordID] = []
  ) throws -> UnitOfWork {
    UnitOfWork(
      claims: [.hubName(name)],
      events: [try event(HubAdded(hub: record, groups: groups), on: [record], .init(name: name, host: "hub.test"))])
  }

  package static func revoked(_ enrollment: TestEnrollment) throws -> Event {
    try event(
      CertificateRevoked(
        certificate: enrollment.certificate, issuerKeyID: issuer, serial: Hex.encode(enrollment.serial),
        reason: .keyCompromise), on: [enrollment.certificate, enrollment.device])
  }

  /// What a certificate's events say: its serial number and key are made from its record, so that each has its own.
  package static func facts(
    _ certificate: RecordID, issuer: String = issuer, serial: String? = nil, shard: UInt32 = 0,
    validity: Duration = .seconds(1000)
  ) -> CertificateFacts {
    CertificateFacts(
      certificate: certificate, subject: nil, issuerKeyID: issuer,
      serial: serial ?? Hex.encode(digest("serial \(certificate)").bytes.prefix(16)), profile: "server",
      notBefore: time, notAfter: time + validity, shard: shard, publicKey: digest("key \(certificate)"),
      der: digest("der \(certificate)"), request: nil)
  }

  package static func issued(
    _ facts: CertificateFacts, replaces: CertificateFacts? = nil, overlap: Duration = .zero
  ) throws -> Event {
    let body = CertificateIssued(
      issued: facts, replaces: replaces?.certificate, overlapUntil: replaces.map { _ in time + overlap })
    return try event(body, on: [facts.certificate], .init(source: nil, decision: nil))
  }

  package static func revoked(
    _ facts: CertificateFacts, _ reason: RevocationReason = .keyCompromise, at time: Timestamp = time
  ) throws -> Event {
    let body = CertificateRevoked(
      certificate: facts.certificate, issuerKeyID: facts.issuerKeyID, serial: facts.serial, reason: reason)
    return try Event(at: time, by: .service, on: [.record(facts.certificate)], body)
  }

  package static func released(_ facts: CertificateFacts) throws -> Event {
    let body = CertificateReleased(
      certificate: facts.certificate, issuerKeyID: facts.issuerKeyID, serial: facts.serial)
    return try event(body, on: [facts.certificate])
  }

  /// The board is no longer the device, which stays.
  package static func unbound(_ enrollment: TestEnrollment) throws -> UnitOfWork {
    UnitOfWork(events: [
      try event(
        BindingEnded(
          device: enrollment.device, generation: enrollment.generation, hardware: [enrollment.hardware],
          reason: .retired), on: [enrollment.device, enrollment.hardware])
    ])
  }

  package static func ticket(
    _ record: RecordID = id(.ticket), code: Digest, device: DeviceID = deviceID("D"),
    hardware: HardwareID = hardwareID(0)
  ) throws -> UnitOfWork {
    let issued = TicketIssued(
      ticket: record, isSwap: false, device: nil, group: nil, expires: time + .seconds(3600))
    return UnitOfWork(
      claims: [.ticketCode(code)],
      events: [try event(issued, on: [record], .init(deviceID: device, hardware: hardware, code: code))])
  }

  package static func order(_ record: RecordID, _ name: RecordName, count: UInt64) throws -> UnitOfWork {
    let added = OrderAdded(order: record, station: id(.operator), group: id(.group), count: count, until: nil)
    return UnitOfWork(claims: [.orderName(name)], events: [try event(added, on: [record], .init(name: name))])
  }

  package static func listed(
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

extension HardwareID {
  package static func random() -> HardwareID { Units.hardwareID(.random(in: 1000..<Int.max)) }
}
