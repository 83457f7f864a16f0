import MusterModel
import Testing

@testable import CertificateAuthority
@testable import Publication

@Suite struct SigningBudgetTests {
  private static func budget(capacity: Int = 4) -> SigningBudget {
    SigningBudget(
      perSource: .init(interval: 100, burst: 3), inAll: .init(interval: 10, burst: 5), capacity: capacity)
  }

  private static func at(_ milliseconds: Int64) -> Timestamp {
    Timestamp(milliseconds: World.start.milliseconds + milliseconds)
  }

  @Test func `a source has its burst, and then what its rate gives`() {
    var budget = Self.budget()
    let times: [Int64] = [0, 0, 0, 0, 99, 100, 100, 200, 1000, 1000, 1000, 1000]
    let expected = [true, true, true, false, false, true, false, true, true, true, true, false]
    let taken = times.map { budget.spend("a", at: Self.at($0)) }
    #expect(taken == expected)
  }

  @Test func `all sources together have no more than the whole`() {
    var budget = Self.budget()
    let taken = ["a", "a", "b", "b", "c", "c"].map { budget.spend($0, at: Self.at(0)) }
    #expect(taken == [true, true, true, true, true, false])
    let later = budget.spend("c", at: Self.at(10))
    #expect(later)
  }

  @Test func `a clock that was set back does not starve a source`() {
    var budget = Self.budget()
    for _ in 0..<3 { _ = budget.spend("a", at: Self.at(1_000_000)) }
    let taken = [0, 99, 100].map { budget.spend("a", at: Self.at($0)) }
    #expect(taken == [false, false, true])
  }

  @Test func `no more sources are remembered than there is room, and new ones wait until some owe nothing`() {
    var budget = SigningBudget(
      perSource: .init(interval: 2000, burst: 3), inAll: .init(interval: 1, burst: 1000), capacity: 4)
    let first = (0..<4).map { budget.spend("\($0)", at: Self.at(0)) }
    #expect(first == [true, true, true, true])
    let crowded = [("new", 0), ("new", 1999), ("0", 1999)].map { budget.spend($0, at: Self.at($1)) }
    #expect(crowded == [false, false, true] && budget.remembered == 4)
    let later = budget.spend("new", at: Self.at(3000))
    #expect(later && budget.remembered == 2)
  }
}

@Suite struct ReadyAnswersTests {
  @Test func `no more answers are kept than there is room, and the newer ones stay`() async throws {
    let world = try await World()
    var ready = ReadyAnswers()
    var ids: [OCSPCertificateID] = []
    for number in 0...ReadyAnswers.capacity {
      let time = World.start + .milliseconds(number)
      let id = OCSPCertificateID(
        issuer: world.devices, serial: UUIDv7(at: time).bytes, hashAlgorithm: .sha256)
      ids.append(id)
      let answer = ReadyAnswer(
        issuerKeyID: world.devices.keyID, status: .good, answer: OCSPAnswer(.tryLater), thisUpdate: time,
        nextUpdate: time + PublicationTimes.ocsp)
      ready.keep(answer, for: id, at: time)
    }
    #expect(ready.count == ReadyAnswers.capacity / 2 + 1)
    #expect(ready[ids[0]] == nil && ready[ids[ReadyAnswers.capacity]] != nil)
  }
}
