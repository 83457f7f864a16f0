import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority
@testable import Publication

@Suite struct OCSPAnswersTests {
  let world: World
  let answers: OCSPAnswers

  init() async throws {
    world = try await World()
    answers = OCSPAnswers(reader: world.ledger, authorities: world.authorities, clock: world.clock)
  }

  private func id(
    _ facts: CertificateFacts, _ hash: OCSPCertificateID.HashAlgorithm = .sha256
  ) -> OCSPCertificateID {
    OCSPCertificateID(issuer: world.devices, serial: Hex.decode(facts.serial) ?? [], hashAlgorithm: hash)
  }

  private func ask(_ ids: OCSPCertificateID..., nonce: [UInt8]? = nil, from source: String = "a") async throws
    -> OCSPAnswer
  {
    try await answers.answer(OCSPQuestion.encode(ids, nonce: nonce), from: source)
  }

  @Test func `a question is answered from what is ready until half of its time is over`() async throws {
    let one = id(try await world.record())
    let first = try await ask(one)
    #expect(OCSPQuestion.statuses(in: first, of: [one]) == ["good"])
    world.clock.advance(.seconds(6 * 3600 - 1))
    #expect(try await ask(one) == first)
    world.clock.advance(.seconds(1))
    let second = try await ask(one)
    #expect(second != first && second.freshness?.expires == world.clock.now() + PublicationTimes.ocsp)
  }

  @Test func `what was revoked, held or released is answered so at once`() async throws {
    let facts = try await world.record()
    let one = id(facts)
    var told: [String] = []
    func tell() async throws { told += OCSPQuestion.statuses(in: try await ask(one), of: [one]) }
    try await tell()
    try await world.revoke(facts, .certificateHold)
    try await tell()
    try await world.release(facts)
    try await tell()
    try await world.revoke(facts)
    try await tell()
    #expect(told == ["good", "revoked", "good", "revoked"])
  }

  @Test func `a serial that was not issued is unknown and takes no place`() async throws {
    for _ in 0..<10 {
      let one = OCSPCertificateID(
        issuer: world.devices, serial: UUIDv7(at: World.start).bytes, hashAlgorithm: .sha1)
      #expect(OCSPQuestion.statuses(in: try await ask(one), of: [one]) == ["unknown"])
    }
    let short = OCSPCertificateID(issuer: world.devices, serial: [7], hashAlgorithm: .sha1)
    #expect(OCSPQuestion.statuses(in: try await ask(short), of: [short]) == ["unknown"])
  }

  @Test func `another issuer's certificate, and the root's, are not ours to tell of`() async throws {
    let facts = try await world.record()
    let root = OCSPCertificateID(
      issuer: world.hierarchy.root.issuer, serial: Hex.decode(facts.serial) ?? [], hashAlgorithm: .sha1)
    #expect(try await ask(root) == OCSPAnswer(.unauthorized))
    let service = OCSPCertificateID(
      issuer: world.hierarchy.service.issuer, serial: Hex.decode(facts.serial) ?? [], hashAlgorithm: .sha1)
    #expect(OCSPQuestion.statuses(in: try await ask(service), of: [service]) == ["unknown"])
    #expect(try await ask(id(facts), service) == OCSPAnswer(.unauthorized))
  }

  @Test func `several certificates are answered together`() async throws {
    let (good, bad) = (try await world.record(), try await world.record())
    try await world.revoke(bad)
    let both = [id(good), id(bad)]
    let answer = try await ask(both[0], both[1])
    #expect(OCSPQuestion.statuses(in: answer, of: both) == ["good", "revoked"] && answer.freshness == nil)
  }

  @Test(arguments: [[], [0x30], [0x30, 0], [UInt8](repeating: 0x30, count: 5000)] as [[UInt8]])
  func `what is no request is malformed`(bytes: [UInt8]) async throws {
    #expect(try await answers.answer(bytes, from: "a") == OCSPAnswer(.malformedRequest))
  }

  @Test func `a nonce is signed for, and beyond the budget the ready answer goes out without`() async throws {
    let one = id(try await world.record())
    let ready = try await ask(one)
    var signed = 0
    for number in 0..<100 {
      let nonce = [UInt8](repeating: UInt8(number), count: 32)
      let answer = try await ask(one, nonce: nonce)
      if answer.der.contains(sequence: nonce) {
        signed += 1
        #expect(answer.freshness == nil)
      } else {
        #expect(answer == ready)
      }
    }
    #expect(signed == 50)
    let nonce = [UInt8](repeating: 0xaa, count: 16)
    #expect(try await ask(one, nonce: nonce, from: "b").der.contains(sequence: nonce))
  }

  @Test(arguments: [1, 15, 33, 128])
  func `a nonce of another size is as none`(size: Int) async throws {
    let one = id(try await world.record())
    let ready = try await ask(one)
    #expect(try await ask(one, nonce: [UInt8](repeating: 7, count: size)) == ready)
  }

