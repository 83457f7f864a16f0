package import CertificateAuthority
package import DeviceRegistry
package import MusterModel

/// One enrollment: what is the same and what differs is for the test to say.
package struct TestEnrollment: Sendable {
  package var device: RecordID
  package var deviceID: DeviceID
  package var isNew: Bool
  package var generation: UInt64
  package var hardware: RecordID
  package var hardwareID: HardwareID
  package var ticket: RecordID?
  package var provisioning: Provisioning?
  package var group: RecordID?
  package var certificate: RecordID
  package var serial: [UInt8]
  package var publicKey: Digest
  /// The generation that ends with it.
  package var ends: (generation: UInt64, hardware: RecordID)?

  package init(
    device: RecordID = Units.id(.device), deviceID: DeviceID = Units.deviceID("D"), isNew: Bool = true,
    generation: UInt64 = 1, hardware: RecordID = Units.id(.hardware), hardwareID: HardwareID = Units.hardwareID(0),
    ticket: RecordID? = nil, provisioning: Provisioning? = nil, group: RecordID? = nil,
    certificate: RecordID = Units.id(.certificate),
    serial: [UInt8] = UUIDv7(at: Units.time).bytes, publicKey: Digest = Units.digest("\(Units.id(.key))"),
    ends: (generation: UInt64, hardware: RecordID)? = nil
  ) {
    self.device = device
    self.deviceID = deviceID
    self.isNew = isNew
    self.generation = generation
    self.hardware = hardware
    self.hardwareID = hardwareID
    self.ticket = ticket
    self.provisioning = provisioning
    self.group = group
    self.certificate = certificate
    self.serial = serial
    self.publicKey = publicKey
    self.ends = ends
  }

  package var facts: CertificateFacts {
    CertificateFacts(
      certificate: certificate, subject: device, issuerKeyID: Units.issuer, serial: Hex.encode(serial),
      profile: "device",
      notBefore: Units.time, notAfter: Units.time + .seconds(86_400), shard: 0, publicKey: publicKey,
      der: Units.digest("der \(certificate)"), request: nil)
  }

  package func unit(reads: ReadSet = ReadSet(), claims: [UniqueName]? = nil) throws -> UnitOfWork {
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

  package var claims: [UniqueName] {
    var claims: [UniqueName] = [
      .activeBinding(device), .activeBinding(hardware), .hardware(hardwareID),
      .serial(issuer: Units.issuer, serial), .publicKey(publicKey, of: device),
    ]
    if isNew { claims.append(.deviceID(deviceID)) }
    if let provisioning { claims.append(.batch(provisioning.batch, of: provisioning.order)) }
    return claims
  }
}
