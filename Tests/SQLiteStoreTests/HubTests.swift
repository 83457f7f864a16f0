import CertificateAuthority
import DeviceRegistry
import KeyVault
import Ledger
import MusterModel
import MusterTesting
import Policy
import Testing

@testable import HubAccess
@testable import SQLiteStore

/// A store with two hubs: one sees a group, the other what names it; some devices are nobody's.
struct HubWorld {
  var test: TestFolder
  var store: FolderStore
  let group = Units.id(.group)
  let first = Units.id(.hub)
  let second = Units.id(.hub)
  let certificates = [Units.id(.certificate), Units.id(.certificate)]

  static func with(_ body: (HubWorld) async throws -> Void) async throws {
    let test = try TestFolder()
    let world = HubWorld(test: test, store: try test.create())
    try await world.found()
    do {
      try await body(world)
    } catch {
      await test.close(world.store)
      throw error
    }
    await test.close(world.store)
    #expect(try LedgerReplay.check(test.folder).differences == [])
  }

  private func found() async throws {
    _ = try await store.commit(try Units.instance())
    _ = try await store.commit(try Units.group(Units.name("pumps"), group))
    for (hub, (groups, certificate)) in zip([first, second], zip([[group], []], certificates)) {
      let added = HubAdded(hub: hub, groups: groups)
      let facts = CertificateFacts(
        certificate: certificate, subject: hub, issuerKeyID: Units.issuer,
        serial: Hex.encode(UUIDv7(at: Units.time).bytes), profile: "hub", notBefore: Units.time,
        notAfter: Units.time + .seconds(86_400), shard: 0, publicKey: Units.digest("\(hub)"),
        der: Units.digest("der \(hub)"), request: nil)
      let name = hub == first ? "first" : "second"
      _ = try await store.commit(
        UnitOfWork(events: [
          try Units.event(added, on: [hub], .init(name: Units.name(name), host: "\(name).test")),
          try Units.event(
            CertificateIssued(issued: facts), on: [certificate], .init(source: nil, decision: nil)),
        ]))
    }
  }

  func credential(_ hub: RecordID) -> HubCredential {
    HubCredential(hub: hub, certificate: certificates[hub == first ? 0 : 1], reads: ReadSet())
  }

  func enroll(_ name: String, number: Int, group: RecordID?) async throws -> TestEnrollment {
    var enrollment = TestEnrollment(
      deviceID: Units.deviceID(name), hardwareID: Units.hardwareID(number), group: group)
    enrollment.certificate = Units.id(.certificate)
    _ = try await store.commit(try enrollment.unit())
    return enrollment
  }

  func page(_ hub: RecordID, after place: LedgerPlace, limit: Int = 1000) async throws -> FeedPage {
    guard case .page(let page) = try await store.feed(of: credential(hub), after: place, limit: limit) else {
      throw StoreError.damaged("no page")
    }
    return page
  }

  let empty = LedgerPlace(size: 0, root: .sha256([]))
}

@Suite struct HubTests {
  @Test func `a hub hears of its devices and of no other's, in order, with proofs that hold`() async throws {
    try await HubWorld.with { world in
      let own = try await world.enroll("own", number: 1, group: world.group)
      let other = try await world.enroll("other", number: 2, group: nil)
      for enrollment in [own, other] {
        _ = try await world.store.commit(UnitOfWork(events: [try Units.revoked(enrollment)]))
        let state = DeviceStateChanged(device: enrollment.device, state: .disabled)
        _ = try await world.store.commit(
          UnitOfWork(events: [try Units.event(state, on: [enrollment.device], .init(reason: nil))]))
      }
      let page = try await world.page(world.first, after: world.empty)
      #expect(page.changes.map(\.change) == [.bound, .revoked, .disabled])
      #expect(page.changes.allSatisfy { $0.device == own.device && $0.deviceID == own.deviceID })
      #expect(page.changes[1].serial == Hex.encode(own.serial))
      #expect(page.changes[1].fingerprint == own.facts.der.hex)
      #expect(try await world.page(world.second, after: world.empty).changes == [])
    }
  }

  @Test func `pages of any size make the same feed, without gap or repeat, each proved to continue the last`()
    async throws
  {
    try await HubWorld.with { world in
      var enrollments: [TestEnrollment] = []
      for number in 0..<6 {
        enrollments.append(
          try await world.enroll("d\(number)", number: number, group: number % 2 == 0 ? world.group : nil))
      }
      for enrollment in enrollments {
        _ = try await world.store.commit(UnitOfWork(events: [try Units.revoked(enrollment)]))
      }
      let whole = try await world.page(world.first, after: world.empty).changes
      #expect(whole.count == 6)
      for limit in 1...7 {
        var follower = Follower(FollowerState(place: world.empty))
        var heard: [HubChange] = []
        while heard.count < whole.count {
          guard case .poll(let place) = follower.next else {
            follower.receiptTaken()
            continue
          }
          let page = try await world.page(world.first, after: place, limit: limit)
          #expect(page.changes.count <= limit)
          heard += page.changes
          follower.did(try follower.plan(page, world.test.signer.verifier).get())
        }
        #expect(heard == whole, "limit \(limit)")
      }
    }
  }

