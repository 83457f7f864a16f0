import MusterModel
import Synchronization
import Testing

@testable import CertificateAuthority
@testable import Publication

@Suite struct PublishingTests {
  let world: World

  init() async throws { world = try await World() }

  @Test func `an issuer without certificates has a full CRL and shard 0`() async throws {
    var round = try await world.round()
    _ = await round.run()
    let names = Set(round.offered.all.map(\.name))
    let keyIDs = world.authorities.issuers.map(\.keyID)
    #expect(
      names == Set(keyIDs.flatMap { [CRLName(issuerKeyID: $0, shard: nil), CRLName(issuerKeyID: $0, shard: 0)] }))
    #expect(round.offered.all.allSatisfy { $0.published.entries == 0 && $0.published.number == 1 })
    #expect(world.ledger.state.withLock { $0.units } == 2)
  }

  @Test func `what is as it was is not signed again until it is due`() async throws {
    var round = try await world.round()
    _ = await round.run()
    let before = round.offered[world.name(nil)]
    round.signal.change()
    world.clock.advance(.seconds(3600))
    _ = await round.run()
    #expect(world.ledger.state.withLock { $0.signed } == 4)
    #expect(round.offered[world.name(nil)] == before)
    world.clock.advance(.seconds(15 * 3600))
    _ = await round.run()
    #expect(world.ledger.state.withLock { $0.signed } == 8)
  }

  @Test func `many revocations together make one CRL`() async throws {
    var round = try await world.round()
    var all: [CertificateFacts] = []
    for _ in 0..<50 { all.append(try await world.record()) }
    _ = await round.run()
    let signed = world.ledger.state.withLock { $0.signed }
    world.clock.advance(.seconds(10))
    for one in all { try await world.revoke(one) }
    round.signal.change()
    _ = await round.run()
    // The full CRL and the shard's; the empty shard ahead stays.
    #expect(world.ledger.state.withLock { $0.signed } == signed + 2)
    #expect(round.offered[world.name(nil)]?.published.entries == 50)
    #expect(round.offered[world.name(1)]?.published.number == 1)
  }

  @Test func `what could not be committed is not offered, and is tried again`() async throws {
    let failures = Mutex(0)
    let certificate = try await world.record()
    var round = try await world.round { _ in failures.withLock { $0 += 1 } }
    _ = await round.run()
    let before = round.offered[world.name(nil)]
    try await world.revoke(certificate)
    round.signal.change()
    world.clock.advance(.seconds(10))
    world.ledger.state.withLock { $0.isFailing = true }
    let next = await round.run()
    #expect(failures.withLock { $0 } == 2 && next == world.clock.now() + PublicationTimes.retry)
    #expect(round.offered[world.name(nil)] == before)
    world.ledger.state.withLock { $0.isFailing = false }
    _ = await round.run()
    #expect(round.offered[world.name(nil)]?.published.entries == 1)
  }

  @Test func `a revocation between reading and publishing is in the next CRL, also after a crash`() async throws {
    let certificate = try await world.record()
    var round = try await world.round()
    _ = await round.run()
    let other = try await world.record()
    try await world.revoke(other)
    round.signal.change()
    world.clock.advance(.seconds(10))
    let world = world
    world.ledger.state.withLock { (state: inout MemoryLedger.State) in
      state.meanwhile = { _ in try await world.revoke(certificate) }
    }
    _ = await round.run()
    #expect(round.offered[world.name(nil)]?.published.entries == 1)
    world.clock.advance(.seconds(10))
    var restarted = try await world.round()
    _ = await restarted.run()
    #expect(restarted.offered[world.name(nil)]?.published.entries == 2)
    #expect(restarted.offered[world.name(nil)]?.contents == world.expected(nil))
  }

  @Test func `a restart signs nothing that is as it was`() async throws {
    let certificate = try await world.record()
    try await world.revoke(certificate)
    var round = try await world.round()
    _ = await round.run()
    let signed = world.ledger.state.withLock { $0.signed }
    world.clock.advance(.seconds(10))
    var restarted = try await world.round()
    #expect(Set(restarted.offered.all) == Set(round.offered.all))
    _ = await restarted.run()
    #expect(world.ledger.state.withLock { $0.signed } == signed)
  }

  @Test func `sealed, the last CRLs are offered and ended overlaps revoked; unsealed, the CRLs say so`() async throws {
    let old = try await world.record()
    try await world.record(renewing: old, overlap: .seconds(3600))
    var round = try await world.round()
    _ = await round.run()
    world.authorities.seal(true)
    var sealed = try await world.round()
    world.clock.advance(.seconds(3601))
    _ = await sealed.run()
    #expect(sealed.offered[world.name(nil)] == round.offered[world.name(nil)])
    let status = try await world.ledger.statuses(of: [old.serial], issuer: old.issuerKeyID)
    #expect(status == [.revoked(.superseded, at: world.clock.now())])
    world.authorities.seal(false)
    _ = await sealed.run()
    #expect(sealed.offered[world.name(0)]?.published.entries == 1)
  }

  struct Renewal: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let overlap: Duration
    var after: Duration = .zero
    var revoked: RevocationReason?
    let status: RevocationReason?
  }

  static let renewals: [Renewal] = [
    Renewal(testDescription: "before the end", overlap: .seconds(10), after: .seconds(9), status: nil),
    Renewal(testDescription: "at the end", overlap: .seconds(10), after: .seconds(10), status: .superseded),
    Renewal(
      testDescription: "on hold", overlap: .seconds(10), after: .seconds(20), revoked: .certificateHold,
      status: .certificateHold),
    Renewal(
      testDescription: "revoked for another reason", overlap: .seconds(10), after: .seconds(20),
      revoked: .keyCompromise, status: .keyCompromise),
    Renewal(
      testDescription: "valid no longer than the overlap", overlap: .seconds(100), after: .seconds(100), status: nil),
    Renewal(testDescription: "over", overlap: .seconds(10), after: .seconds(100), status: nil),
  ]

  @Test(arguments: renewals)
  func `a renewed certificate is revoked when its overlap ends`(one: Renewal) async throws {
    let old = try await world.record(validity: .seconds(100))
    try await world.record(renewing: old, overlap: one.overlap)
    if let reason = one.revoked { try await world.revoke(old, reason) }
    world.clock.advance(one.after)
    var round = try await world.round()
    _ = await round.run()
    let status = try await world.ledger.statuses(of: [old.serial], issuer: old.issuerKeyID)[0]
    let reason: RevocationReason? = if case .revoked(let reason, _) = status { reason } else { nil }
    #expect(reason == one.status)
  }

  @Test func `a certificate that is put on hold while its overlap ends stays on hold`() async throws {
    let old = try await world.record()
    try await world.record(renewing: old, overlap: .seconds(10))
    world.clock.advance(.seconds(20))
    let world = world
    world.ledger.state.withLock { (state: inout MemoryLedger.State) in
      state.meanwhile = { _ in try await world.revoke(old, .certificateHold) }
    }
    var round = try await world.round()
    _ = await round.run()
    let status = try await world.ledger.statuses(of: [old.serial], issuer: old.issuerKeyID)
    #expect(status == [.revoked(.certificateHold, at: world.clock.now())])
    #expect(round.offered[world.name(nil)]?.contents == world.expected(nil))
  }

  @Test func `an expired certificate stays for two days and leaves with the next CRL`() async throws {
    let certificate = try await world.record(validity: .seconds(3600))
    try await world.revoke(certificate)
    var round = try await world.round()
    _ = await round.run()
    world.clock.advance(.seconds(47 * 3600))
    _ = await round.run()
    #expect(round.offered[world.name(nil)]?.published.entries == 1)
    world.clock.advance(.seconds(16 * 3600))
    _ = await round.run()
    #expect(round.offered[world.name(nil)]?.published.entries == 0)
  }

  @Test func `what the store holds as a CRL and is none is refused`() async throws {
    let published = CRLPublished(
      issuerKeyID: "00", shard: nil, number: 1, thisUpdate: World.start, nextUpdate: World.start + .seconds(1),
      entries: 0, der: .sha256([0x30, 0]))
    #expect(throws: PublicationError.self) {
      try OfferedCRL(PublishedCRL(published: published, der: [0x30, 0]))
    }
  }

  @Test func `a CRL's own bytes tell what it was signed for`() async throws {
    let revoked = (1...3).map {
      RevokedCertificate(serial: [UInt8](repeating: $0, count: 16), at: World.start, reason: .superseded)
    }
    for certificates in [[], revoked] {
      let list = try await RevocationList.sign(
        by: world.devices, shard: 4, number: 1, thisUpdate: World.start, nextUpdate: World.start + .seconds(60),
        revoked: certificates)
      #expect(RevocationList.contents(of: list.der) == RevocationList.contents(of: certificates))
      for length in 0..<list.der.count where length < 300 || length % 7 == 0 {
        #expect(RevocationList.contents(of: Array(list.der[..<length])) == nil)
      }
    }
  }

  @Test func `HTTP is told to keep a CRL for five minutes and never past its end`() async throws {
    var round = try await world.round()
    _ = await round.run()
    let freshness = try #require(round.offered[world.name(nil)]).freshness
    let end = World.start + PublicationTimes.crl
    #expect(freshness.expires == end && freshness.lastModified == World.start - .seconds(300))
    #expect(freshness.entityTag.count == 34)
    let ages = [World.start, end - .seconds(10), end, end + .seconds(10)].map(freshness.maxAge)
    #expect(ages == [300, 10, 0, 0])
    #expect(freshness.cacheControl(at: World.start) == "max-age=300, public, no-transform, must-revalidate")
  }
}