  @Test func `sealed, ready answers go out while they hold and are true, and the rest is told to come later`()
    async throws
  {
    let (ready, other) = (try await world.record(), try await world.record())
    let first = try await ask(id(ready))
    world.authorities.seal(true)
    world.clock.advance(.seconds(8 * 3600))
    #expect(try await ask(id(ready)) == first)
    #expect(try await ask(id(ready), nonce: [UInt8](repeating: 1, count: 16)) == first)
    #expect(try await ask(id(ready, .sha1)) == OCSPAnswer(.tryLater))
    #expect(try await ask(id(other)) == OCSPAnswer(.tryLater))
    #expect(try await ask(id(ready), id(other)) == OCSPAnswer(.tryLater))
    world.clock.advance(.seconds(4 * 3600))
    #expect(try await ask(id(ready)) == OCSPAnswer(.tryLater))
  }

  @Test func `sealed, a ready answer that is no longer true does not go out`() async throws {
    let facts = try await world.record()
    _ = try await ask(id(facts))
    world.authorities.seal(true)
    try await world.revoke(facts)
    #expect(try await ask(id(facts)) == OCSPAnswer(.tryLater))
  }

  @Test func `beyond the budget of ready answers one that holds goes out, and none is made`() async throws {
    let answers = OCSPAnswers(
      reader: world.ledger, authorities: world.authorities, clock: world.clock,
      nonces: SigningBudget(perSource: .init(interval: 1000, burst: 0), inAll: .init(interval: 1000, burst: 0)),
      readying: SigningBudget(
        perSource: .init(interval: 86_400_000, burst: 1), inAll: .init(interval: 1000, burst: 10)))
    let (first, second) = (id(try await world.record()), id(try await world.record()))
    func ask(_ id: OCSPCertificateID) async throws -> OCSPAnswer {
      try await answers.answer(OCSPQuestion.encode([id], nonce: [UInt8](repeating: 1, count: 16)), from: "a")
    }
    let ready = try await ask(first)
    #expect(OCSPQuestion.statuses(in: ready, of: [first]) == ["good"])
    #expect(try await ask(second) == OCSPAnswer(.tryLater))
    world.clock.advance(.seconds(7 * 3600))
    #expect(try await ask(first) == ready)
  }

  @Test func `a store that does not answer is no answer`() async throws {
    let one = id(try await world.record())
    _ = try await ask(one)
    world.ledger.state.withLock { $0.isFailing = true }
    await #expect(throws: MemoryLedger.Broken.self) { try await ask(one) }
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func `only what was issued and is not revoked is ever good`(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    var issued: [CertificateFacts] = []
    for _ in 0..<200 {
      let one = issued.randomElement(using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0: issued.append(try await world.record())
      case 1: if let one { try await world.revoke(one, .certificateHold) }
      case 2: if let one { try await world.release(one) }
      case 3: world.clock.advance(.seconds(.random(in: 0...4 * 3600, using: &random)))
      case 4: world.authorities.seal(Bool.random(using: &random))
      case 5: try await check(nil, nonce: nil)
      default: try await check(one, nonce: Bool.random(using: &random) ? UUIDv7(at: World.start).bytes : nil)
      }
    }
  }

  private func check(_ facts: CertificateFacts?, nonce: [UInt8]?) async throws {
    let one =
      facts.map { id($0) }
      ?? OCSPCertificateID(issuer: world.devices, serial: UUIDv7(at: World.start).bytes, hashAlgorithm: .sha256)
    let answer = try await ask(one, nonce: nonce)
    if answer == OCSPAnswer(.tryLater) {
      #expect(world.authorities.responders.isEmpty)
      return
    }
    let status = try await world.ledger.statuses(of: [one.serialHex], issuer: world.devices.keyID)[0]
    let word =
      switch status {
      case .good: "good"
      case .revoked: "revoked"
      case .unknown: "unknown"
      }
    #expect(OCSPQuestion.statuses(in: answer, of: [one]) == [word])
    if let end = answer.freshness?.expires { #expect(world.clock.now() < end) }
  }
}

/// Questions as a client encodes them, and what an answer says, read by place.
enum OCSPQuestion {
  static func encode(_ ids: [OCSPCertificateID], nonce: [UInt8]? = nil) -> [UInt8] {
    let list = TLV.sequence(of: ids.map { TLV.sequence($0.der) })
    let extensions = nonce.map {
      TLV.tagged(2, TLV.sequence(CertificateExtension(OID.ocspNonce, TLV.octetString($0)).der))
    }
    return TLV.sequence(TLV.sequence(list, extensions ?? []))
  }

  /// The status follows the certificate's ID (RFC 6960 §4.2.1).
  static func statuses(in answer: OCSPAnswer, of ids: [OCSPCertificateID]) -> [String] {
    ids.map { id in
      guard let end = answer.der.end(of: id.der), end < answer.der.count else { return "absent" }
      return [0x80: "good", 0xa1: "revoked", 0x82: "unknown"][answer.der[end]] ?? "unreadable"
    }
  }
}

extension [UInt8] {
  func end(of part: [UInt8]) -> Int? {
    guard count >= part.count else { return nil }
    return (0...(count - part.count)).first { self[$0..<($0 + part.count)].elementsEqual(part) }.map { $0 + part.count }
  }

  func contains(sequence part: [UInt8]) -> Bool { end(of: part) != nil }
}