  @Test func `a place that the ledger does not have is rolled back`() async throws {
    try await HubWorld.with { world in
      let place = try await world.page(world.first, after: world.empty).place
      let beyond = LedgerPlace(size: place.size + 1, root: .sha256([]))
      let another = LedgerPlace(size: place.size, root: .sha256([1]))
      for wrong in [beyond, another, LedgerPlace(size: 0, root: .sha256([1]))] {
        guard case .rolledBack = try await world.store.feed(of: world.credential(world.first), after: wrong, limit: 9)
        else {
          Issue.record("\(wrong) was taken")
          continue
        }
        #expect(try await !world.store.holds(wrong))
      }
      #expect(try await world.store.holds(place))
      #expect(try await world.store.holds(world.empty))
    }
  }

  @Test func `a hub that was removed, or whose certificate was revoked, hears nothing more`() async throws {
    try await HubWorld.with { world in
      _ = try await world.store.commit(
        UnitOfWork(events: [try Units.event(HubRemoved(hub: world.first), on: [world.first])]))
      _ = try await world.store.commit(
        UnitOfWork(events: [
          try Units.event(
            CertificateRevoked(
              certificate: world.certificates[1], issuerKeyID: Units.issuer, serial: "00", reason: .keyCompromise),
            on: [world.certificates[1]])
        ]))
      for hub in [world.first, world.second] {
        guard case .notInOffice = try await world.store.feed(of: world.credential(hub), after: world.empty, limit: 9)
        else {
          Issue.record("\(hub) heard")
          continue
        }
      }
      #expect(try await world.store.host(of: world.first) == nil)
    }
  }

  @Test func `the commit that concerns a hub wakes it, and no other does`() async throws {
    try await HubWorld.with { world in
      let own = try await world.enroll("own", number: 1, group: world.group)
      let other = try await world.enroll("other", number: 2, group: nil)
      let place = try await world.page(world.first, after: world.empty).place
      let waiting = Task {
        try await Feed(world.store).page(for: world.credential(world.first), after: place, waiting: .seconds(50))
      }
      while world.store.signal.awaited.isEmpty { await Task.yield() }
      _ = try await world.store.commit(UnitOfWork(events: [try Units.revoked(other)]))
      #expect(world.store.signal.awaited == [world.first])
      _ = try await world.store.commit(UnitOfWork(events: [try Units.revoked(own)]))
      guard case .page(let page) = try await waiting.value else {
        Issue.record("no page")
        return
      }
      #expect(page.changes.map(\.device) == [own.device] && page.continuation.old == place.size)
      while !world.store.signal.awaited.isEmpty { await Task.yield() }
    }
  }

  @Test func `credentials are shown to whom the device is assigned`() async throws {
    try await HubWorld.with { world in
      let own = try await world.enroll("own", number: 1, group: world.group)
      _ = try await world.enroll("other", number: 2, group: nil)
      let ids = [own.deviceID, Units.deviceID("other"), Units.deviceID("nobody")]
      for id in ids {
        let found = try await world.store.device(id, of: world.first, at: Units.time)
        #expect(found?.device.deviceID == (id == own.deviceID ? id : nil))
        #expect(found?.device.certificates.map(\.fingerprint) == (id == own.deviceID ? [own.facts.der.hex] : nil))
        #expect(try await world.store.device(id, of: world.second, at: Units.time) == nil)
      }
      let holders = try await world.store.holders(ids, of: world.first)
      #expect(holders.map { $0?.deviceID } == [own.deviceID, nil, nil])
      #expect(try await world.store.holders(ids, of: world.second).allSatisfy { $0 == nil })
      for key in [CertificateKey.fingerprint(own.facts.der), .serial(Hex.encode(own.serial))] {
        #expect(try await world.store.device(of: key, hub: world.first, at: Units.time)?.device.device == own.device)
        #expect(try await world.store.device(of: key, hub: world.second, at: Units.time) == nil)
      }
    }
  }

  @Test func `a snapshot in parts holds each device once`() async throws {
    try await HubWorld.with { world in
      for number in 0..<7 { _ = try await world.enroll("d\(number)", number: number, group: world.group) }
      var names: [DeviceID] = []
      var cursor: Int64 = -1
      while true {
        let part = try await world.store.devices(of: world.first, after: cursor, limit: 3, at: Units.time)
        names += part.devices.map(\.device.deviceID)
        guard let next = part.next else { break }
        cursor = next
      }
      #expect(names == (0..<7).map { Units.deviceID("d\($0)") })
    }
  }

  @Test func `blocked hardware shows, by its ID and by a pattern`() async throws {
    try await HubWorld.with { world in
      let own = try await world.enroll("own", number: 1, group: world.group)
      func isBlocked() async throws -> [Bool?] {
        [
          try await world.store.device(own.deviceID, of: world.first, at: Units.time)?.device.isBlocked,
          try await world.store.holders([own.deviceID], of: world.first)[0]?.isBlocked,
        ]
      }
      #expect(try await isBlocked() == [false, false])
      _ = try await world.store.commit(try Units.listed(own.hardware, own.hardwareID, .blocked))
      #expect(try await isBlocked() == [true, true])
    }
  }

