import CertificateAuthority
package import MusterModel
package import Publication

/// What CRLs and OCSP are made from: what a `RevocationReader` says of what was committed to its store.
package enum RevocationReaderConformance {
  /// With an instance at most.
  package typealias Subject = any Store & RevocationReader

  package static let all: [Requirement<Subject>] = [
    Requirement("an issuer's revocations are its own, unexpired, by serial, each with its shard", revocations),
    Requirement("a status is its issuer's alone, and a hold ends with its release", statuses),
    Requirement("a revocation after a hold counts from the hold on", sinceTheHold),
    Requirement("superseded are renewed certificates whose overlap ended, that are good and would live on", superseded),
    Requirement("the newest CRL of each issuer and shard is kept", lists),
  ]

  @Sendable private static func revocations(_ store: Subject) async throws {
    let first = facts(1)
    let second = facts(2, shard: 1)
    let over = facts(3, shard: 1, validity: .seconds(10))
    let good = facts(4, shard: 2)
    try require(try await store.lastShard(ofIssuer: Units.issuer), is: nil, "the last shard before the first")
    for facts in [good, second, over, first] { try await commit(store, Units.issued(facts)) }
    for facts in [second, over, first] { try await commit(store, Units.revoked(facts)) }
    let found = try await store.revocations(ofIssuer: Units.issuer, unexpiredAt: Units.time + .seconds(10))
    let expected = Revocations(lastShard: 2, certificates: [first, second].map { revocation($0, .keyCompromise) })
    try require(found, is: expected, "the revocations")
    try require(
      try await store.revocations(ofIssuer: stranger, unexpiredAt: Units.time),
      is: Revocations(lastShard: nil, certificates: []), "another issuer's")
  }

  @Sendable private static func statuses(_ store: Subject) async throws {
    let (good, held, gone) = (facts(1), facts(2), facts(3))
    for facts in [good, held, gone] { try await commit(store, Units.issued(facts)) }
    try await commit(store, Units.revoked(held, .certificateHold))
    try await commit(store, Units.revoked(gone, .superseded))
    let serials = [gone, good, held].map(\.serial) + [String(repeating: "0f", count: 16)]
    let statuses: [CertificateStatus] = [
      .revoked(.superseded, at: Units.time), .good, .revoked(.certificateHold, at: Units.time), .unknown,
    ]
    try require(try await store.statuses(of: serials, issuer: Units.issuer), is: statuses, "the statuses")
    try require(
      try await store.statuses(of: serials, issuer: stranger), is: serials.map { _ in .unknown }, "another issuer's")
    try await commit(store, Units.released(held))
    try require(try await store.statuses(of: [held.serial], issuer: Units.issuer), is: [.good], "after the release")
    try require(
      try await store.revocations(ofIssuer: Units.issuer, unexpiredAt: Units.time).certificates,
      is: [revocation(gone, .superseded)], "the revocations after the release")
  }

  @Sendable private static func sinceTheHold(_ store: Subject) async throws {
    let facts = facts(1)
    try await commit(store, Units.issued(facts))
    try await commit(store, Units.revoked(facts, .certificateHold))
    try await commit(store, Units.revoked(facts, .keyCompromise, at: Units.time + .seconds(50)))
    try require(
      try await store.statuses(of: [facts.serial], issuer: Units.issuer),
      is: [.revoked(.keyCompromise, at: Units.time)], "the status")
  }

  @Sendable private static func superseded(_ store: Subject) async throws {
    let (ended, notYet, held) = (facts(1), facts(2), facts(3))
    let (noLonger, expired) = (facts(4, validity: .seconds(50)), facts(5, validity: .seconds(60)))
    for facts in [ended, notYet, held, noLonger, expired] { try await commit(store, Units.issued(facts)) }
    for old in [ended, notYet, held, noLonger, expired] {
      let overlap = Duration.seconds(old == notYet ? 100 : 50)
      try await commit(store, Units.issued(Units.facts(Units.id(.certificate)), replaces: old, overlap: overlap))
    }
    try await commit(store, Units.issued(facts(6)))
    try await commit(store, Units.revoked(held, .certificateHold))
    let found = try await store.superseded(at: Units.time + .seconds(60), limit: 10)
    try require(found.map(\.record), is: [ended.certificate], "those after 60 s")
    try require(found.map(\.serial), is: [ended.serial], "their serials")
    try require(try await store.superseded(at: Units.time + .seconds(60), limit: 0).count, is: 0, "a limit of 0")
    try require(
      try await Set(store.superseded(at: Units.time + .seconds(100), limit: 10).map(\.record)),
      is: [ended.certificate, notYet.certificate], "those after 100 s")
    let unit = UnitOfWork(
      reads: ReadSet([.record(ended.certificate): found[0].version]), events: [try Units.revoked(ended, .superseded)])
    _ = try await StoreConformance.position(store.commit(unit))
    try require(
      try await store.superseded(at: Units.time + .seconds(60), limit: 10).count, is: 0, "those after the revocation")
  }

  @Sendable private static func lists(_ store: Subject) async throws {
    var newest: Set<PublishedCRL> = []
    let published: [(shard: UInt32?, number: UInt64, isNewest: Bool)] = [
      (nil, 1, false), (nil, 2, true), (0, 1, true), (1, 8, false), (1, 9, true),
    ]
    for (shard, number, isNewest) in published {
      let list = list(shard, number)
      let event = try Event(
        at: Units.time, by: .service, on: [.instance], list.published, attachments: [Attachment(list.der)])
      try await commit(store, event)
      if isNewest { newest.insert(list) }
    }
    try require(try await Set(store.publishedCRLs()), is: newest, "the lists")
  }

  // MARK: What is committed

  private static let stranger = String(repeating: "0b", count: 20)

  /// By ascending number, ascending serials.
  private static func facts(
    _ number: Int, shard: UInt32 = 0, validity: Duration = .seconds(1000)
  ) -> CertificateFacts {
    let serial = Hex.encode(UUIDv7(at: Units.time + .seconds(number)).bytes)
    return Units.facts(Units.id(.certificate), serial: serial, shard: shard, validity: validity)
  }

  private static func commit(_ store: Subject, _ event: Event) async throws {
    _ = try await StoreConformance.position(store.commit(UnitOfWork(events: [event])))
  }

  private static func revocation(_ facts: CertificateFacts, _ reason: RevocationReason) -> ShardedRevocation {
    ShardedRevocation(
      shard: facts.shard,
      certificate: RevokedCertificate(serial: Hex.decode(facts.serial) ?? [], at: Units.time, reason: reason))
  }

  private static func list(_ shard: UInt32?, _ number: UInt64) -> PublishedCRL {
    let der = Array("crl \(shard.map { "\($0)" } ?? "full") \(number)".utf8)
    let published = CRLPublished(
      issuerKeyID: Units.issuer, shard: shard, number: number, thisUpdate: Units.time,
      nextUpdate: Units.time + .seconds(100), entries: 3, der: .sha256(der))
    return PublishedCRL(published: published, der: der)
  }
}
