import CertificateAuthority
import Enrollment
import HTTPService
import KeyVault
import Logging
import MusterModel
import MusterTesting
import Publication
import SQLiteStore
import Testing

@testable import muster

/// Rollovers of certificates over a real instance: its store, its CAs, its renewals, and a clock that is told the time.
@Suite(.timeLimit(.minutes(20))) struct CertificateRolloverTests {
  // MARK: - An issuing CA on its way out

  @Test func `an issuing CA is walked out of the fleet, wave by wave, and no device is shut out`() async throws {
    try await World.rotated(devices: 4) { world in
      let rollover = try await world.start(world.plan(canary: 25, step: 75))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["waiting": 1])
      let canary = try #require(try await world.stragglers(rollover).first?.deviceID?.text)
      for name in world.names where name != canary {
        #expect(try await !world.isAsked(name), "\(name) is in no open wave")
      }
      #expect(try await world.isAsked(canary))
      #expect(try await world.counts(rollover) == ["called": 1])
      let old = world.shown(canary)
      try await world.renew(canary)
      #expect(try await world.counts(rollover) == ["made": 1])
      #expect(try await !world.isAsked(canary))
      #expect(try await world.counts(rollover) == ["proved": 1])
      #expect(try await world.isGood(old), "the old one is good until the overlap is over")
      world.test.clock.advance(.seconds(3600))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["proved": 1, "waiting": 3], "the second wave has the rest")
      world.test.clock.advance(.seconds(86_400))
      try await world.upkeep()
      #expect(try await world.identity(old).refusalCode == "certificate-revoked")
      for name in world.names where name != canary {
        #expect(try await world.isAsked(name))
        try await world.renew(name)
        #expect(try await !world.isAsked(name))
      }
      world.test.clock.advance(.seconds(86_400))
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["settled": 4])
      #expect(try await world.state(rollover) == .finished)
      let revoked = try await world.test.opened.readers.revocations(
        ofIssuer: world.before, unexpiredAt: world.test.clock.now())
      #expect(
        revoked.certificates.count == 4 && revoked.certificates.allSatisfy { $0.certificate.reason == .superseded })
      for name in world.names {
        let shown = try await world.certificate(world.shown(name))
        #expect(shown.issuerKeyID != world.before && shown.status == .good)
      }
      try world.test.expectWholeLedger()
    }
  }

  @Test func `the CA that another took over from signs its CRLs and answers, and issues to no device`() async throws {
    try await World.rotated(devices: 1) { world in
      let (test, authorities) = (world.test, world.test.instance.authorities)
      let issuing = try #require(authorities.issuer(for: .devices))
      #expect(issuing.keyID != world.before)
      try await CertificateUpkeep(
        opened: test.opened, credential: CurrentCredential(try ServerIdentity.read(test.opened.folder).credential),
        logger: Logger(label: "muster") { _ in SwiftLogNoOpLogHandler() }
      ).renewWhatIsDue()
      let signing = UnsealedAuthorities(authorities: authorities)
      #expect(Set(signing.issuers.map(\.keyID)).isSuperset(of: [world.before, issuing.keyID]))
      #expect(signing.issuers.count == 3 && signing.responders.count == 3)
      let code = try await test.ticket("cpu-serial:feed00ff", "new", by: world.administrator)
      let enrolled = try await test.enroll("new", code, PeerKey()).get()
      #expect(enrolled.chain.last == issuing.certificate)
      let chain = String(decoding: try test.opened.folder.read(.chain), as: UTF8.self)
      #expect(chain.components(separatedBy: "BEGIN CERTIFICATE").count == 4)
      try OpenSSL().succeed(
        "verify -x509_strict -no_check_time -CAfile \(test.opened.folder.path(of: .root)) \(try world.file(issuing.certificate))"
      )
      try test.expectWholeLedger()
    }
  }

  @Test func `the CA that issues is not walked out, nor one that is none`() async throws {
    try await World.with(devices: 1) { world in
      for (issuer, code) in [(world.before, "issuer-in-use"), ("00", "issuer-unknown")] {
        let input = RolloverInput(
          group: nil, plan: world.plan(), certificates: LeavingCertificates(issuerKeyID: issuer))
        let refused = try await world.test.administration.planRollover(input, by: world.officer)
        #expect(refused.refusalCode == code)
      }
      await #expect(throws: CommandFailure.self) {
        _ = try await IssuerRotation(opened: world.test.opened).rotate(
          sealedKey: try world.test.opened.folder.read(.offlineRoot), code: .random())
      }
      let issuers = try await world.test.opened.readers.issuers()
      #expect(issuers.count == 3)
    }
  }

  @Test func `the root revokes a CA that another took over from, once nobody has a certificate of it`() async throws {
    try await World.rotated(devices: 1) { world in
      let test = world.test
      let (renewal, key) = (RootListRenewal(opened: test.opened), try test.opened.folder.read(.offlineRoot))
      let issuing = try #require(test.instance.authorities.issuer(for: .devices)).keyID
      for (issuer, isCut) in [(world.before, false), (issuing, true), (test.opened.rootKeyID, true), ("00", true)] {
        await #expect(throws: CommandFailure.self) {
          _ = try await renewal.revoke(issuer, cuttingOff: isCut, sealedKey: key, code: test.code)
        }
      }
      let list = try await renewal.revoke(world.before, cuttingOff: true, sealedKey: key, code: test.code)
      #expect(list.issuerKeyID == test.opened.rootKeyID && list.entries == 1)
      #expect(try await renewal.renew(sealedKey: key, code: test.code).entries == 1, "it stays on the list")
      let revoked = try await test.opened.readers.issuers().filter { $0.revoked != nil }
      #expect(revoked.map(\.keyID) == [world.before])
      let chain = String(decoding: try test.opened.folder.read(.chain), as: UTF8.self)
      #expect(chain.components(separatedBy: "BEGIN CERTIFICATE").count == 3)
      try await test.reopened { again in
        #expect(again.instance.authorities.issuers.allSatisfy { $0.keyID != world.before })
        try again.expectWholeLedger()
      }
    }
  }

  // MARK: - What goes otherwise

  @Test func `all of before the start leave by the same CA, and who renewed by itself is not asked again`()
    async throws
  {
    try await World.with(devices: 3) { world in
      let rollover = try await world.start(world.plan(), issuer: nil)
      try await world.upkeep()
      let first = world.names[0]
      // A client that knows nothing of windows renews when it likes.
      try await world.renew(first)
      #expect(try await world.counts(rollover) == ["made": 1, "waiting": 2])
      #expect(try await !world.isAsked(first))
      #expect(try await world.counts(rollover) == ["proved": 1, "waiting": 2])
    }
  }

  @Test func `an abort takes no certificate from anybody`() async throws {
    try await World.rotated(devices: 4) { world in
      let rollover = try await world.start(world.plan())
      try await world.upkeep()
      let shown = world.names.map { world.shown($0) }
      for name in world.names.prefix(3) { #expect(try await world.isAsked(name)) }
      for name in world.names.prefix(2) { try await world.renew(name) }
      #expect(try await !world.isAsked(world.names[0]))
      try await world.lead(rollover, .abort)
      try await world.upkeep()
      #expect(try await world.counts(rollover) == ["kept": 2, "left": 2])
      #expect(try await world.state(rollover) == .aborted)
      for leaf in shown + world.names.map({ world.shown($0) }) { #expect(try await world.isGood(leaf)) }
      #expect(try await !world.isAsked(world.names[3]))
      try world.test.expectWholeLedger()
    }
  }

  @Test func `at the deadline no more devices lose their certificates than the plan says`() async throws {
    try await World.rotated(devices: 5) { world in
      let rollover = try await world.start(world.plan(breaks: 2))
      try await world.upkeep()
      #expect(try await world.isAsked(world.names[0]))
      world.test.clock.advance(.seconds(30 * 86_400))
      try await world.upkeep()
      #expect(try await world.counts(rollover)["broken"] == 2)
      #expect(try await world.stragglers(rollover).count == 3)
      #expect(try await world.state(rollover) == .running, "it waits for the others")
      var lost = 0
      for name in world.names where try await !world.isGood(world.shown(name)) { lost += 1 }
      #expect(lost == 2)
    }
  }

  @Test func `renewals that are refused pause it`() async throws {
    try await World.rotated(devices: 2) { world in
      let rollover = try await world.start(world.plan())
      try await world.upkeep()
      for name in world.names { #expect(try await world.isAsked(name)) }
      let other = try #require(world.devices[world.names[1]]).key
      let csr = try other.request(commonName: world.names[0])
      let refused = try await world.test.renewal.renew(
        leaf: world.shown(world.names[0]), csr: csr, source: "192.0.2.7")
      #expect(refused.refusalCode == "key-taken", "\(refused)")
      try await world.upkeep()
      let paused = try #require(try await world.test.instance.listings.rollover(rollover))
      #expect(paused.state == .paused && paused.cause == .refusals && paused.refused == 1)
      #expect(try await !world.isAsked(world.names[0]), "nobody is asked while it is paused")
      try await world.lead(rollover, .resume)
      #expect(try await world.isAsked(world.names[0]))
    }
  }

  @Test func `a device that goes back to its old certificate keeps it`() async throws {
    try await World.rotated(devices: 1) { world in
      let rollover = try await world.start(world.plan())
      try await world.upkeep()
      let (name, old) = (world.names[0], world.shown(world.names[0]))
      try await world.renew(name)
      #expect(try await !world.isAsked(name))
      #expect(try await world.isGood(old))
      _ = try await world.identity(old).get()
      #expect(try await world.counts(rollover) == ["offered": 1])
      world.test.clock.advance(.seconds(86_401))
      try await world.upkeep()
      #expect(try await world.isGood(old))
    }
  }

  @Test func `keys and certificates are rolled over beside each other`() async throws {
    try await World.rotated(devices: 1) { world in
      let rollover = try await world.start(world.plan())
      try await world.upkeep()
      _ = try await world.test.administration.rekey(world.names[0], by: world.administrator).get()
      let keys = try await world.test.administration.planRollover(
        RolloverInput(group: nil, plan: world.plan()), by: world.officer
      ).get()
      try await world.lead(keys, .start)
      let again = try await world.test.administration.planRollover(
        RolloverInput(group: nil, plan: world.plan(), certificates: LeavingCertificates()), by: world.officer
      ).get()
      let refused = try await world.test.administration.change(again, .start, by: world.officer)
      #expect(refused.refusalCode == "rollover-under-way")
      try await world.upkeep()
      #expect(try await world.counts(keys) == ["waiting": 1])
      #expect(try await world.isAsked(world.names[0]))
      #expect(try await world.counts(keys) == ["waiting": 1])
      #expect(try await world.counts(rollover) == ["called": 1])
    }
  }

  // MARK: - Whatever happens

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `devices that were told that a certificate is good are never refused it`(seed: UInt64) async throws {
    try await World.rotated(devices: 5) { world in
      var random = SeededGenerator(seed: seed)
      let plan = { world.plan(canary: 40, step: 60, soak: 60, overlap: 600) }
      var rollover = try await world.start(plan())
      var told: [String: [UInt8]] = [:]
      for _ in 0..<120 {
        let name = world.names[Int.random(in: 0..<5, using: &random)]
        let held = try #require(world.devices[name]?.leaves.randomElement(using: &random))
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<4: if case .done = try await world.identity(held) { told[name] = held }
        case 4..<6:
          guard let new = try await world.renewed(name, by: held) else { continue }
          // The answer may be lost: what it showed is on record.
          told[name] = held
          if Bool.random(using: &random) {
            told[name] = new
            // It lets go of the others, or not.
            world.devices[name]?.leaves = Bool.random(using: &random) ? [new] : [held, new]
          }
        case 6..<9: _ = try await RolloverUpkeep(world.test.instance).round()
        case 9: world.test.clock.advance(.seconds(Int.random(in: 0...900, using: &random)))
        default:
          let state = try await world.state(rollover)
          if state == .aborted || state == .finished {
            rollover = try await world.start(plan(), issuer: nil)
          } else if Int.random(in: 0..<4, using: &random) == 0 {
            try await world.lead(rollover, .abort)
          }
        }
        for (name, leaf) in told { #expect(try await world.isGood(leaf), "\(name)") }
      }
      try world.test.expectWholeLedger()
    }
  }

  @Test func `certificates that are shown while others end are never good for nothing`() async throws {
    try await World.rotated(devices: 6) { world in
      let rollover = try await world.start(world.plan(soak: 0, overlap: 0))
      for name in world.names {
        let old = world.shown(name)
        try await world.renew(name)
        let new = world.shown(name)
        world.devices[name]?.leaves = [old, new]
      }
      for _ in 0..<20 {
        let instance = world.test.instance
        let devices = world.devices
        let said = try await withThrowingTaskGroup(of: (String, [UInt8], Bool)?.self) { group in
          for (name, device) in devices {
            for leaf in device.leaves {
              group.addTask {
                (name, leaf, try await DeviceIdentification(instance).identity(leaf: leaf).refusalCode == nil)
              }
            }
          }
          group.addTask {
            _ = try await RolloverUpkeep(instance).round()
            return nil
          }
          var said: [(name: String, leaf: [UInt8], isGood: Bool)] = []
          for try await result in group {
            if let (name, leaf, isGood) = result { said.append((name, leaf, isGood)) }
          }
          return said
        }
        // Asked of both at once nobody knows which was last; one of those that were good is.
        for name in world.names {
          let good = said.filter { $0.name == name && $0.isGood }.map(\.leaf)
          var isOneLeft = good.isEmpty
          for leaf in good where try await world.isGood(leaf) { isOneLeft = true }
          #expect(isOneLeft, "\(name)")
        }
      }
      let counts = try await world.counts(rollover)
      #expect(counts["waiting"] == nil && counts["called"] == nil, "\(counts)")
      try world.test.expectWholeLedger()
    }
  }
}

/// Devices with certificates, and what each holds.
private final class World: RolloverWorld {
  struct Device {
    let key: PeerKey
    /// The certificates that it holds; the last is the one that it shows.
    var leaves: [[UInt8]]
  }

  let test: TestInstance
  let officer: Caller
  let administrator: Caller
  /// The CA that issued the first certificates.
  let before: String
  var devices: [String: Device]
  var names: [String] { devices.keys.sorted() }

  private init(
    _ test: TestInstance, _ officer: Caller, _ administrator: Caller, _ before: String, _ devices: [String: Device]
  ) {
    (self.test, self.officer, self.administrator) = (test, officer, administrator)
    (self.before, self.devices) = (before, devices)
  }

  /// The policy lets a rollover break as many as these tests have plans for.
  private static let keys = "version: 1\ncryptoperiods: {}\nrollovers: {may-break: 2}\n"

  static func with(devices count: Int, _ body: (World) async throws -> Void) async throws {
    try await TestInstance.with(keys: keys) { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let officer = try await test.caller(.securityOfficer)
      let before = try #require(test.instance.authorities.issuer(for: .devices)).keyID
      var devices: [String: Device] = [:]
      for number in 0..<count {
        let (name, key) = ("dev-\(number)", PeerKey())
        let code = try await test.ticket("cpu-serial:feed000\(number)", name, by: administrator)
        let enrolled = try await test.enroll(name, code, key).get()
        devices[name] = Device(key: key, leaves: [try #require(enrolled.chain.first)])
      }
      try await body(World(test, officer, administrator, before, devices))
    }
  }

  /// The same after another issuing CA took over.
  static func rotated(devices count: Int, _ body: (World) async throws -> Void) async throws {
    try await with(devices: count) { world in
      let new = try await IssuerRotation(opened: world.test.opened).rotate(
        sealedKey: try world.test.opened.folder.read(.offlineRoot), code: world.test.code)
      try await world.test.reopened { test in
        #expect(test.instance.authorities.issuer(for: .devices)?.keyID == new.keyID)
        try await body(World(test, world.officer, world.administrator, world.before, world.devices))
      }
    }
  }

  // MARK: Devices

  func shown(_ name: String) -> [UInt8] { devices[name]?.leaves.last ?? [] }

  func identity(_ leaf: [UInt8]) async throws -> Outcome<DeviceIdentity> {
    try await DeviceIdentification(test.instance).identity(leaf: leaf)
  }

  /// Whether the service wants it to renew now.
  func isAsked(_ name: String) async throws -> Bool {
    let window = try await identity(shown(name)).get().suggestedWindow
    #expect(window.start <= window.end)
    return window.start <= test.clock.now()
  }

  /// The new certificate; nil where it was refused.
  func renewed(_ name: String, by leaf: [UInt8]) async throws -> [UInt8]? {
    let csr = try #require(devices[name]).key.request(commonName: name)
    let outcome = try await test.renewal.renew(leaf: leaf, csr: csr, source: "192.0.2.7")
    return if case .done(let enrolled) = outcome { enrolled.chain.first } else { nil }
  }

  /// It lets go of the certificate of before.
  func renew(_ name: String) async throws {
    let new = try #require(try await renewed(name, by: shown(name)))
    devices[name]?.leaves = [new]
  }

  func certificate(_ leaf: [UInt8]) async throws -> CertificateSnapshot {
    try #require(try await test.instance.facts.identity(fingerprint: .sha256(leaf))).certificate
  }

  /// Whether it would be good, without a word to anybody.
  func isGood(_ leaf: [UInt8]) async throws -> Bool { try await certificate(leaf).status == .good }

  /// In PEM, in the instance's folder.
  func file(_ der: [UInt8]) throws -> String {
    let file = "\(test.path)/certificate.pem"
    try writeFile(file, Array(PEM.certificate(der).utf8), mode: 0o644)
    return file
  }

  // MARK: Rollovers

  func start(_ plan: RolloverPlan) async throws -> RecordID { try await start(plan, issuer: before) }

  func start(_ plan: RolloverPlan, issuer: String?) async throws -> RecordID {
    let rollover = try await test.administration.planRollover(
      RolloverInput(group: nil, plan: plan, certificates: LeavingCertificates(issuerKeyID: issuer)), by: officer
    ).get()
    try await lead(rollover, .start)
    return rollover
  }
}
