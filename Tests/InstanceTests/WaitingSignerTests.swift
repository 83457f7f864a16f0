import CertificateAuthority
import Enrollment
import KeyVault
import MusterModel
import MusterTesting
import Synchronization
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

/// A signer whose key is elsewhere: each signature waits until its turn is let through, and comes from what it is told.
private final class ElsewhereSigner: Signer {
  enum Answer: Sendable { case signature, failure, signatureOfOtherBytes }
  struct Unreachable: Error {}

  private struct State {
    var answer: Answer?
    var waiting: [CheckedContinuation<Answer, Never>] = []
    var arrivals: [(count: Int, CheckedContinuation<Void, Never>)] = []
  }

  private let key: any Signer
  private let state: Mutex<State>
  var publicKey: SubjectPublicKey { key.publicKey }
  var algorithm: SignatureAlgorithm { key.algorithm }

  /// Without an answer, everyone waits for `letThrough`.
  init(_ key: any Signer, _ answer: Answer? = nil) {
    self.key = key
    state = Mutex(State(answer: answer))
  }

  func sign(_ bytes: [UInt8]) async throws -> [UInt8] {
    let answer = await withCheckedContinuation { continuation in
      let answer = state.withLock { state in
        if state.answer == nil {
          state.waiting.append(continuation)
          let count = state.waiting.count
          for arrival in state.arrivals where arrival.count <= count { arrival.1.resume() }
          state.arrivals.removeAll { $0.count <= count }
        }
        return state.answer
      }
      if let answer { continuation.resume(returning: answer) }
    }
    switch answer {
    case .signature: return try await key.sign(bytes)
    case .failure: throw Unreachable()
    case .signatureOfOtherBytes: return try await key.sign(bytes + [0])
    }
  }

  /// Until so many wait.
  func arrived(_ count: Int) async {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        if state.waiting.count >= count { continuation.resume() } else { state.arrivals.append((count, continuation)) }
      }
    }
  }

  func letThrough(_ answer: Answer) {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      state.answer = answer
      return state.waiting
    }
    for continuation in waiting { continuation.resume(returning: answer) }
  }
}

/// A TPM or an HSM signs slowly, and at times not at all.
@Suite(.timeLimit(.minutes(20))) struct WaitingSignerTests {
  @Test func `a key elsewhere is a Signer`() async throws {
    for requirement in SignerConformance.all {
      let (_, key) = try SoftwareSigner.generate(.p256)
      try await requirement.check(ElsewhereSigner(key, .signature))
    }
  }

  /// More wait than there are threads of any pool.
  @Test func `while signatures are waited for, everything else goes on`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let signer = try test.signElsewhere()
      let numbers = 0..<24
      var codes: [TicketCode] = []
      for number in numbers {
        codes.append(try await test.ticket("cpu-serial:board-\(number)", "pump-\(number)", by: administrator))
      }
      try await withThrowingTaskGroup(of: Enrolled.self) { tasks in
        for (number, code) in codes.enumerated() {
          tasks.addTask { try await test.enroll("pump-\(number)", code, PeerKey()).get() }
        }
        await signer.arrived(numbers.count)
        let before = try await test.size()
        _ = try await test.ticket(board, "pump-new", by: administrator)
        _ = try await test.administration.block(board, by: administrator)
        #expect(try await test.size() == before + 2, "nothing of what waits is on record")
        signer.letThrough(.signature)
        let enrolled = try await tasks.reduce(into: Set<DeviceID>()) { $0.insert($1.deviceID) }
        #expect(enrolled.count == numbers.count)
      }
      try test.expectWholeLedger()
    }
  }

  @Test func `what changed while a signature was waited for is decided again`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      let signer = try test.signElsewhere()
      async let enrolled = test.enroll("pump-7", code, PeerKey())
      await signer.arrived(1)
      _ = try await test.administration.block(board, by: administrator)
      signer.letThrough(.signature)
      #expect(try await enrolled.refusalCode == "hardware-blocked")
      try test.expectWholeLedger()
    }
  }

  @Test(arguments: [ElsewhereSigner.Answer.failure, .signatureOfOtherBytes])
  fileprivate func `without a signature that holds nothing is issued, and the ticket is not spent`(
    answer: ElsewhereSigner.Answer
  ) async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      let size = try await test.size()
      let signer = try test.signElsewhere(answer)
      let key = PeerKey()
      for _ in 0..<2 {
        switch answer {
        case .failure:
          await #expect(throws: ElsewhereSigner.Unreachable.self) { try await test.enroll("pump-7", code, key) }
        default:
          await #expect(throws: CertificationError.self) { try await test.enroll("pump-7", code, key) }
        }
      }
      #expect(try await test.size() == size, "nothing is on record of what was not issued")
      signer.letThrough(.signature)
      let enrolled = try await test.enroll("pump-7", code, key).get()
      #expect(enrolled.generation == 1)
      // A renewal fails closed alike: the certificate in force stays.
      signer.letThrough(answer)
      let renewal = DeviceRenewal(test.instance)
      await #expect(throws: (any Error).self) {
        try await renewal.renew(
          leaf: enrolled.chain[0], csr: PeerKey().request(commonName: "pump-7"), source: "192.0.2.7")
      }
      #expect(try await test.size() == size + 2)
      try test.expectWholeLedger()
    }
  }
}

extension TestInstance {
  /// From here on the devices' CA signs by a key that has to be waited for.
  fileprivate func signElsewhere(_ answer: ElsewhereSigner.Answer? = nil) throws -> ElsewhereSigner {
    let authorities = instance.authorities
    let software = try #require(authorities.issuer(for: .devices))
    let signer = ElsewhereSigner(software.signer, answer)
    let issuer = try Issuer(
      certificate: software.certificate, use: .devices, signer: signer, points: software.points)
    authorities.unseal([issuer] + [IssuerUse.service].compactMap { authorities.issuer(for: $0) }, responders: [:])
    return signer
  }
}

extension Administration {
  fileprivate func block(_ hardware: String, by caller: Caller) async throws {
    _ = try await list(HardwareInput(hardware: hardware, group: nil, reason: nil), .block, by: caller).get()
  }
}
