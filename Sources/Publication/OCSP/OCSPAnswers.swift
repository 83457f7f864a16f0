import CertificateAuthority
public import MusterModel
import Synchronization

/// What is sent to who asked by OCSP.
public struct OCSPAnswer: Sendable, Hashable {
  /// OCSPResponse in DER.
  public let der: [UInt8]
  /// nil for what no one may keep: an error, an answer to a nonce, one about several certificates.
  public let freshness: Freshness?

  init(_ response: OCSPResponse, freshness: Freshness? = nil) {
    der = response.der
    self.freshness = freshness
  }
}

/// Answers OCSP requests (RFC 6960, RFC 5019) from what is ready. A first question makes the answer ready; a nonce is
/// signed for within a budget, and beyond it the ready answer goes out without one (RFC 9654 §2.1). Each answer is held to
/// the status that the store gives now: what was revoked is never answered good again. While the vault is sealed,
/// ready answers go out until their end, and `tryLater` for the rest.
public final class OCSPAnswers: Sendable {
  private let reader: any RevocationReader
  private let authorities: any SigningAuthorities
  private let clock: any WallClock
  private let state: Mutex<State>

  private struct State: Sendable {
    var ready = ReadyAnswers()
    var nonces: SigningBudget
    var readying: SigningBudget
  }

  public convenience init(reader: any RevocationReader, authorities: any SigningAuthorities, clock: any WallClock) {
    self.init(reader: reader, authorities: authorities, clock: clock, nonces: .nonces, readying: .readying)
  }

  init(
    reader: any RevocationReader, authorities: any SigningAuthorities, clock: any WallClock, nonces: SigningBudget,
    readying: SigningBudget
  ) {
    self.reader = reader
    self.authorities = authorities
    self.clock = clock
    state = Mutex(State(nonces: nonces, readying: readying))
  }

  /// The answer to an OCSPRequest in DER. `source` is the network that asks, as limits count it. Throws what the reader and
  /// the signer throw: then `OCSPResponse.internalError` is the answer.
  public func answer(_ der: [UInt8], from source: String) async throws -> OCSPAnswer {
    guard let request = OCSPRequest.parse(der) else { return OCSPAnswer(.malformedRequest) }
    let responders = authorities.responders
    if let responder = responders.first(where: { request.certificates.allSatisfy($0.answers) }) {
      return try await answer(request, by: responder, from: source)
    }
    if !responders.isEmpty, responders.count == authorities.issuers.count { return OCSPAnswer(.unauthorized) }
    return try await readyAnswer(request) ?? OCSPAnswer(.tryLater)
  }

  private func answer(
    _ request: OCSPRequest, by responder: OCSPResponder, from source: String
  ) async throws -> OCSPAnswer {
    let statuses = try await reader.statuses(of: request.certificates.map(\.serialHex), issuer: responder.issuerKeyID)
    let question = Question(
      asked: Array(zip(request.certificates, statuses)), nonce: request.usableNonce, at: clock.now())
    switch plan(question, source) {
    case .give(let answer): return answer
    case .sign(let nonce): return try await sign(question, nonce: nonce, by: responder)
    }
  }

  /// While nobody can sign: what is ready and still true.
  private func readyAnswer(_ request: OCSPRequest) async throws -> OCSPAnswer? {
    guard let id = request.only, let ready = state.withLock({ $0.ready[id] }) else { return nil }
    let now = clock.now()
    let statuses = try await reader.statuses(of: [id.serialHex], issuer: ready.issuerKeyID)
    return statuses == [ready.status] && ready.isValid(at: now) ? ready.answer : nil
  }
}

// MARK: - Deciding

/// What was asked, and what is so.
private struct Question: Sendable {
  let asked: [(id: OCSPCertificateID, status: CertificateStatus)]
  let nonce: [UInt8]?
  let at: Timestamp

  var only: (id: OCSPCertificateID, status: CertificateStatus)? { asked.count == 1 ? asked[0] : nil }
}

private enum Plan: Sendable {
  case give(OCSPAnswer)
  case sign(nonce: [UInt8]?)
}

extension OCSPRequest {
  /// The one certificate that is asked about.
  fileprivate var only: OCSPCertificateID? { certificates.count == 1 ? certificates[0] : nil }

  /// A nonce of another size is taken as if it were absent.
  fileprivate var usableNonce: [UInt8]? { nonce.flatMap { OCSPResponder.nonceSizes.contains($0.count) ? $0 : nil } }
}

extension OCSPAnswers {
  private func plan(_ question: Question, _ source: String) -> Plan {
    state.withLock { state in
      let ready = question.only.flatMap { state.ready.answer(for: $0.id, telling: $0.status) }
      if let nonce = question.nonce, state.nonces.spend(source, at: question.at) { return .sign(nonce: nonce) }
      if let ready, ready.isFresh(at: question.at) { return .give(ready.answer) }
      if state.readying.spend(source, at: question.at) { return .sign(nonce: nil) }
      if let ready, ready.isValid(at: question.at) { return .give(ready.answer) }
      return .give(OCSPAnswer(.tryLater))
    }
  }

  private func sign(_ question: Question, nonce: [UInt8]?, by responder: OCSPResponder) async throws -> OCSPAnswer {
    let (thisUpdate, nextUpdate) = (question.at.wholeSeconds, question.at.wholeSeconds + PublicationTimes.ocsp)
    let response = try await responder.respond(
      to: question.asked, nonce: nonce, producedAt: thisUpdate, thisUpdate: thisUpdate, nextUpdate: nextUpdate)
    guard nonce == nil, let only = question.only else { return OCSPAnswer(response) }
    let answer = OCSPAnswer(
      response,
      freshness: Freshness(digest: .sha256(response.der), lastModified: thisUpdate, expires: nextUpdate))
    // What was not issued is not kept: nobody is to push out real answers by asking about random numbers.
    if only.status != .unknown {
      let ready = ReadyAnswer(
        issuerKeyID: responder.issuerKeyID, status: only.status, answer: answer, thisUpdate: thisUpdate,
        nextUpdate: nextUpdate)
      state.withLock { $0.ready.keep(ready, for: only.id, at: question.at) }
    }
    return answer
  }
}
