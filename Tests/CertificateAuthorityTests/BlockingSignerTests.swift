import CertificateAuthority
import Dispatch
import MusterModel
import MusterTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct BlockingSignerTests {
  @Test(arguments: SignerConformance.all)
  func `a key that blocks is a Signer`(_ requirement: Requirement<any Signer>) async throws {
    let (_, key) = try SoftwareSigner.generate(.p256)
    try await requirement.check(
      BlockingSigner(publicKey: key.publicKey, algorithm: key.algorithm) { try key.signature(of: $0) })
  }

  /// The one that is refused is the first to come back: the others wait for the key.
  @Test func `what waits for a key is bounded`() async throws {
    let (_, key) = try SoftwareSigner.generate(.p256)
    let gate = DispatchSemaphore(value: 0)
    let signer = BlockingSigner(publicKey: key.publicKey, algorithm: key.algorithm) {
      gate.wait()
      return $0
    }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0...BlockingSigner.waitingLimit { group.addTask { try await signer.sign([]).count } }
      let first = await group.nextResult()
      guard case .failure(let error as KeyKeeperFailure) = first, error.reason == .busy else {
        throw Unmet(description: "expected one refused, found \(String(describing: first))")
      }
      for _ in 0..<BlockingSigner.waitingLimit { gate.signal() }
      var signed = 0
      for try await _ in group { signed += 1 }
      #expect(signed == BlockingSigner.waitingLimit)
    }
    gate.signal()
    #expect(try await signer.sign([1]) == [1])
  }
}
