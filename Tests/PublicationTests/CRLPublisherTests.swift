import MusterModel
import Synchronization
import Testing

@testable import CertificateAuthority
@testable import Publication

@Suite struct CRLPublisherTests {
  /// Tells of each look that is over: the loop pauses after it.
  private final class Looks: Sendable {
    let stream: AsyncStream<Duration>
    private let continuation: AsyncStream<Duration>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    /// A pause that ends with its task alone.
    @Sendable func pause(_ duration: Duration) async {
      continuation.yield(duration)
      for await _ in AsyncStream<Never>.makeStream().stream {}
    }
  }

  private func publisher(_ world: World, _ looks: Looks) async throws -> CRLPublisher {
    try await CRLPublisher(
      store: world.ledger, reader: world.ledger, authorities: world.authorities, clock: world.clock, epoch: 0,
      report: { _ in }, pause: looks.pause)
  }

  @Test func `a commit that changes what is revoked wakes the publisher, and cancelling ends it`() async throws {
    let (world, looks) = (try await World(), Looks())
    let publisher = try await publisher(world, looks)
    #expect(publisher.offered.all.isEmpty)
    let certificate = try await world.record()
    let running = Task { await publisher.run() }
    var look = looks.stream.makeAsyncIterator()
    #expect(await look.next() == PublicationTimes.tick)
    #expect(publisher.offered[world.name(nil)]?.published.entries == 0)

    world.clock.advance(.seconds(5))
    let store = WakingStore(world.ledger, wake: publisher.wake)
    let body = CertificateRevoked(
      certificate: certificate.certificate, issuerKeyID: certificate.issuerKeyID, serial: certificate.serial,
      reason: .keyCompromise)
    let event = try Event(at: world.clock.now(), by: .service, on: [.record(certificate.certificate)], body)
    _ = try await store.commit(UnitOfWork(events: [event]))
    #expect(await look.next() == PublicationTimes.tick)
    #expect(publisher.offered[world.name(nil)]?.published.entries == 1)

    running.cancel()
    await running.value
  }

  @Test func `a wake-up while nobody waits is not lost`() async throws {
    let (world, looks) = (try await World(), Looks())
    let publisher = try await publisher(world, looks)
    publisher.wake()
    publisher.wake()
    let running = Task { await publisher.run() }
    var look = looks.stream.makeAsyncIterator()
    _ = await look.next()
    _ = await look.next()
    running.cancel()
    await running.value
    #expect(world.ledger.state.withLock { $0.signed } == 4)
  }

  @Test func `a publisher that starts sealed offers what was published, the root's CRL too`() async throws {
    let (world, looks) = (try await World(), Looks())
    let root = world.hierarchy.root.issuer
    let list = try await RevocationList.sign(
      by: root, shard: nil, number: 1, thisUpdate: World.start, nextUpdate: World.start + .seconds(365 * 86_400),
      revoked: [])
    let event = try Event(
      at: World.start, by: .folder, on: [.instance], list.published, attachments: [Attachment(list.der)])
    _ = try await world.ledger.commit(UnitOfWork(events: [event]))
    world.authorities.seal(true)
    let publisher = try await publisher(world, looks)
    #expect(publisher.offered[CRLName(issuerKeyID: root.keyID, shard: nil)]?.der == list.der)
    world.authorities.seal(false)
    let running = Task { await publisher.run() }
    var look = looks.stream.makeAsyncIterator()
    _ = await look.next()
    running.cancel()
    await running.value
    #expect(publisher.offered.all.count == 5)
    #expect(publisher.offered[CRLName(issuerKeyID: root.keyID, shard: nil)]?.der == list.der)
  }

  @Test func `units that revoke nothing wake nobody`() throws {
    let issuer = String(repeating: "0a", count: 20)
    let record = RecordID(.certificate, UUIDv7(at: World.start))
    let published = CRLPublished(
      issuerKeyID: issuer, shard: nil, number: 1, thisUpdate: World.start, nextUpdate: World.start, entries: 0,
      der: .sha256([]))
    let released = CertificateReleased(certificate: record, issuerKeyID: issuer, serial: "")
    let quiet = UnitOfWork(events: [try Event(at: World.start, by: .service, on: [.instance], published)])
    let loud = UnitOfWork(events: quiet.events + [try Event(at: World.start, by: .service, on: [], released)])
    #expect(!quiet.changesRevocation && loud.changesRevocation)
  }

  @Test func `the first certificate of a shard wakes, and the rest of it do not`() async throws {
    let world = try await World()
    let wakes = Mutex(0)
    let store = WakingStore(world.ledger) { wakes.withLock { $0 += 1 } }
    var counted: [Int] = []
    for (number, shard) in [0, 0, 1, 0, 1, 2].enumerated() as EnumeratedSequence<[UInt32]> {
      let facts = CertificateFacts(
        certificate: RecordID(.certificate, UUIDv7(at: World.start)), subject: nil, issuerKeyID: world.devices.keyID,
        serial: "\(number)", profile: "device", notBefore: World.start, notAfter: World.start, shard: shard,
        publicKey: .sha256([]), der: .sha256([]), request: nil)
      let event = try Event(
        at: World.start, by: .service, on: [], CertificateIssued(issued: facts),
        details: .init(source: nil, decision: nil))
      _ = try await store.commit(UnitOfWork(events: [event]))
      counted.append(wakes.withLock { $0 })
    }
    #expect(counted == [1, 1, 2, 2, 2, 3])
  }
}
