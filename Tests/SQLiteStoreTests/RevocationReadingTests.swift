import CertificateAuthority
import MusterModel
import MusterTesting
import Publication
import SQLiteStore
import Testing

/// What `ConformanceTests` asks of any reader holds after a restart, too.
@Suite struct RevocationReadingTests {
  @Test func `the newest CRL of each shard is there after a restart`() async throws {
    let folder = try TestFolder()
    let store = try folder.create()
    _ = try await store.commit(Units.instance())
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
