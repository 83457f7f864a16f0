import Enrollment
import HTTPTypes
import MusterModel
import Policy

/// Finds who asks, from the certificate that the connection shows. Asked at each request, for a certificate may have
/// been revoked since the handshake. Who shows none of ours is anonymous: `access.yaml` says what that may do.
struct CallerIdentification: Sendable {
  private let authentication: Authentication
  private let policies: Policies

  init(_ instance: Instance) {
    authentication = Authentication(instance)
    policies = instance.policies
  }

  /// Throws for a stranger who may not, and for whoever is no longer who the certificate says. Whether someone who is
  /// known may is for the use case, which knows the record's group.
  @Sendable func admit(_ peer: PeerIdentity, _ operation: Policy.Operation) async throws -> CallerIdentity {
    switch try await finding(peer) {
    case .refused(let refusal): throw Problem(refusal).counted()
    case .known(let principal, let reads): return CallerIdentity(principal: principal, reads: reads)
    case .foreign:
      guard case .allowed = policies.decide(.anonymous, operation, group: nil) else {
        throw Problem.notAuthenticated(showing: peer.chain)
      }
      return CallerIdentity(principal: .anonymous, reads: ReadSet())
    }
  }

  private func finding(_ peer: PeerIdentity) async throws -> Authentication.Finding {
    guard let leaf = peer.chain.first else { return .foreign }
    return try await authentication.identify(leaf: leaf)
  }
}

/// Who asks, before it is known what.
struct CallerIdentity: Sendable {
  let principal: Principal
  /// What the principal was read from.
  let reads: ReadSet

  func caller(of request: RoutedRequest) throws(Problem) -> Caller {
    Caller(
      principal: principal, reads: reads, source: request.peer.source.description,
      idempotency: principal == .anonymous ? nil : try idempotency(request))
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
