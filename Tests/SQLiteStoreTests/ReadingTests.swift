import CertificateAuthority
import DeviceRegistry
import Enrollment
import Ledger
import MusterModel
import MusterTesting
import Policy
import SQLiteStore
import Testing

@Suite struct ReadingTests {
  static let page = PageRequest(limit: 1000)!

  /// A folder, and its store with its instance and one enrolled device, by ticket where it names one.
  private func store(
    _ enrollment: TestEnrollment, ticket code: Digest = Units.digest("code")
  ) async throws -> (TestFolder, FolderStore) {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    if let ticket = enrollment.ticket {
      _ = try await store.commit(
        Units.ticket(ticket, code: code, device: enrollment.deviceID, hardware: enrollment.hardwareID))
    }
    _ = try await store.commit(enrollment.unit())
    return (test, store)
  }

  @Test func `the facts of a ticket are those of its device, hardware, certificate and key, each with its version`()
    async throws
  {
    var enrollment = TestEnrollment()
    enrollment.ticket = Units.id(.ticket)
    let (test, store) = try await store(enrollment)
    var query = FactsQuery()
    query.ticket = .code(Units.digest("code"))
    query.publicKey = enrollment.publicKey
    let facts = try await store.facts(for: query)
    #expect(
      facts.ticket?.state
        == .redeemed(
          .init(
            publicKey: enrollment.publicKey, certificate: enrollment.certificate, device: enrollment.device,
            generation: 1,
            at: Units.time)))
    #expect(facts.device?.record == enrollment.device && facts.device?.binding?.publicKey == enrollment.publicKey)
    #expect(facts.hardware.map(\.id) == [enrollment.hardwareID])
    #expect(facts.hardware.first?.snapshot?.boundTo == enrollment.device)
    #expect(facts.certificate?.record == enrollment.certificate)
    #expect(facts.certificate?.der == Array("der \(enrollment.certificate)".utf8))
    #expect(facts.deviceCertificates.map(\.record) == [enrollment.certificate])
    #expect(facts.publicKeyOwner == enrollment.device)
    #expect(
      facts.reads.versions == [
        .policies: 0, .hardwarePatterns: 0, .vault: 0, .record(try #require(enrollment.ticket)): 4,
        .record(enrollment.device): 5, .record(enrollment.hardware): 4, .record(enrollment.certificate): 5,
      ])
    let unit = UnitOfWork(reads: facts.reads, events: [try Units.event(ServiceStarted(version: "1"))])
    guard case .committed = try await store.commit(unit) else {
      Issue.record("expected facts just read to be current")
      return
    }
    await test.close(store)
  }

  @Test func `a read sees every commit that was answered before it`() async throws {
    let (test, store) = try await store(TestEnrollment())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        group.addTask {
          let name = Units.name("group-\(number)")
          guard case .committed = try await store.commit(Units.group(name)) else { return }
          #expect(try await store.group(name) != nil)
          #expect(try await store.checkpoint()?.contains("muster.test/muster/test/0") == true)
        }
      }
      try await group.waitForAll()
    }
    await test.close(store)
  }

  @Test func `a certificate's holder is found by its fingerprint, and nobody by another`() async throws {
    let enrollment = TestEnrollment()
    let (test, store) = try await store(enrollment)
    let identity = try await store.identity(fingerprint: enrollment.facts.der)
    guard case .device(let device)? = identity?.subject else {
      Issue.record("expected a device, found \(String(describing: identity))")
      return
    }
    #expect(device.id == enrollment.deviceID && identity?.certificate.status == .good)
    #expect(try await store.identity(fingerprint: Units.digest("another")) == nil)
    await test.close(store)
  }

  @Test func `revocation, hold and release are seen by status, list and snapshot`() async throws {
    let enrollment = TestEnrollment()
    let (test, store) = try await store(enrollment)
    let serial = Hex.encode(enrollment.serial)
    func seen() async throws -> (status: CertificateStatus, listed: Int) {
      let revoked = try await store.revocations(ofIssuer: Units.issuer, unexpiredAt: Units.time)
      return (try await store.statuses(of: [serial], issuer: Units.issuer)[0], revoked.certificates.count)
    }
    #expect(try await seen().status == .good)
    let hold = CertificateRevoked(
      certificate: enrollment.certificate, issuerKeyID: Units.issuer, serial: serial,
      reason: .certificateHold)
    _ = try await store.commit(UnitOfWork(events: [try Units.event(hold, on: [enrollment.certificate])]))
    #expect(try await seen().status == .revoked(.certificateHold, at: Units.time))
    #expect(try await seen().listed == 1)
    #expect(try await store.identity(fingerprint: enrollment.facts.der)?.certificate.status == .held)
    let release = CertificateReleased(
      certificate: enrollment.certificate, issuerKeyID: Units.issuer, serial: serial)
    _ = try await store.commit(UnitOfWork(events: [try Units.event(release, on: [enrollment.certificate])]))
    #expect(try await seen().status == .good)
    _ = try await store.commit(UnitOfWork(events: [try Units.revoked(enrollment)]))
    #expect(try await store.certificate(.serial(serial))?.reason == .keyCompromise)
    let another = Hex.encode(UUIDv7(at: Units.time).bytes)
    #expect(
      try await store.statuses(of: [serial, another], issuer: Units.issuer) == [
        .revoked(.keyCompromise, at: Units.time), .unknown,
      ])
    await test.close(store)
  }

  @Test(arguments: [1, 3, 7, 100]) func `pages show every row once, in order`(_ limit: Int) async throws {
    let (test, store) = try await store(TestEnrollment())
    for number in 0..<7 { _ = try await store.commit(Units.group(Units.name("group-\(number)"))) }
    var names: [String] = []
    var after: String?
    repeat {
      let page = try await store.groups(try #require(PageRequest(limit: limit, after: after)))
      #expect(page.rows.count <= limit)
      names += page.rows.map(\.name.text)
      after = page.next
    } while after != nil
    #expect(names == (0..<7).map { "group-\($0)" })
    await #expect(throws: Refusal.self) { try await store.groups(try #require(PageRequest(after: "'; DROP"))) }
    await test.close(store)
  }

  @Test func `a device's screen and history tell of its boards, its swap and why the old one was refused`()
    async throws
  {
    let first = TestEnrollment(deviceID: Units.deviceID("Pump-7"), hardwareID: Units.hardwareID(1))
    let (test, store) = try await store(first)
    let swap = TestEnrollment(
      device: first.device, deviceID: first.deviceID, isNew: false, generation: 2, hardwareID: Units.hardwareID(2),
      ends: (1, first.hardware))
    _ = try await store.commit(swap.unit())
    _ = try await store.commit(
      UnitOfWork(events: [
        try Units.event(
          RequestRefused(operation: "enroll", code: "binding-ended"), on: [first.device, first.hardware],
          .init(reason: "the board was swapped", source: "192.0.2.1"))
      ]))
    let detail = try #require(try await store.device(Units.deviceID("pump-7")))
    #expect(detail.summary.generation == 2 && detail.hardware.map(\.hardware) == [swap.hardwareID])
    #expect(detail.certificates.map(\.record) == [first.certificate, swap.certificate])
    #expect(detail.lastRefusal?.reason == "the board was swapped")
    #expect(detail.version == 7)
    let page = try #require(try await store.history(of: first.deviceID, Self.page))
    #expect(
      page.rows.map(\.kind) == [
        "device-enrolled", "certificate-issued", "binding-ended", "device-enrolled", "certificate-issued",
        "request-refused",
      ])
    #expect(page.rows.last?.what == "enroll refused: binding-ended, the board was swapped")
    #expect(page.rows[3].what.contains("cpu-serial:board-2"))
    _ = try await store.commit(
      UnitOfWork(events: [try Units.event(EventErased(position: 7), .init(reason: "asked for"))]))
    let erased = try await store.history(of: first.deviceID, Self.page)
    #expect(erased?.rows.last?.what == "enroll refused: binding-ended, erased")
    #expect(try await store.history(of: Units.deviceID("nobody"), Self.page) == nil)
    await test.close(store)
  }

  @Test func `every listing shows what a history made, and skips nothing that has a name`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    var history = History(seed: 11)
    for _ in 0..<300 { _ = await store.commit([try history.next()]) }
    let page = Self.page
    let devices = try await store.devices(page, DeviceFilter()).rows
    let certificates = try await store.certificates(page, of: nil).rows
    let shown = [
      devices.count, certificates.count, try await store.hardware(page).rows.count,
      try await store.tickets(page, at: Units.time).rows.count, try await store.operators(page).rows.count,
      try await store.hubs(page).rows.count, try await store.groups(page).rows.count,
    ]
    for device in devices {
      _ = try #require(try await store.device(device.deviceID))
      _ = try #require(try await store.history(of: device.deviceID, page))
    }
    for certificate in certificates {
      #expect(try await store.certificate(.record(certificate.record)) == certificate)
    }
    await test.close(store)
    let counted = try [
      "device WHERE device_id IS NOT NULL", "certificate",
      """
      (SELECT id FROM hardware UNION ALL SELECT 0 FROM hardware_pattern AS last
        WHERE pattern IS NOT NULL AND listing <> 'none' AND NOT EXISTS (
          SELECT 1 FROM hardware_pattern AS later
          WHERE later.pattern = last.pattern AND later.position > last.position))
      """, "ticket",
      "operator WHERE removed_at IS NULL AND name IS NOT NULL", "hub WHERE removed_at IS NULL AND name IS NOT NULL",
      "device_group WHERE removed_at IS NULL AND name IS NOT NULL",
    ].map { try Int(test.number("SELECT count(*) FROM \($0)") ?? -1) }
    #expect(shown == counted)
    #expect(shown.allSatisfy { $0 > 0 })
  }

  @Test func `each event is proved under the checkpoint of the last commit`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    for number in 0..<300 { _ = try await store.commit(Units.group(Units.name("g\(number)"))) }
    for position in [0, 255, 256, 299] as [UInt64] {
      let proof = try #require(try await store.inclusionProof(of: position))
      let checkpoint = try test.signer.verifier.verify(proof.checkpoint).get()
      let inclusion = try #require(
        InclusionProof(
          position: proof.position, size: proof.size, leaf: MerkleHash.leaf(Array(proof.event.utf8)),
          siblings: proof.path))
      #expect(checkpoint.size == 300 && inclusion.verify(root: checkpoint.root))
    }
    #expect(try await store.inclusionProof(of: 300) == nil)
    #expect(try await store.tile(level: 0, index: 0, width: 256)?.count == 256)
    #expect(try await store.tile(level: 0, index: 1, width: 44)?.count == 44)
    #expect(try await store.tile(level: 0, index: 1, width: 45) == nil)
    #expect(try await store.tile(level: 1, index: 0, width: 1)?.count == 1)
    #expect(try await store.tile(level: 0, index: 2, width: 1) == nil)
    #expect(try await store.tile(level: 9, index: 0, width: 1) == nil)
    await test.close(store)
  }

  @Test func `the count of a group's devices follows them`() async throws {
    let (test, store) = try await store(TestEnrollment())
    let (group, name) = (Units.id(.group), Units.name("alpha"))
    _ = try await store.commit(Units.group(name, group))
    var enrollment = TestEnrollment(deviceID: Units.deviceID("in-group"), hardwareID: Units.hardwareID(5))
    enrollment.group = group
    _ = try await store.commit(enrollment.unit())
    #expect(try await store.group(name)?.devices == 1)
    for (state, count) in [(DeviceState.disabled, 1), (.retired, 0)] {
      _ = try await store.commit(
        UnitOfWork(events: [
          try Units.event(
            DeviceStateChanged(device: enrollment.device, state: state), on: [enrollment.device], .init(reason: nil))
        ]))
      #expect(try await store.group(name)?.devices == count)
    }
    await test.close(store)
  }

  @Test func `the last listing of a pattern counts`() async throws {
    let (test, store) = try await store(TestEnrollment())
    let pattern = try #require(HardwarePattern("mac:aabb*"))
    for (listing, expected) in [(HardwareListed.Listing.blocked, 1), (.allowed, 1), (.none, 0)] {
      _ = try await store.commit(
        UnitOfWork(events: [
          try Event(
            at: Units.time, by: .service, on: [.hardwarePatterns], HardwarePatternListed(listing: listing, group: nil),
            details: .init(pattern: pattern, reason: nil))
        ]))
      let patterns = try await store.facts(for: FactsQuery()).patterns
      #expect(patterns.entries.count == expected && patterns.entries.first.map(\.listing) ?? .none == listing)
    }
    await test.close(store)
  }

  @Test func `secrets are kept, replaced and forgotten, and answers are found by their key`() async throws {
    let (test, store) = try await store(TestEnrollment())
    let (key, other, person) = (Units.id(.key), Units.id(.key), Units.id(.operator))
    func secret(_ owner: RecordID, _ byte: UInt8) -> SealedSecret {
      SealedSecret(owner: owner, purpose: "kek", version: 1, bytes: [byte])
    }
    let answer = IdempotentAnswer(
      operator: person, key: "k", request: Units.digest("r"), status: 201, body: [7], isSealed: true)
    _ = try await store.commit(UnitOfWork(events: [], secrets: [secret(key, 1), secret(other, 2)], answer: answer))
    _ = try await store.commit(UnitOfWork(events: [], secrets: [secret(key, 3)]))
    #expect(try await Set(store.secrets(purpose: "kek")) == [secret(key, 3), secret(other, 2)])
    _ = try await store.commit(UnitOfWork(events: [], forgets: [key]))
    #expect(try await store.secrets(purpose: "kek") == [secret(other, 2)])
    #expect(try await store.answer(to: person, key: "k") == answer)
    #expect(try await store.answer(to: person, key: "other") == nil)
    await test.close(store)
  }
}