  @Test func `keys of a binding that ended are nobody's`() async throws {
    try await HubWorld.with { world in
      let own = try await world.enroll("own", number: 1, group: world.group)
      let key = { (version: UInt32) in DeviceKeysMade.Key(version: version, check: "00") }
      let secrets = [1, 2].map {
        SealedSecret(owner: own.device, purpose: DeviceKeyPair.purpose, version: $0, bytes: [UInt8($0)])
      }
      let made = DeviceKeysMade(device: own.device, generation: 1, primary: key(1), secondary: key(2))
      _ = try await world.store.commit(UnitOfWork(events: [try Units.event(made, on: [own.device])], secrets: secrets))
      let proved = DeviceKeysProved(proved: [.init(device: own.device, version: 2)])
      _ = try await world.store.commit(UnitOfWork(events: [try Units.event(proved, on: [own.device])]))
      func shown() async throws -> SealedDevice? {
        try await world.store.device(own.deviceID, of: world.first, at: Units.time)
      }
      func holder() async throws -> KeyHolder? {
        try await world.store.holders([own.deviceID], of: world.first)[0]
      }
      #expect(try await shown()?.sealed.map(\.version) == [1, 2])
      #expect(try await holder()?.sealed == shown()?.sealed)
      #expect(try await holder()?.proved == 2)
      #expect(try await world.page(world.first, after: world.empty).changes.last?.change == .keyChanged)
      let swap = TestEnrollment(
        device: own.device, deviceID: own.deviceID, isNew: false, generation: 2, hardwareID: Units.hardwareID(9),
        group: world.group, ends: (1, own.hardware))
      _ = try await world.store.commit(try swap.unit())
      #expect(try await shown()?.sealed.isEmpty == true)
      #expect(try await holder()?.sealed.isEmpty == true)
      #expect(try await shown()?.device.keys.isEmpty == true)
    }
  }

  @Test func `a receipt counts from the first that covers a change`() async throws {
    try await HubWorld.with { world in
      let own = try await world.enroll("own", number: 1, group: world.group)
      _ = try await world.store.commit(UnitOfWork(events: [try Units.revoked(own)]))
      let page = try await world.page(world.first, after: world.empty)
      let before = try await world.store.statuses()
      #expect(before.map(\.pending) == [2, 0] && before[0].enforced == nil)
      #expect(try await world.store.enforcement(ofCertificate: own.certificate).hubs.map(\.isEnforced) == [false])
      let receipt = Receipt(
        hub: world.first, size: page.place.size, root: try #require(Digest(hex: page.place.root)), at: Units.time)
      let given = ReceiptGiven(SignedReceipt(receipt: receipt, publicKey: [1], signature: [2]))
      _ = try await world.store.commit(UnitOfWork(events: [try Units.event(given, on: [world.first])]))
      let after = try await world.store.statuses()
      #expect(after.map(\.pending) == [0, 0] && after[0].enforced == page.place.size)
      let enforcement = try await world.store.enforcement(ofCertificate: own.certificate)
      #expect(enforcement.position == page.changes.last?.position && enforcement.hubs.map(\.isEnforced) == [true])
    }
  }

  @Test func `a hub's backlog is counted no further than to its limit`() async throws {
    try await HubWorld.with { world in
      for number in 1...3 { _ = try await world.enroll("own-\(number)", number: number, group: world.group) }
      for (limit, pending, isMore) in [(2, 2, true), (3, 3, false), (4, 3, false)] as [(UInt64, UInt64, Bool)] {
        let status = try await world.store.read { snapshot in
          let number = try snapshot.db.number("SELECT min(id) FROM hub")
          return try snapshot.status(
            of: world.first, name: Units.name("first"), host: "hub.test", number: number, countingTo: limit)
        }
        #expect(status.pending == pending && status.isMorePending == isMore)
        #expect(status.pendingSince == Units.time)
      }
    }
  }

  @Test func `a receipt calls for no receipt, and a change for one of its hub alone`() async throws {
    try await HubWorld.with { world in
      let own = try await world.enroll("own", number: 1, group: world.group)
      let place = try await world.page(world.first, after: world.empty).place
      #expect(try await world.store.saysMore(place.size, from: world.first), "it gave none before")
      let receipt = Receipt(
        hub: world.first, size: place.size, root: try #require(Digest(hex: place.root)), at: Units.time)
      let given = ReceiptGiven(SignedReceipt(receipt: receipt, publicKey: [1], signature: [2]))
      _ = try await world.store.commit(UnitOfWork(events: [try Units.event(given, on: [world.first])]))
      #expect(try await !world.store.saysMore(place.size, from: world.first), "the same again")
      #expect(try await !world.store.saysMore(place.size + 1, from: world.first), "its own receipt alone")
      _ = try await world.store.commit(UnitOfWork(events: [try Units.revoked(own)]))
      #expect(try await world.store.saysMore(place.size + 2, from: world.first))
      #expect(try await !world.store.saysMore(place.size + 1, from: world.first), "not as far as the change")
    }
  }
}
