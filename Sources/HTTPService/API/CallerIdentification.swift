import Enrollment
import HTTPTypes
import MusterModel
import Policy

/// Finds who asks, from the certificate that the connection shows. Asked at each request, for a certificate may have
/// been revoked since the handshake. Who shows none of ours is anonymous: `access.yaml` says what that may do.
struct CallerIdentification: Sendable {
  let authentication: Authentication

  @Sendable func identify(_ request: RoutedRequest) async throws -> Caller {
    guard let leaf = request.peer.chain.first else { return caller(.anonymous, ReadSet(), request) }
    switch try await authentication.identify(leaf: leaf) {
    case .foreign: return caller(.anonymous, ReadSet(), request)
    case .refused(let refusal): throw Problem(refusal).counted()
    case .known(let principal, let reads): return caller(principal, reads, request, try idempotency(request))
    }
  }

  private func caller(
    _ principal: Principal, _ reads: ReadSet, _ request: RoutedRequest, _ idempotency: Caller.Idempotency? = nil
  ) -> Caller {
    Caller(
      principal: principal, reads: reads, source: request.peer.source.description, idempotency: idempotency)
  }

  private func idempotency(_ request: RoutedRequest) throws(Problem) -> Caller.Idempotency? {
    guard request.method != .get, let key = try IdempotencyKey.read(request.headers) else { return nil }
    let asked = Array("\(request.method.rawValue) \(request.target)\n".utf8) + request.body
    return Caller.Idempotency(key: key.text, request: .sha256(asked))
  }
}

extension Problem {
  /// What an anonymous caller is told instead of "not allowed".
  static func notAuthenticated(showing chain: [[UInt8]]) -> Problem {
    let found = chain.isEmpty ? "none" : "another"
    return Problem(
      Refusal(
        .unauthenticated, "not-authenticated", "expected a client certificate of this instance, found \(found)")
    ).counted()
  }
}
