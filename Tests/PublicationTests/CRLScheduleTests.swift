import MusterModel
import Testing

@testable import CertificateAuthority
@testable import Publication

@Suite struct CRLScheduleTests {
  private static let issuer = String(repeating: "0a", count: 20)
  private static let now = World.start

  /// A list that was signed so long before now.
  private static func list(
    _ shard: UInt32?, signed ago: Duration, number: UInt64 = 5, entries: Int = 0, _ revoked: [RevokedCertificate] = []
  ) -> OfferedCRL {
    let signed = now - ago
    return OfferedCRL(
      der: [],
      published: CRLPublished(
        issuerKeyID: issuer, shard: shard, number: number, thisUpdate: signed - PublicationTimes.crlBackdating,
        nextUpdate: signed + PublicationTimes.crl, entries: entries, der: .sha256([])),
      contents: RevocationList.contents(of: revoked))
  }

  private static func schedule(_ lists: [OfferedCRL], epoch: UInt32 = 0) -> CRLSchedule {
    CRLSchedule(
      issuerKeyID: issuer, epoch: epoch, offered: Dictionary(uniqueKeysWithValues: lists.map { ($0.name, $0) }))
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let lists: [OfferedCRL]
    var lastShard: UInt32?
    var hasChanged = false
    let step: CRLSchedule.Step
  }

  private static let tick = CRLSchedule.Step.wait(until: now + .seconds(60))

  static let cases: [Case] = [
    Case(testDescription: "nothing is offered yet", lists: [], step: .read),
    Case(testDescription: "shard 0 is missing", lists: [list(nil, signed: .zero)], step: .read),
    Case(
      testDescription: "both are new, and no certificate is issued",
      lists: [list(nil, signed: .zero), list(0, signed: .zero)], step: tick),
    Case(
      testDescription: "the shard after the last in use is missing",
      lists: [list(nil, signed: .zero), list(0, signed: .zero)], lastShard: 0, step: .read),
    Case(
      testDescription: "the shard after the last in use is there",
      lists: [list(nil, signed: .zero), list(0, signed: .zero), list(1, signed: .zero)], lastShard: 0, step: tick),
    Case(
      testDescription: "15 h old",
      lists: [list(nil, signed: .seconds(15 * 3600)), list(0, signed: .seconds(15 * 3600))], step: tick),
    Case(
      testDescription: "one is 16 h old",
      lists: [list(nil, signed: .seconds(3600)), list(0, signed: .seconds(16 * 3600))], step: .read),
    Case(
      testDescription: "one is over", lists: [list(nil, signed: .seconds(30 * 3600)), list(0, signed: .zero)],
      step: .read),
    Case(
      testDescription: "one is of a time that is yet to come",
      lists: [list(nil, signed: .seconds(-3600)), list(0, signed: .zero)], step: .read),
    Case(
      testDescription: "a change long after the last CRL",
      lists: [list(nil, signed: .seconds(60)), list(0, signed: .seconds(60))], hasChanged: true, step: .read),
    Case(
      testDescription: "a change right after the last CRL", lists: [list(nil, signed: .zero), list(0, signed: .zero)],
      hasChanged: true, step: .wait(until: now + .seconds(1))),
    Case(
      testDescription: "a change 10 s after a CRL of 20,000",
      lists: [list(nil, signed: .seconds(10), entries: 20_000), list(0, signed: .seconds(10))], hasChanged: true,
      step: .wait(until: now + .seconds(11))),
    Case(
      testDescription: "a change 10 s after a CRL of a million: the tick comes first",
      lists: [list(nil, signed: .seconds(10), entries: 1_000_000), list(0, signed: .seconds(10))], hasChanged: true,
      step: tick),
  ]

  @Test(arguments: cases)
  func `the next step follows from what is offered and the time`(one: Case) {
    let step = Self.schedule(one.lists).step(lastShard: one.lastShard, hasChanged: one.hasChanged, at: Self.now)
    #expect(step == one.step)
  }

  private static let first = RevokedCertificate(
    serial: [UInt8](repeating: 1, count: 16), at: now - .seconds(9), reason: .superseded)
  private static let second = RevokedCertificate(
    serial: [UInt8](repeating: 2, count: 16), at: now - .seconds(8), reason: .certificateHold)

  @Test func `only lists that revoke other than they should are signed before they are due`() {
    let lists = [
      Self.list(nil, signed: .zero, [Self.first]), Self.list(0, signed: .zero, [Self.first]),
      Self.list(1, signed: .zero), Self.list(2, signed: .zero),
    ]
    let revocations = Revocations(
      lastShard: 1,
      certificates: [
        ShardedRevocation(shard: 0, certificate: Self.first), ShardedRevocation(shard: 1, certificate: Self.second),
      ])
    let due = Self.schedule(lists).lists(for: revocations, at: Self.now)
    #expect(due.map(\.name.shard) == [nil, 1])
    #expect(due.map(\.certificates) == [[Self.first, Self.second], [Self.second]])
    #expect(due.map(\.number) == [6, 6])
  }

  @Test func `a list that is due is signed again as it is`() {
    let lists = [Self.list(nil, signed: .seconds(16 * 3600)), Self.list(0, signed: .zero, number: 9)]
    let due = Self.schedule(lists).lists(for: Revocations(lastShard: nil, certificates: []), at: Self.now)
    #expect(due.map(\.name.shard) == [nil] && due.map(\.number) == [6])
  }

  @Test(
    arguments: [(0, 0, 1), (0, 7, 8), (2, 7, 2 << 32 + 1), (2, 2 << 32 + 4, 2 << 32 + 5)] as [(UInt32, UInt64, UInt64)])
  func `numbers begin with the epoch and go on from the last`(epoch: UInt32, last: UInt64, next: UInt64) {
    let lists = last == 0 ? [] : [nil, 0].map { Self.list($0, signed: .seconds(20 * 3600), number: last) }
    let due = Self.schedule(lists, epoch: epoch).lists(
      for: Revocations(lastShard: nil, certificates: []), at: Self.now)
    #expect(due.map(\.number) == [next, next])
  }
}
