import Enrollment
import MusterModel
import Testing

@testable import HTTPService

@Suite struct BatchOutcomeTests {
  private struct Failure: Error {}

  static let failures: [(error: (any Error)?, code: String)] = [
    (KeyKeeperFailure(.away, "expected the token muster, found none"), "key-away"),
    (KeyKeeperFailure(.busy, "expected fewer"), "key-busy"), (Failure(), "not-committed"), (nil, "not-committed"),
  ]

  @Test(arguments: failures)
  func `a row that failed is to be asked for again, and says why`(error: (any Error)?, code: String) throws {
    let outcome = BatchFlow.outcome(error.map { .failure($0) })
    guard case .refused(let refusal) = outcome else {
      Issue.record("expected a refusal")
      return
    }
    #expect(refusal.code == code && refusal.kind == .unavailable)
    #expect(!refusal.reason.contains("token"), "where the key is kept is not told")
  }
}
