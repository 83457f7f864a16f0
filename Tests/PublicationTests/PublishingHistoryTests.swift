import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority
@testable import Publication

/// Random histories, with the rounds that the publisher's loop would make.
@Suite struct PublishingHistoryTests {
  @Test(arguments: 0..<24 as Range<UInt64>)
  func `the offered CRLs follow the ledger, their numbers grow, and none is over`(seed: UInt64) async throws {
    var history = try await History(seed: seed)
    for _ in 0..<60 { try await history.step() }
    try await history.settle()
    #expect(history.rounds > 30)
  }
}

private struct History {
  let world: World
  var random: SeededGenerator
  var round: PublishingRound
  var next = World.start
  var rounds = 0
  var isSealed = false
  var certificates: [CertificateFacts] = []
  var shard: UInt32 = 0
  /// What each list had to revoke after each commit, oldest first.
  var due: [[UInt32?: Digest]] = []
  var seen: [UInt32?: OfferedCRL] = [:]
  /// Each list accounts for this commit or a later one.
  var accounted: [UInt32?: Int] = [:]

  init(seed: UInt64) async throws {
    world = try await World()
    random = SeededGenerator(seed: seed)
    round = try await world.round(epoch: UInt32(seed % 3))
    note()
    try await look()
  }

  static let shards: [UInt32?] = [nil, 0, 1, 2, 3, 4, 5, 6]

  mutating func note() {
    due.append(Dictionary(uniqueKeysWithValues: History.shards.map { ($0, world.expected($0)) }))
  }

  mutating func step() async throws {
    switch Int.random(in: 0..<12, using: &random) {
    case 0...2: try await issue()
    case 3...5: try await change(.keyCompromise)
    case 6: try await change(.certificateHold)
    case 7: try await release()
    case 8, 9: try await pass(.seconds(.random(in: 0...3, using: &random)))
    case 10: try await pass(.seconds(.random(in: 0...30 * 3600, using: &random)))
    default: try await sealOrRestart()
    }
  }

  private mutating func issue() async throws {
    let opensShard = Bool.random(using: &random) && shard < 4
    if opensShard { shard += 1 }
    let renewed = Bool.random(using: &random) ? certificates.randomElement(using: &random) : nil
    certificates.append(try await world.record(shard: shard, renewing: renewed, overlap: .seconds(7200)))
    note()
    if opensShard { try await wake() }
  }

  private mutating func change(_ reason: RevocationReason) async throws {
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      guard let one = certificates.randomElement(using: &random) else { return }
      try await world.revoke(one, reason)
      note()
    }
    try await wake()
  }

  private mutating func release() async throws {
    guard let one = certificates.randomElement(using: &random) else { return }
    try await world.release(one)
    note()
    try await wake()
  }

  private mutating func sealOrRestart() async throws {
    if Bool.random(using: &random) {
      round = try await world.round(epoch: round.epoch)
    } else {
      isSealed.toggle()
      world.authorities.seal(isSealed)
    }
    try await wake()
  }

  private mutating func wake() async throws {
    round.signal.change()
    try await look()
  }

  /// The time passes, and the loop looks when it said it would.
  private mutating func pass(_ duration: Duration) async throws {
    let end = world.clock.now() + duration
    while next <= end {
      world.clock.set(max(next, world.clock.now()))
      try await look()
    }
    world.clock.set(end)
    if duration >= .seconds(2), !isSealed { checkCurrent() }
  }

  /// Nothing has happened for longer than the pause between two CRLs: the lists are what the ledger says.
  private func checkCurrent() {
    for shard in History.shards {
      guard let list = round.offered[world.name(shard)] else { continue }
      #expect(list.contents == world.expected(shard))
    }
  }

  mutating func settle() async throws {
    if isSealed {
      isSealed = false
      world.authorities.seal(false)
      try await wake()
    }
    try await pass(.seconds(2))
  }

  private mutating func look() async throws {
    let commits = world.ledger.state.withLock { $0.units }
    next = await round.run()
    rounds += 1
    #expect(next > world.clock.now())
    // The round itself revokes what was superseded.
    if world.ledger.state.withLock({ $0.units }) != commits { note() }
    for shard in History.shards { check(shard) }
    // No certificate names a CRL that is not there.
    if !isSealed { #expect((0...shard).allSatisfy { round.offered[world.name($0)] != nil }) }
  }

  private mutating func check(_ shard: UInt32?) {
    guard let list = round.offered[world.name(shard)] else { return }
    let now = world.clock.now()
    if !isSealed { #expect(now < list.published.nextUpdate && list.published.thisUpdate <= now) }
    #expect(list.published.number > UInt64(round.epoch) << 32)
    if let before = seen[shard], before != list { #expect(list.published.number > before.published.number) }
    #expect(RevocationList.contents(of: list.der) == list.contents)
    let from = accounted[shard, default: 0]
    let found = due.indices.dropFirst(from).last { due[$0][shard] == list.contents }
    #expect(found != nil, "a list of no state of the ledger since commit \(from)")
    if seen[shard] != list { accounted[shard] = found }
    seen[shard] = list
  }
}
