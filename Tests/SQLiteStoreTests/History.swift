import CertificateAuthority
import DeviceRegistry
import KeyVault
import Ledger
import MusterModel
import MusterTesting
import Policy
import SQLiteStore

/// A random history of an instance: steps that mostly may be taken, and now and then may not.
struct History {
  private var random: SeededGenerator
  private var enrolled: [TestEnrollment] = []
  private var certificates: [TestEnrollment] = []
  private var tickets: [RecordID] = []
  private var groups: [RecordID] = []
  private var people: [(RecordID, isHub: Bool)] = []
  private var step = 0

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func next() throws -> UnitOfWork {
    step += 1
    switch Int.random(in: 0..<18, using: &random) {
    case 0, 1, 2: return try enroll()
    case 3: return try swap()
    case 4: return try renew()
    case 5: return try revokeOrRelease()
    case 6: return try changeState()
    case 7: return try list()
    case 8: return try ticket()
    case 9: return try group()
    case 10: return try person()
    case 11: return try refuse()
    case 12: return try erase()
    case 13: return try publish()
    case 14: return try activate()
    case 15: return try keys()
    case 16: return try receipt()
    default: return try pattern()
    }
  }

  private mutating func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &random) }
  private mutating func flip() -> Bool { Bool.random(using: &random) }

  private mutating func enroll() throws -> UnitOfWork {
    var enrollment = TestEnrollment(
      // Twelve names for many: now and then one is taken.
      deviceID: Units.deviceID("device-\(Int.random(in: 0..<12, using: &random))"),
      hardwareID: Units.hardwareID(.random(in: 1..<40, using: &random)))
    if flip() { enrollment.ticket = pick(tickets) }
    if flip() { enrollment.group = pick(groups) }
    if flip(), let other = pick(enrolled) { enrollment.publicKey = other.publicKey }
    enrolled.append(enrollment)
    certificates.append(enrollment)
    return try enrollment.unit()
  }

  private mutating func swap() throws -> UnitOfWork {
    guard let old = pick(enrolled) else { return try enroll() }
    let new = TestEnrollment(
      device: old.device, deviceID: old.deviceID, isNew: false, generation: old.generation + 1,
      hardwareID: Units.hardwareID(step + 1000), ends: (old.generation, old.hardware))
    enrolled.append(new)
    certificates.append(new)
    return try new.unit()
  }

  private mutating func renew() throws -> UnitOfWork {
    guard let old = pick(certificates) else { return try enroll() }
    var new = old
    new.certificate = Units.id(.certificate)
    new.serial = UUIDv7(at: Units.time).bytes
    certificates.append(new)
    return UnitOfWork(events: [
      try Units.event(
        CertificateIssued(issued: new.facts, replaces: old.certificate, overlapUntil: Units.time),
        on: [new.certificate, old.certificate, new.device], .init(source: "192.0.2.7", decision: nil),
        by: Actor(new.device, by: .certificate))
    ])
  }

  private mutating func revokeOrRelease() throws -> UnitOfWork {
    guard let old = pick(certificates) else { return try enroll() }
    let serial = Hex.encode(old.serial)
    let body = CertificateRevoked(
      certificate: old.certificate, issuerKeyID: Units.issuer, serial: serial,
      reason: flip() ? .certificateHold : .superseded)
    let release = CertificateReleased(certificate: old.certificate, issuerKeyID: Units.issuer, serial: serial)
    return UnitOfWork(events: [
      flip()
        ? try Units.event(body, on: [old.certificate, old.device])
        : try Units.event(release, on: [old.certificate, old.device])
    ])
  }

  private mutating func changeState() throws -> UnitOfWork {
    guard let old = pick(enrolled), let state = pick(DeviceState.allCases) else { return try enroll() }
    var events = [
      try Units.event(DeviceStateChanged(device: old.device, state: state), on: [old.device], .init(reason: "a step"))
    ]
    if state == .retired { events.insert(contentsOf: try Units.unbound(old).events, at: 0) }
    return UnitOfWork(events: events)
  }

  private mutating func list() throws -> UnitOfWork {
    let listing = pick(HardwareListed.Listing.allCases) ?? .none
    if flip(), let old = pick(enrolled) { return try Units.listed(old.hardware, old.hardwareID, listing) }
    let hardware = Units.hardwareID(.random(in: 1..<40, using: &random))
    return try Units.listed(Units.id(.hardware), hardware, listing, claims: [.hardware(hardware)])
  }

  private mutating func ticket() throws -> UnitOfWork {
    if flip(), let ticket = pick(tickets) {
      return UnitOfWork(events: [try Units.event(TicketCancelled(ticket: ticket), on: [ticket])])
    }
    let ticket = Units.id(.ticket)
    tickets.append(ticket)
    return try Units.ticket(ticket, code: Units.digest("code \(Int.random(in: 0..<200, using: &random))"))
  }

  private mutating func group() throws -> UnitOfWork {
    if flip(), let group = pick(groups) {
      return UnitOfWork(events: [try Units.event(GroupRemoved(group: group), on: [group])])
    }
    let group = Units.id(.group)
    groups.append(group)
    return try Units.group(Units.name("group-\(Int.random(in: 0..<8, using: &random))"), group)
  }

  private mutating func person() throws -> UnitOfWork {
    if flip(), let (record, isHub) = pick(people) {
      let event =
        isHub
        ? try Units.event(HubRemoved(hub: record), on: [record])
        : try Units.event(OperatorRemoved(operator: record), on: [record])
      return UnitOfWork(events: [event])
    }
    let isHub = flip()
    let record = Units.id(isHub ? .hub : .operator)
    people.append((record, isHub))
    let name = Units.name("name-\(Int.random(in: 0..<8, using: &random))")
    return isHub
      ? try Units.hub(name, record, groups: pick(groups).map { [$0] } ?? []) : try Units.operator(name, record)
  }

  private mutating func refuse() throws -> UnitOfWork {
    let on = [pick(enrolled)?.device, pick(enrolled)?.hardware, pick(tickets)].compactMap(\.self)
    return UnitOfWork(events: [
      try Units.event(
        RequestRefused(operation: "enroll", code: "ticket-spent"), on: on,
        .init(reason: "used by another key", source: "192.0.2.9"))
    ])
  }

  private mutating func erase() throws -> UnitOfWork {
    let position = UInt64.random(in: 0..<UInt64(step * 2), using: &random)
    return UnitOfWork(events: [
      try Units.event(EventErased(position: position), .init(reason: "asked for"))
    ])
  }

  private mutating func publish() throws -> UnitOfWork {
    UnitOfWork(events: [
      try Units.event(
        CRLPublished(
          issuerKeyID: Units.issuer, shard: flip() ? nil : UInt32.random(in: 0..<3, using: &random),
          number: UInt64(step), thisUpdate: Units.time, nextUpdate: Units.time, entries: 1, der: Units.digest("crl")))
    ])
  }

  private mutating func activate() throws -> UnitOfWork {
    let files = (0..<Int.random(in: 1..<4, using: &random)).map {
      PoliciesActivated.File(name: "policies/\($0).yaml", digest: Units.digest("\(step)"))
    }
    let number = UInt32.random(in: 0..<8, using: &random)
    return UnitOfWork(events: [
      try Units.event(PoliciesActivated(files: files)), try Units.event(KEKCreated(kek: number, check: "00")),
      try Units.event(SlotAdded(slot: number, protector: .passphrase)), try Units.event(SlotRemoved(slot: number ^ 1)),
    ])
  }

  private mutating func keys() throws -> UnitOfWork {
    guard let device = pick(enrolled) else { return try enroll() }
    if flip() {
      let proved = DeviceKeysProved(proved: [.init(device: device.device, version: UInt32(step))])
      return UnitOfWork(events: [try Units.event(proved, on: [device.device])])
    }
    let made = DeviceKeysMade(
      device: device.device, generation: device.generation, primary: .init(version: UInt32(step), check: "00"),
      secondary: .init(version: UInt32.random(in: 0..<8, using: &random), check: "01"))
    return UnitOfWork(events: [try Units.event(made, on: [device.device])])
  }

  private mutating func receipt() throws -> UnitOfWork {
    guard let hub = pick(people.filter(\.isHub))?.0 else { return try person() }
    let receipt = Receipt(
      hub: hub, size: UInt64.random(in: 0..<UInt64(step), using: &random), root: Units.digest("root"), at: Units.time)
    let given = ReceiptGiven(SignedReceipt(receipt: receipt, publicKey: [1], signature: [2]))
    return UnitOfWork(events: [try Units.event(given, on: [hub])])
  }

  private mutating func pattern() throws -> UnitOfWork {
    let listing = pick(HardwareListed.Listing.allCases) ?? .none
    guard let pattern = HardwarePattern("cpu-serial:board-\(Int.random(in: 1..<4, using: &random))*") else {
      throw StoreError.stopped
    }
    return UnitOfWork(events: [
      try Event(
        at: Units.time, by: .service, on: [.hardwarePatterns], HardwarePatternListed(listing: listing, group: nil),
        details: .init(pattern: pattern, reason: nil))
    ])
  }
}
