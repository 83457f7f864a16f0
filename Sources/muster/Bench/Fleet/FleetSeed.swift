import CertificateAuthority
import DeviceRegistry
import Enrollment
import Foundation
import MusterModel
import Policy
import X509

/// Devices for a bench's own instance, faster than they could enroll: the events of an enrollment, committed as all are.
/// Their certificates are copies of one that was issued, each with a serial of its own, under a signature that is not
/// theirs: whoever checked one would refuse it.
struct FleetSeed {
  static let name = "fleet-"

  static func deviceID(_ number: Int) -> String { "\(name)\(number)" }
  static func hardwareID(_ number: Int) -> String { "cpu-serial:\(name)\(number)" }

  private let template: CertificateTemplate
  private let group: RecordID
  private let issued: UInt64
  private let isRevoked: Bool

  /// How many units are handed over at once, and how many such chunks are under way.
  private static let chunk = 1000
  private static let lanes = 2

  /// Adds devices number `first`, `first + 1`, … to an instance that nobody serves.
  static func grow(
    _ instance: BenchInstance, by count: Int, from first: Int, isRevoked: Bool = false, like people: BenchPeople
  ) async throws {
    try await OpenInstance.with(instance.folder.path) { opened in
      let seed = try await FleetSeed(opened, people, isRevoked: isRevoked)
      let starts = Array(stride(from: first, to: first + count, by: chunk))
      _ = try await inParallel(starts.count, lanes) { index in
        let range = starts[index]..<min(starts[index] + chunk, first + count)
        let units = try range.map { try seed.unit($0, first: first) }
        let outcomes = await opened.store.commit(units)
        guard try outcomes.allSatisfy({ if case .committed = try $0.get() { true } else { false } }) else {
          throw CommandFailure("expected to record the devices, found the store refusing one")
        }
      }
    }
  }

  private init(_ opened: OpenInstance, _ people: BenchPeople, isRevoked: Bool) async throws {
    guard let name = RecordName(BenchPeople.group), let group = try await opened.readers.group(name),
      let devices = try await opened.readers.issuers().first(where: { $0.use == .devices })
    else { throw CommandFailure("expected the bench's group and an issuing CA, found none") }
    self.group = group.record
    self.isRevoked = isRevoked
    issued = devices.issued
    template = try CertificateTemplate(people.certificate, request: people.request, issuer: devices.keyID)
  }

  private func unit(_ number: Int, first: Int) throws -> UnitOfWork {
    let at = SystemClock().now()
    let (device, hardware) = (RecordID(.device, UUIDv7(at: at)), RecordID(.hardware, UUIDv7(at: at)))
    let shard = UInt32((issued + UInt64(number - first)) / Authorities.certificatesPerShard)
    let copy = template.copy(of: device, shard: shard, at: at)
    let facts = copy.facts
    guard let id = DeviceID(FleetSeed.deviceID(number)),
      case .success(let board) = HardwareID.parse(FleetSeed.hardwareID(number))
    else { throw CommandFailure("expected a device ID and a hardware ID, found others") }
    var events = [
      try Event(
        at: at, by: .folder, on: [.record(device), .record(hardware)],
        DeviceEnrolled(
          device: device, isNew: true, group: group, hub: nil, generation: 1,
          hardware: [BoundHardware(hardware: hardware, assurance: .asserted)], evidence: "ticket", ticket: nil,
          publicKey: facts.publicKey, certificate: facts.certificate),
        details: .init(deviceID: id, hardware: [board], source: "192.0.2.1", decision: nil)),
      try Event(
        at: at, by: .folder, on: [.record(facts.certificate)], withoutDetails: CertificateIssued(issued: facts),
        attachments: copy.attachments),
    ]
    if isRevoked {
      events.append(
        try Event(
          at: at, by: .folder, on: [.record(facts.certificate), .record(device)],
          CertificateRevoked(
            certificate: facts.certificate, issuerKeyID: facts.issuerKeyID, serial: facts.serial,
            reason: .superseded)))
    }
    return UnitOfWork(
      claims: [.deviceID(id), .hardware(board), .publicKey(facts.publicKey, of: device)], events: events)
  }
}

/// A certificate that was issued, and its request: what copies are made of.
struct CertificateTemplate: Sendable {
  private let der: [UInt8]
  private let serial: Range<Int>
  private let request: Attachment
  private let issuer: String
  private let notBefore, notAfter: Timestamp

  init(_ der: [UInt8], request: [UInt8], issuer: String) throws {
    let certificate = try Certificate(derEncoded: der)
    guard let serial = Data(der).range(of: Data(certificate.serialNumber.bytes)), serial.count == 16 else {
      throw CommandFailure("expected a serial of 16 bytes in a certificate, found another")
    }
    self.der = der
    self.serial = serial
    self.request = Attachment(request)
    self.issuer = issuer
    notBefore = Timestamp(milliseconds: Int64(certificate.notValidBefore.timeIntervalSince1970) * 1000)
    notAfter = Timestamp(milliseconds: Int64(certificate.notValidAfter.timeIntervalSince1970) * 1000)
  }

  struct Copy {
    let facts: CertificateFacts
    let attachments: [Attachment]
  }

  func copy(of device: RecordID, shard: UInt32, at time: Timestamp) -> Copy {
    let (record, serial) = (UUIDv7(at: time), UUIDv7(at: time).bytes)
    var der = der
    der.replaceSubrange(self.serial, with: serial)
    let attachment = Attachment(der)
    return Copy(
      facts: CertificateFacts(
        certificate: RecordID(.certificate, record), subject: device, issuerKeyID: issuer, serial: Hex.encode(serial),
        profile: "device", notBefore: notBefore, notAfter: notAfter, shard: shard,
        publicKey: .sha256(serial), der: attachment.digest, request: request.digest),
      attachments: [attachment, request])
  }
}
