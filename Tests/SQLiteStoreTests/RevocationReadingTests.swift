import CertificateAuthority
import MusterModel
import Publication
import SQLiteStore
import Testing

/// What CRLs and OCSP are made from, out of the views.
@Suite struct RevocationReadingTests {
  let folder: TestFolder
  let store: FolderStore

  init() async throws {
    folder = try TestFolder()
    store = try folder.create()
    _ = try await store.commit(Units.instance())
  }

  private static func facts(
    _ number: Int, shard: UInt32 = 0, issuer: String = Units.issuer, validity: Duration = .seconds(1000)
  ) -> CertificateFacts {
    CertificateFacts(
      certificate: Units.id(.certificate), subject: Units.id(.hub), issuerKeyID: issuer,
      serial: Hex.encode(UUIDv7(at: Units.time + .seconds(number)).bytes), profile: "hub", notBefore: Units.time,
      notAfter: Units.time + validity, shard: shard, publicKey: Units.digest("key \(Units.id(.key))"),
      der: Units.digest("der \(Units.id(.key))"), request: nil)
  }

  private func issue(
    _ facts: CertificateFacts, replaces: CertificateFacts? = nil, overlap: Duration = .zero
  ) async throws {
    let body = CertificateIssued(
      issued: facts, replaces: replaces?.certificate, overlapUntil: replaces.map { _ in Units.time + overlap })
    let event = try Units.event(body, on: [facts.certificate], .init(source: nil, decision: nil))
    _ = try await store.commit(UnitOfWork(events: [event]))
  }

  private func revoke(_ facts: CertificateFacts, _ reason: RevocationReason = .keyCompromise) async throws {
    let body = CertificateRevoked(
      certificate: facts.certificate, issuerKeyID: facts.issuerKeyID, serial: facts.serial, reason: reason)
    _ = try await store.commit(UnitOfWork(events: [try Units.event(body, on: [facts.certificate])]))
  }

  @Test func `an issuer's revocations are its own, unexpired, by serial, each with its shard`() async throws {
    let first = Self.facts(1)
    let second = Self.facts(2, shard: 1)
    let over = Self.facts(3, shard: 1, validity: .seconds(10))
    let good = Self.facts(4, shard: 2)
    let other = Self.facts(5, shard: 7, issuer: String(repeating: "0b", count: 20))
    #expect(try await store.lastShard(ofIssuer: Units.issuer) == nil)
    for facts in [good, second, over, first] { try await issue(facts) }
    for facts in [second, over, first] { try await revoke(facts) }
    let found = try await store.revocations(ofIssuer: Units.issuer, unexpiredAt: Units.time + .seconds(10))
    #expect(found.lastShard == 2)
    #expect(
      found.certificates
        == [first, second].map {
          ShardedRevocation(
            shard: $0.shard,
            certificate: RevokedCertificate(
              serial: Hex.decode($0.serial) ?? [], at: Units.time, reason: .keyCompromise))
        })
    #expect(
      try await store.revocations(ofIssuer: other.issuerKeyID, unexpiredAt: Units.time)
        == Revocations(lastShard: nil, certificates: []))
    await store.close()
  }

  @Test func `superseded are renewed certificates whose overlap ended, that are good and would live on`() async throws {
    let names = ["ended", "not yet", "no longer", "held", "expired"]
    let old = Dictionary(
      uniqueKeysWithValues: names.enumerated().map { number, name in
        (name, Self.facts(number, validity: .seconds(name == "no longer" ? 50 : name == "expired" ? 60 : 1000)))
      })
    for facts in old.values { try await issue(facts) }
    for (name, facts) in old {
      try await issue(Self.facts(100), replaces: facts, overlap: .seconds(name == "not yet" ? 100 : 50))
    }
    try await issue(Self.facts(101))
    let held = try #require(old["held"])
    try await revoke(held, .certificateHold)
    let ended = try #require(old["ended"])
    let found = try await store.superseded(at: Units.time + .seconds(60), limit: 10)
    #expect(found.map(\.record) == [ended.certificate])
    #expect(found.map(\.subject) == [ended.subject] && found.map(\.serial) == [ended.serial])
    let version = try #require(found.first).version
    let unit = UnitOfWork(
      reads: ReadSet([.record(ended.certificate): version]),
      events: [
        try Units.event(
          CertificateRevoked(
            certificate: ended.certificate, issuerKeyID: Units.issuer, serial: ended.serial, reason: .superseded),
          on: [ended.certificate])
      ])
    guard case .committed = try await store.commit(unit) else {
      Issue.record("expected the version that was read to be the one of now")
      return
    }
    #expect(try await store.superseded(at: Units.time + .seconds(60), limit: 10).isEmpty)
    #expect(
      try await store.superseded(at: Units.time + .seconds(100), limit: 10).map(\.record) == [
        old["not yet"]?.certificate
      ])
    #expect(try await store.superseded(at: Units.time + .seconds(55), limit: 0).isEmpty)
    await store.close()
  }

  @Test func `the newest CRL of each shard is there after a restart`() async throws {
    func publish(_ shard: UInt32?, _ number: UInt64) async throws -> PublishedCRL {
      let der = Array("crl \(shard.map { "\($0)" } ?? "full") \(number)".utf8)
      let body = CRLPublished(
        issuerKeyID: Units.issuer, shard: shard, number: number, thisUpdate: Units.time,
        nextUpdate: Units.time + .seconds(100), entries: 3, der: .sha256(der))
      let event = try Event(
        at: Units.time, by: .service, on: [.instance], body, attachments: [Attachment(der)])
      _ = try await store.commit(UnitOfWork(events: [event]))
      return PublishedCRL(published: body, der: der)
    }
    _ = try await publish(nil, 1)
    let newest = [try await publish(nil, 2), try await publish(0, 1), try await publish(1, 9)]
    await store.close()
    let again = try folder.open()
    #expect(try await Set(again.publishedCRLs()) == Set(newest))
    await again.close()
  }
}
