import Ledger
package import MusterModel

/// What every `Store` does. Subjects hold an instance (`Units.instance()`) at most.
package enum StoreConformance {
  package typealias Subject = any Store

  /// Versions and positions: for stores that keep no more of events than certificates, too.
  package static let order: [Requirement<Subject>] = [
    Requirement("the events of units follow each other without gap", places),
    Requirement("a record's version is its last change's position and one more", versions),
    Requirement("what is absent has version 0", absence),
    Requirement("the older of two reads decides", mergedReads),
    Requirement("what is stale leaves no trace", refusalLeavesNoTrace),
    Requirement("a refusal's event changes no record", refusalChangesNothing),
    Requirement("64 units at once take 64 places", manyAtOnce),
    Requirement("what was submitted first is answered first", answersInTurn),
    Requirement("of 64 that read the same version one is committed", race),
  ]

  @Sendable private static func places(_ store: Subject) async throws {
    var next = try await position(store.commit(UnitOfWork(events: [try issued()])))
    for count in [2, 1, 5] {
      let unit = UnitOfWork(events: try (0..<count).map { _ in try issued() })
      let found = try await position(store.commit(unit))
      try require(found, is: LedgerPosition(first: next.first + UInt64(next.count), count: count), "the place")
      next = found
    }
  }

  @Sendable private static func versions(_ store: Subject) async throws {
    let certificate = Units.id(.certificate)
    let version = try await position(store.commit(UnitOfWork(events: [try issued(certificate)]))).first + 1
    let reads = ReadSet([.record(certificate): version])
    let change = UnitOfWork(reads: reads, events: [try issued(), try revoked(certificate)])
    let changed = try await position(store.commit(change))
    try require(try await store.commit(change), is: .stale(.record(certificate)), "the same unit again")
    let again = UnitOfWork(
      reads: ReadSet([.record(certificate): changed.first + 2]), events: [try released(certificate)])
    _ = try await position(store.commit(again))
  }

  @Sendable private static func absence(_ store: Subject) async throws {
    let certificate = Units.id(.certificate)
    let early = UnitOfWork(reads: ReadSet([.record(certificate): 1]), events: [try issued(certificate)])
    try require(try await store.commit(early), is: .stale(.record(certificate)), "a version of what is not there")
    let new = UnitOfWork(reads: ReadSet([.record(certificate): 0]), events: [try issued(certificate)])
    _ = try await position(store.commit(new))
    try require(try await store.commit(new), is: .stale(.record(certificate)), "absence of what is there")
  }

  @Sendable private static func mergedReads(_ store: Subject) async throws {
    let certificate = Units.id(.certificate)
    let first = try await position(store.commit(UnitOfWork(events: [try issued(certificate)]))).first + 1
    let second = try await position(store.commit(UnitOfWork(events: [try revoked(certificate)]))).first + 1
    let reads = ReadSet([.record(certificate): second]).merging(ReadSet([.record(certificate): first]))
    let unit = UnitOfWork(reads: reads, events: [try released(certificate)])
    try require(try await store.commit(unit), is: .stale(.record(certificate)), "a change between two reads")
  }

  @Sendable private static func refusalLeavesNoTrace(_ store: Subject) async throws {
    let certificate = Units.id(.certificate)
    let first = try await position(store.commit(UnitOfWork(events: [try issued(certificate)])))
    let late = UnitOfWork(
      reads: ReadSet([.record(certificate): first.first]), events: [try issued(), try revoked(certificate)])
    try require(try await store.commit(late), is: .stale(.record(certificate)), "an older version")
    let next = UnitOfWork(
      reads: ReadSet([.record(certificate): first.first + 1]), events: [try revoked(certificate)])
    try require(try await position(store.commit(next)).first, is: first.first + 1, "the next place")
  }

  @Sendable private static func refusalChangesNothing(_ store: Subject) async throws {
    let certificate = Units.id(.certificate)
    let version = try await position(store.commit(UnitOfWork(events: [try issued(certificate)]))).first + 1
    let refusal = try Units.event(
      RequestRefused(operation: "certificate-revoke", code: "no"), on: [certificate], .init(reason: "no", source: nil))
    _ = try await position(store.commit(UnitOfWork(events: [refusal])))
    let unit = UnitOfWork(reads: ReadSet([.record(certificate): version]), events: [try revoked(certificate)])
    _ = try await position(store.commit(unit))
  }

  @Sendable private static func manyAtOnce(_ store: Subject) async throws {
    let places = try await withThrowingTaskGroup(of: LedgerPosition.self) { group in
      for number in 0..<64 {
        let unit = UnitOfWork(events: try (0...number % 3).map { _ in try issued() })
        group.addTask { try await position(store.commit(unit)) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }.sorted { $0.first < $1.first }
    for (place, next) in zip(places, places.dropFirst()) {
      try require(next.first, is: place.first + UInt64(place.count), "the place after \(place)")
    }
  }

  @Sendable private static func answersInTurn(_ store: Subject) async throws {
    let (answers, answer) = AsyncStream.makeStream(of: Int.self)
    for number in 0..<64 {
      store.submit([UnitOfWork(events: [try issued()])]) { _ in answer.yield(number) }
    }
    var order: [Int] = []
    for await number in answers.prefix(64) { order.append(number) }
    try require(order, is: Array(0..<64), "the order of the answers")
  }

  @Sendable private static func race(_ store: Subject) async throws {
    let certificate = Units.id(.certificate)
    let version = try await position(store.commit(UnitOfWork(events: [try issued(certificate)]))).first + 1
    let unit = UnitOfWork(reads: ReadSet([.record(certificate): version]), events: [try revoked(certificate)])
    let outcomes = try await withThrowingTaskGroup(of: CommitOutcome.self) { group in
      for _ in 0..<64 { group.addTask { try await store.commit(unit) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    try require(outcomes.count { $0 == .stale(.record(certificate)) }, is: 63, "stale ones")
  }
}

// MARK: - What the suites commit

extension StoreConformance {
  static func position(_ outcome: CommitOutcome) throws(Unmet) -> LedgerPosition {
    guard case .committed(let position) = outcome else {
      throw Unmet(description: "expected the unit to be committed, found \(outcome)")
    }
    return position
  }

  private static func issued(_ certificate: RecordID = Units.id(.certificate)) throws -> Event {
    try Units.issued(Units.facts(certificate))
  }

  /// A hold, so that a release may follow.
  private static func revoked(_ certificate: RecordID) throws -> Event {
    try Units.revoked(Units.facts(certificate), .certificateHold)
  }

  private static func released(_ certificate: RecordID) throws -> Event { try Units.released(Units.facts(certificate)) }
}
